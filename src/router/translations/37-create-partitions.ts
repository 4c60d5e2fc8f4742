import { apis, errorCodes } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { byCluster, controllerOfTopic, inBothClusters, nameIn, shownNames } from './by-cluster.ts'
import { nativeAssignments } from './nodes.ts'
import { type Translation } from './translation.ts'

/** CreatePartitions: of the topic in the cluster that has it. */
export const translateCreatePartitions: Translation = (table, request) => {
  const api = apis.createPartitions
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.topics,
    to: ({ name }) => controllerOfTopic(table, name),
    native: (topic, cluster) => ({
      ...topic,
      name: nameIn(table, cluster, topic.name),
      assignments: topic.assignments && nativeAssignments(table, cluster, topic.assignments),
    }),
    body: (topics) => ({ ...asked, topics }),
    refused: {
      topic: ({ name }) => name,
      answer: (topics) => ({
        throttleTimeMs: 0,
        results: topics.map(({ name }) => ({
          name,
          errorCode: errorCodes.INVALID_PARTITIONS,
          errorMessage: inBothClusters,
        })),
      }),
    },
    show: (answers, now) => {
      const shown = shownNames(now)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        results: answers.flatMap(({ cluster, answer }) =>
          answer.results.map((result) => ({ ...result, name: shown(cluster, result.name) })),
        ),
      }
    },
  })
}
