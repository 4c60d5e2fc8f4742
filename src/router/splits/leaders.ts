import { apis, type FetchRequest } from '../../protocol/index.ts'
import { bodyOf, split, throttle, type Decision, type RequestFrame } from '../decision.ts'
import type { Destination, RoutingTable } from '../table.ts'
import { groupByLeader, joinTopics, type Grouped, type Listing } from './partitions.ts'

type Bodies<B> = ReadonlyMap<Destination, B>

/** One destination: the request goes there as it is. None: any broker says what is wrong with it. */
function decide<T, B>(
  grouped: Grouped<T>,
  body: (topics: readonly T[], parts: number) => B,
  several: (bodies: Bodies<B>) => Decision,
): Decision {
  if (grouped.kind === 'unknown') return { kind: 'ask', question: grouped.question }
  const [only] = grouped.by.keys()
  if (only === undefined) return { kind: 'forward', to: 'any' }
  if (grouped.by.size === 1) return { kind: 'forward', to: only }
  const bodies = new Map<Destination, B>()
  for (const [to, topics] of grouped.by) bodies.set(to, body(topics, grouped.by.size))
  return several(bodies)
}

const withPartitions = <T, P>(
  topic: T,
  partitions: readonly P[],
): T & { partitions: readonly P[] } => ({
  ...topic,
  partitions,
})

/** Topics that list their partitions below their name. */
interface Named<P> {
  readonly name: string
  readonly partitions: readonly P[]
}

const byPartitionIndex = <T extends Named<{ readonly partitionIndex: number }>>(): Listing<
  T,
  T['partitions'][number]
> => ({
  name: (topic) => topic.name,
  partitions: (topic) => topic.partitions,
  index: (partition) => partition.partitionIndex,
  withPartitions,
})

/** What is answered of topics and partitions. */
const mergeTopics = <P, T extends Named<P>>(
  answers: readonly { readonly throttleTimeMs: number; readonly topics: readonly T[] }[],
) => ({
  throttleTimeMs: throttle(answers),
  topics: joinTopics(
    answers.map(({ topics }) => topics),
    (topic) => topic.name,
    (topic) => topic.partitions,
    withPartitions,
  ),
})

/** Topics that list the numbers of their partitions. */
const byNumber = <
  T extends { readonly name: string; readonly partitionIndexes: readonly number[] },
>(): Listing<T, number> => ({
  name: (topic) => topic.name,
  partitions: (topic) => topic.partitionIndexes,
  index: (partition) => partition,
  withPartitions: (topic, partitionIndexes) => ({ ...topic, partitionIndexes }),
})

/** Produce: written where each partition is written; the answers hold one entry per partition. */
export function splitProduce(table: RoutingTable, request: RequestFrame): Decision {
  const asked = bodyOf(apis.produce, request)
  const listing: Listing<
    (typeof asked.topicData)[number],
    (typeof asked.topicData)[number]['partitionData'][number]
  > = {
    name: (topic) => topic.name,
    partitions: (topic) => topic.partitionData,
    index: (partition) => partition.index,
    withPartitions: (topic, partitionData) => ({ ...topic, partitionData }),
  }
  return decide(
    groupByLeader(table, 'write', asked.topicData, listing),
    (topicData) => ({ ...asked, topicData }),
    (bodies) =>
      split(apis.produce, request, bodies, (answers) => ({
        responses: joinTopics(
          answers.map((answer) => answer.responses),
          (topic) => topic.name,
          (topic) => topic.partitionResponses,
          (topic, partitionResponses) => ({ ...topic, partitionResponses }),
        ),
        throttleTimeMs: throttle(answers),
        nodeEndpoints: answers.flatMap((answer) => answer.nodeEndpoints),
      })),
  )
}

type FetchTopic = FetchRequest['topics'][number]

const fetchListing = (
  table: RoutingTable,
  version: number,
): Listing<FetchTopic, FetchTopic['partitions'][number]> => ({
  name: (topic) => (version >= 13 ? (table.topicNames.get(topic.topicId) ?? null) : topic.topic),
  partitions: (topic) => topic.partitions,
  index: (partition) => partition.partition,
  withPartitions,
})

/**
 * Fetch from several brokers: without a session (id 0, epoch -1; KIP-227), each waits at most
 * `waitMsMax` so that one with nothing new does not keep back what another has, and each may answer a
 * share of the bytes.
 */
export function splitFetch(
  table: RoutingTable,
  request: RequestFrame,
  waitMsMax: number,
): Decision {
  const asked = bodyOf(apis.fetch, request)
  const grouped = groupByLeader(table, 'read', asked.topics, fetchListing(table, request.version))
  return decide(
    grouped,
    (topics, parts) => ({
      ...asked,
      topics,
      forgottenTopicsData: [],
      sessionId: 0,
      sessionEpoch: -1,
      maxWaitMs: Math.min(asked.maxWaitMs, waitMsMax),
      maxBytes: Math.max(1, Math.floor(asked.maxBytes / parts)),
      rackId: '',
    }),
    (bodies) =>
      split(apis.fetch, request, bodies, (answers) => ({
        throttleTimeMs: throttle(answers),
        errorCode: answers.find((answer) => answer.errorCode !== 0)?.errorCode ?? 0,
        sessionId: 0,
        responses: joinTopics(
          answers.map((answer) => answer.responses),
          (topic) => (request.version >= 13 ? topic.topicId : topic.topic),
          (topic) => topic.partitions,
          withPartitions,
        ),
        nodeEndpoints: [],
      })),
  )
}

export function splitListOffsets(table: RoutingTable, request: RequestFrame): Decision {
  const asked = bodyOf(apis.listOffsets, request)
  return decide(
    groupByLeader(table, 'read', asked.topics, byPartitionIndex()),
    (topics) => ({ ...asked, topics }),
    (bodies) => split(apis.listOffsets, request, bodies, mergeTopics),
  )
}

export function splitDeleteRecords(table: RoutingTable, request: RequestFrame): Decision {
  const asked = bodyOf(apis.deleteRecords, request)
  return decide(
    groupByLeader(table, 'write', asked.topics, byPartitionIndex()),
    (topics) => ({ ...asked, topics }),
    (bodies) => split(apis.deleteRecords, request, bodies, mergeTopics),
  )
}

export function splitOffsetForLeaderEpoch(table: RoutingTable, request: RequestFrame): Decision {
  const api = apis.offsetForLeaderEpoch
  const asked = bodyOf(api, request)
  type T = (typeof asked.topics)[number]
  const listing: Listing<T, T['partitions'][number]> = {
    name: (topic) => topic.topic,
    partitions: (topic) => topic.partitions,
    index: (partition) => partition.partition,
    withPartitions,
  }
  return decide(
    groupByLeader(table, 'read', asked.topics, listing),
    (topics) => ({ ...asked, topics }),
    (bodies) =>
      split(api, request, bodies, (answers) => ({
        throttleTimeMs: throttle(answers),
        topics: joinTopics(
          answers.map((answer) => answer.topics),
          (topic) => topic.topic,
          (topic) => topic.partitions,
          withPartitions,
        ),
      })),
  )
}

export function splitDescribeProducers(table: RoutingTable, request: RequestFrame): Decision {
  const asked = bodyOf(apis.describeProducers, request)
  return decide(
    groupByLeader(table, 'write', asked.topics, byNumber()),
    (topics) => ({ ...asked, topics }),
    (bodies) => split(apis.describeProducers, request, bodies, mergeTopics),
  )
}

/** WriteTxnMarkers, as `kafka-transactions abort` sends it: each marker to the leaders of its partitions. */
export function splitWriteTxnMarkers(table: RoutingTable, request: RequestFrame): Decision {
  const api = apis.writeTxnMarkers
  const asked = bodyOf(api, request)
  type Marker = (typeof asked.markers)[number]
  const bodies = new Map<Destination, { markers: Marker[] }>()
  for (const marker of asked.markers) {
    const grouped = groupByLeader(table, 'write', marker.topics, byNumber())
    if (grouped.kind === 'unknown') return { kind: 'ask', question: grouped.question }
    for (const [to, topics] of grouped.by) {
      const body = bodies.get(to) ?? { markers: [] }
      body.markers.push({ ...marker, topics })
      bodies.set(to, body)
    }
  }
  const [only] = bodies.keys()
  if (bodies.size < 2) return { kind: 'forward', to: only ?? 'any' }
  return split(api, request, bodies, (answers) => ({
    markers: joinTopics(
      answers.map((answer) => answer.markers),
      (marker) => String(marker.producerId),
      (marker) => marker.topics,
      (marker, topics) => ({ ...marker, topics }),
    ),
  }))
}
