import { apis } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { byCluster, controllerOfTopic, nameIn, shownNames } from './by-cluster.ts'
import { nativeAssignments } from './nodes.ts'
import { type Translation } from './translation.ts'

/** CreateTopics: a new topic where new ones are created, one of the plan where it is by now. */
export const translateCreateTopics: Translation = (table, request) => {
  const api = apis.createTopics
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.topics,
    to: ({ name }) => controllerOfTopic(table, name),
    native: (topic, cluster) => ({
      ...topic,
      name: nameIn(table, cluster, topic.name),
      assignments: nativeAssignments(table, cluster, topic.assignments),
    }),
    body: (topics) => ({ ...asked, topics }),
    show: (answers, now) => {
      const shown = shownNames(now)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        topics: answers.flatMap(({ cluster, answer }) =>
          answer.topics.map((topic) => ({ ...topic, name: shown(cluster, topic.name) })),
        ),
      }
    },
  })
}
