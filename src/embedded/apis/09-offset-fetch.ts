import { apis, errorCodes, zeroUuid } from '../../protocol/index.ts'
import type { Group } from '../group.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'
import { findTopic } from './endpoints.ts'

/**
 * OffsetFetch, versions 0-10. Without a committed offset: -1. v2: null topics mean all. v7: who
 * requires stable offsets gets UNSTABLE_OFFSET_COMMIT while a transaction is about to commit one
 * (KIP-447). v8: several groups. v10: topic ids.
 */
export const offsetFetch = handler(apis.offsetFetch, { min: 0, max: 10 }, (request, call) => {
  if (call.apiVersion >= 8)
    return {
      groups: request.groups.map(({ groupId, topics }) => ({
        groupId,
        ...fetchGroup(call, groupId, topics, request.requireStable),
      })),
    }
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null
  const { errorCode, topics: found } = fetchGroup(
    call,
    request.groupId,
    topics,
    request.requireStable,
  )
  // Before v2 there is no error for the whole answer: each partition carries it.
  if (call.apiVersion >= 2 || errorCode === errorCodes.NONE) return { errorCode, topics: found }
  const failed = (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => noOffset(index, errorCode)),
  }))
  return { topics: failed }
})

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

const noOffset = (partitionIndex: number, errorCode: number) => ({
  partitionIndex,
  committedOffset: -1n,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode,
})

function fetchGroup(
  call: Call,
  groupId: string,
  topics: readonly AskedTopic[] | null,
  requireStable: boolean,
) {
  const errorCode = refuseGroup(call, groupId)
  if (errorCode !== errorCodes.NONE) return { errorCode, topics: [] }
  const group = call.shared.groups.get(groupId)
  const asked = topics ?? committedTopics(call, group)
  const byId = call.apiVersion >= 10 && topics !== null
  const found = asked.map(({ name, topicId, partitionIndexes }) => {
    const topic = byId ? findTopic(call, true, { name, topicId }) : undefined
    const isUnknown = byId && topic === undefined
    return {
      name,
      topicId,
      partitions: partitionIndexes.map((index) =>
        isUnknown
          ? noOffset(index, errorCodes.UNKNOWN_TOPIC_ID)
          : fetchPartition(group, topic?.name ?? name, index, requireStable),
      ),
    }
  })
  return { errorCode, topics: found }
}

function committedTopics({ shared }: Call, group: Group | undefined): AskedTopic[] {
  return (group?.offsets.all() ?? []).map(({ topic, partitions }) => ({
    name: topic,
    topicId: shared.state.topics.get(topic)?.id ?? zeroUuid,
    partitionIndexes: partitions.map(({ partition }) => partition),
  }))
}

function fetchPartition(group: Group | undefined, topic: string, index: number, stable: boolean) {
  if (stable && group?.offsets.isUnstable(topic, index) === true)
    return noOffset(index, errorCodes.UNSTABLE_OFFSET_COMMIT)
  const committed = group?.offsets.get(topic, index)
  if (committed === undefined) return noOffset(index, errorCodes.NONE)
  return {
    partitionIndex: index,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: errorCodes.NONE,
  }
}
