import { apis, errorCodes, zeroUuid } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'

/**
 * DeleteTopics, versions 0-6. v6: by name or by id. What groups committed for a topic goes with it.
 */
export const deleteTopics = handler(apis.deleteTopics, { min: 0, max: 6 }, (request, call) => {
  const asked =
    call.apiVersion >= 6
      ? request.topics
      : request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
  return { responses: asked.map((topic) => remove(call, topic)) }
})

function remove({ shared }: Call, asked: { name: string | null; topicId: string }) {
  const { state, groups } = shared
  const byId = asked.name === null
  const topic = asked.name === null ? state.topicById(asked.topicId) : state.topics.get(asked.name)
  if (topic === undefined) {
    const unknown = byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { ...asked, errorCode: unknown }
  }
  state.deleteTopic(topic)
  for (const group of groups.all()) group.offsets.deleteTopic(topic.name)
  return { name: topic.name, topicId: topic.id, errorCode: errorCodes.NONE }
}
