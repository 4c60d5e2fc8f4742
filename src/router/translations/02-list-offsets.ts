import { apis, type ListOffsetsRequest, type ListOffsetsResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { toVirtual, type Segment, type Timeline } from '../timeline/index.ts'
import {
  byPartition,
  listed,
  readable,
  resultsListed,
  within,
  type PartitionsApi,
  type Plan,
} from './partitions.ts'
import { isSourceOff, type Translation } from './translation.ts'

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
type Found = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Kafka's special timestamps. */
const latest = -1n
const earliest = -2n
const maxTimestamp = -3n
/** KIP-405. */
const earliestLocal = -4n

/**
 * ListOffsets, every version. What is asked for is looked for segment by segment; what lies outside a
 * segment is not a part of the virtual partition. Leader epochs of a partition that has moved are not
 * told: a client that stores them would compare them with those of another cluster (KIP-320).
 */
export const translateListOffsets: Translation = (table, request) => {
  const { version } = request
  const asked = bodyOf(apis.listOffsets, request)
  const isOff = isSourceOff(table.view)
  return byPartition(
    table,
    request,
    listing(asked, version),
    asked.topics.flatMap(({ name, partitions }) =>
      partitions.map((ask) => ({ topic: name, partition: ask.partitionIndex, ask })),
    ),
    (timeline, ask) => (version === 0 ? planOld : plan)(timeline, ask, isOff),
  )
}

const listing = (
  asked: ListOffsetsRequest,
  version: number,
): PartitionsApi<
  typeof apis.listOffsets.request.fields,
  typeof apis.listOffsets.response.fields,
  Asked,
  Found
> => ({
  api: apis.listOffsets,
  access: 'read',
  body: (topics) => ({
    ...asked,
    topics: listed(topics),
  }),
  index: ({ partitionIndex }) => partitionIndex,
  results: resultsListed,
  resultIndex: ({ partitionIndex }) => partitionIndex,
  errorOf: ({ errorCode }) => errorCode,
  failed: (partitionIndex, errorCode) => ({ ...nothing, partitionIndex, errorCode }),
  ended: (ask) => endedAt(ask, version),
  answer: (answers, topics) => ({
    throttleTimeMs: throttle(answers),
    topics: listed(topics),
  }),
})

/** A partition of a source that is off begins and ends at 0: nobody reads it, and who asks is not to fail. */
function endedAt({ partitionIndex, timestamp }: Asked, version: number): Found {
  if (version === 0) return { ...nothing, partitionIndex, oldStyleOffsets: [0n] }
  const isTold = timestamp === latest || timestamp === earliest || timestamp === earliestLocal
  return { ...nothing, partitionIndex, offset: isTold ? 0n : -1n }
}

const nothing: Found = {
  partitionIndex: -1,
  errorCode: 0,
  oldStyleOffsets: [],
  timestamp: -1n,
  offset: -1n,
  leaderEpoch: -1,
}

function plan(timeline: Timeline, ask: Asked, isOff: boolean): Plan<Asked, Found> {
  const segments = segmentsFor(ask.timestamp, timeline, isOff)
  const { partitionIndex } = ask
  return {
    lookups: segments.map((at) => lookup(at, ask)),
    show: (results) => {
      const failed = results.find(({ errorCode }) => errorCode !== 0)
      if (failed !== undefined) return { ...nothing, partitionIndex, errorCode: failed.errorCode }
      const found = select(ask.timestamp, segments, results)
      return { ...nothing, partitionIndex, ...found }
    },
  }
}

const lookup = (at: Segment, ask: Asked) => ({
  at,
  ask: { ...ask, partitionIndex: at.partition, currentLeaderEpoch: -1 },
})

/** -5 and below tell of the source's tiers (KIP-1005, KIP-1023): it alone knows them. */
function segmentsFor(timestamp: bigint, timeline: Timeline, isOff: boolean): readonly Segment[] {
  const segments = readable(timeline, isOff)
  if (timestamp === latest) return segments.slice(-1)
  if (timestamp >= earliestLocal) return segments
  return isOff ? [] : segments.slice(0, 1)
}

type Hit = Pick<Found, 'offset' | 'timestamp'>

function select(
  timestamp: bigint,
  segments: readonly Segment[],
  results: readonly Found[],
): Hit | undefined {
  const hits = segments.flatMap((segment, i) => {
    const hit = hitIn(segment, results[i] ?? nothing, timestamp)
    return hit === undefined ? [] : [hit]
  })
  if (timestamp !== maxTimestamp) return hits[0]
  return hits.reduce<Hit | undefined>(
    (best, hit) => (best === undefined || hit.timestamp > best.timestamp ? hit : best),
    undefined,
  )
}

/**
 * What a segment answers, as clients see it. A closed one has nothing at its end or behind it, where
 * others may have written since; below its start it has nothing either, and begins there.
 */
function hitIn(segment: Segment, { offset, timestamp }: Found, asked: bigint): Hit | undefined {
  if (offset < 0n) return undefined
  if (segment.end !== null && offset >= segment.end) return undefined
  if (asked === maxTimestamp && offset < segment.start) return undefined
  return { offset: toVirtual(segment, within(segment, offset)), timestamp }
}

/** v0 lists where log segments begin, newest first, and before them, for the latest, the end of the log. */
function planOld(timeline: Timeline, ask: Asked, isOff: boolean): Plan<Asked, Found> {
  const segments = readable(timeline, isOff)
  const { partitionIndex, maxNumOffsets } = ask
  return {
    lookups: segments.map((at) => lookup(at, ask)),
    show: (results) => {
      const failed = results.find(({ errorCode }) => errorCode !== 0)
      if (failed !== undefined) return { ...nothing, partitionIndex, errorCode: failed.errorCode }
      const offsets = segments.flatMap((segment, i) =>
        (results[i]?.oldStyleOffsets ?? [])
          .filter((offset) => segment.end === null || offset < segment.end)
          .map((offset) => toVirtual(segment, within(segment, offset))),
      )
      const sorted = [...new Set(offsets)].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
      const oldStyleOffsets =
        ask.timestamp === earliest ? sorted.slice(-1) : sorted.slice(0, maxNumOffsets)
      return { ...nothing, partitionIndex, oldStyleOffsets }
    },
  }
}
