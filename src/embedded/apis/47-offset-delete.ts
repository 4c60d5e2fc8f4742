import {
  apis,
  DecodeError,
  decodeSubscription,
  errorCodes,
  type OffsetDeleteRequest,
} from '../../protocol/index.ts'
import type { Group } from '../group.ts'
import { handler } from '../handler.ts'
import { metadataOf } from '../members.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'

/**
 * OffsetDelete, version 0 (KIP-496): forgets committed offsets of topics to which no member is
 * subscribed. A group with members of another kind than consumers keeps all: NON_EMPTY_GROUP.
 *
 * A group that has nothing left stays, as in Kafka 4; in 3.9 it was gone at once.
 */
export const offsetDelete = handler(apis.offsetDelete, { min: 0, max: 0 }, (request, call) => {
  const group = call.shared.groups.get(request.groupId)
  const errorCode = judge(request, call, group)
  if (errorCode !== errorCodes.NONE || group === undefined)
    return { throttleTimeMs: 0, errorCode, topics: [] }
  const subscribed = subscriptions(group)
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      if (subscribed.has(name))
        return { partitionIndex, errorCode: errorCodes.GROUP_SUBSCRIBED_TO_TOPIC }
      if (call.shared.state.partition(name, partitionIndex) === undefined)
        return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
      group.offsets.delete(name, partitionIndex)
      return { partitionIndex, errorCode: errorCodes.NONE }
    }),
  }))
  return { throttleTimeMs: 0, errorCode, topics }
})

function judge({ groupId }: OffsetDeleteRequest, call: Call, group: Group | undefined): number {
  const refused = refuseGroup(call, groupId)
  if (refused !== errorCodes.NONE) return refused
  if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
  const isForeign = group.phase !== 'Empty' && group.protocolType !== 'consumer'
  return isForeign ? errorCodes.NON_EMPTY_GROUP : errorCodes.NONE
}

function subscriptions(group: Group): ReadonlySet<string> {
  const topics = group.members.flatMap((member) => {
    try {
      return decodeSubscription(metadataOf(member, group.protocol)).message.topics
    } catch (error) {
      // What members tell each other is theirs: a payload that is no subscription names no topic.
      if (error instanceof DecodeError) return []
      throw error
    }
  })
  return new Set(topics)
}
