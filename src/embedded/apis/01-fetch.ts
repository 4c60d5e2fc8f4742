import { apis, errorCodes, type FetchRequest } from '../../protocol/index.ts'
import type { FetchContext, WantedPartition } from '../fetch-sessions.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { waitUntil } from '../wait.ts'
import { findTopic, leaderHints } from './endpoints.ts'
import { readPartition, type PartitionRead } from './fetch-read.ts'

/**
 * Fetch, versions 4-17.
 *
 * - waits for `minBytes` at most `maxWaitMs`, unless a partition has an error.
 * - v7: incremental sessions, see `fetch-sessions.ts`. v9: leader epochs are checked.
 * - v12: `lastFetchedEpoch` is checked too, for consumers as for followers: `divergingEpoch`.
 * - v13: topic ids; an unknown one is UNKNOWN_TOPIC_ID for its partitions.
 * - v16: a broker that does not lead names the one that does (KIP-951).
 *
 * Not handled: followers, preferred read replicas (always -1), cut-off last batches (there are none),
 * down-conversion for versions below 4.
 */
export const fetch = handler(apis.fetch, { min: 4, max: 17 }, async (request, call) => {
  const context = call.sessions.open({
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds: call.apiVersion >= 13,
    wanted: wantedPartitions(request),
    forgotten: request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
      partitions.map((partition) => ({ topic, topicId, partition })),
    ),
  })
  if (context.kind === 'refused')
    return { errorCode: context.errorCode, sessionId: 0, responses: [] }
  let reads: readonly PartitionRead[] = []
  await waitUntil({
    clock: call.shared.clock,
    gone: call.gone,
    ms: context.wanted.length === 0 ? 0 : request.maxWaitMs,
    sources: () => context.wanted.flatMap((wanted) => topicOf(call, wanted)?.partitions ?? []),
    isDone() {
      reads = readAll(request, call, context)
      const size = reads.reduce((sum, { bytes }) => sum + bytes, 0)
      return size >= request.minBytes || reads.some(({ mustAnswer }) => mustAnswer)
    },
  })
  return answer(call, context, reads)
})

function wantedPartitions(request: FetchRequest): WantedPartition[] {
  return request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, ...partition })),
  )
}

const topicOf = (call: Call, { topic, topicId }: WantedPartition) =>
  findTopic(call, call.apiVersion >= 13, { name: topic, topicId })

function readAll(request: FetchRequest, call: Call, { wanted }: FetchContext): PartitionRead[] {
  let left = Math.min(request.maxBytes, call.shared.limits.fetchBytesMax)
  let isFirst = true
  return wanted.map((each) => {
    const read = readPartition(call, topicOf(call, each), each, {
      bytesMax: Math.min(left, each.partitionMaxBytes),
      atLeastOne: isFirst,
      isCommitted: request.isolationLevel === 1,
    })
    if (read.bytes > 0) isFirst = false
    left = Math.max(0, left - read.bytes)
    return read
  })
}

function answer(call: Call, context: FetchContext, reads: readonly PartitionRead[]) {
  const topics = new Map<
    string,
    { topic: string; topicId: string; partitions: ReturnType<typeof partitionAnswer>[] }
  >()
  const news = reads.filter((read) =>
    context.isNews(read.wanted, { ...read.answer, recordBytes: read.bytes }),
  )
  for (const read of news) {
    const { topic, topicId } = read.wanted
    const key = `${topic}/${topicId}`
    const entry = topics.get(key) ?? { topic, topicId, partitions: [] }
    entry.partitions.push(partitionAnswer(call, read))
    topics.set(key, entry)
  }
  const moved = new Set(news.flatMap(({ moved }) => (moved === undefined ? [] : [moved.leader])))
  const hints = leaderHints(call, moved)
  return {
    errorCode: errorCodes.NONE,
    sessionId: context.sessionId,
    responses: [...topics.values()],
    ...(call.apiVersion >= 16 ? { nodeEndpoints: hints } : {}),
  }
}

function partitionAnswer({ apiVersion }: Call, { answer, moved, diverging }: PartitionRead) {
  const hint = apiVersion >= 16 && moved !== undefined
  return {
    ...answer,
    ...(hint ? { currentLeader: { leaderId: moved.leader, leaderEpoch: moved.leaderEpoch } } : {}),
    ...(diverging === undefined ? {} : { divergingEpoch: diverging }),
  }
}
