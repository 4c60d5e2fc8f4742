import { apis, errorCodes, type OffsetCommitRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'
import { findTopic } from './endpoints.ts'

/**
 * OffsetCommit, versions 0-10. The offset itself is never checked against the log; whether the
 * partition exists is, before anything about the group. v7: static
 * members. v9: an unknown group is GROUP_ID_NOT_FOUND, from Kafka 4 on. v10: topic ids.
 *
 * v0, which stored in ZooKeeper, is stored like the others. Retention of offsets is not handled.
 */
export const offsetCommit = handler(apis.offsetCommit, { min: 0, max: 10 }, (request, call) => {
  const { shared, apiVersion } = call
  const errorCode = judge(request, call)
  return {
    topics: request.topics.map((asked) => {
      const topic = findTopic(call, apiVersion >= 10, asked)
      const partitions = asked.partitions.map((committed) => {
        const { partitionIndex, committedMetadata: metadata } = committed
        const answer = (code: number) => ({ partitionIndex, errorCode: code })
        if (topic === undefined && apiVersion >= 10) return answer(errorCodes.UNKNOWN_TOPIC_ID)
        if (topic?.partitions[partitionIndex] === undefined)
          return answer(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
        if (errorCode !== errorCodes.NONE) return answer(errorCode)
        if (Buffer.byteLength(metadata ?? '') > shared.limits.offsetMetadataBytesMax)
          return answer(errorCodes.OFFSET_METADATA_TOO_LARGE)
        shared.groups.make(request.groupId).offsets.commit(topic.name, partitionIndex, {
          offset: committed.committedOffset,
          leaderEpoch: committed.committedLeaderEpoch,
          metadata: metadata ?? '',
        })
        return answer(errorCodes.NONE)
      })
      return { name: asked.name, topicId: asked.topicId, partitions }
    }),
  }
})

function judge(request: OffsetCommitRequest, call: Call): number {
  const { groups } = call.shared
  const refused = refuseGroup(call, request.groupId)
  if (refused !== errorCodes.NONE) return refused
  const group = groups.get(request.groupId)
  const generationId = request.generationIdOrMemberEpoch
  if (group === undefined && generationId >= 0)
    return call.apiVersion >= 9 ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION
  if (group === undefined) return errorCodes.NONE
  const { memberId, groupInstanceId: instanceId } = request
  return groups.act(group, (now) => group.judgeCommit({ memberId, instanceId, generationId }, now))
}
