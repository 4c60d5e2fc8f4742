import { apis, zeroUuid, type DeleteTopicsRequest } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { byCluster, controllerOfTopic, nameIn, shownNames } from './by-cluster.ts'
import { type Translation } from './translation.ts'

type Topic = DeleteTopicsRequest['topics'][number]

/** DeleteTopics, every version: by name, from v6 on also by the id that clients know (KIP-516). */
export const translateDeleteTopics: Translation = (table, request) => {
  const api = apis.deleteTopics
  const { version } = request
  const asked = bodyOf(api, request)
  const nameOf = ({ name, topicId }: Topic): string => name ?? table.topicNames.get(topicId) ?? ''
  return byCluster(table, request, {
    api,
    items:
      version >= 6 ? asked.topics : asked.topicNames.map((name) => ({ name, topicId: zeroUuid })),
    to: (topic) => controllerOfTopic(table, nameOf(topic)),
    native: (topic, cluster) => {
      if (cluster === 'source') return topic
      const name = nameIn(table, cluster, nameOf(topic))
      if (topic.name !== null) return { ...topic, name }
      return { ...topic, topicId: table.target.topics.get(name)?.topicId ?? topic.topicId }
    },
    body: (topics) =>
      version >= 6
        ? { ...asked, topics }
        : { ...asked, topicNames: topics.map(({ name }) => name ?? '') },
    show: (answers, now) => {
      const shown = shownNames(now)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        responses: answers.flatMap(({ cluster, answer }) =>
          answer.responses.map((response) => {
            const native = response.name ?? now[cluster].topicNames.get(response.topicId)
            const name = native === undefined ? undefined : shown(cluster, native)
            const planned = name === undefined ? undefined : now.view.topics.get(name)
            if (planned === undefined) return response
            return {
              ...response,
              name: response.name === null ? null : planned.name,
              topicId: response.topicId === zeroUuid ? zeroUuid : (planned.topicId ?? zeroUuid),
            }
          }),
        ),
      }
    },
  })
}
