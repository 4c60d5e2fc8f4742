import {
  apis,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { toNative, toVirtual, virtualEnd, type Segment, type Timeline } from '../timeline/index.ts'
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

type Asked = DeleteRecordsRequest['topics'][number]['partitions'][number]
type Found = DeleteRecordsResponse['topics'][number]['partitions'][number]

/** As an offset: everything that is there. */
const everything = -1n

/** DeleteRecords, every version: each segment is deleted up to its part of the offset. */
export const translateDeleteRecords: Translation = (table, request) => {
  const asked = bodyOf(apis.deleteRecords, request)
  const isOff = isSourceOff(table.view)
  return byPartition(
    table,
    request,
    listing(asked),
    asked.topics.flatMap(({ name, partitions }) =>
      partitions.map((ask) => ({ topic: name, partition: ask.partitionIndex, ask })),
    ),
    (timeline, ask) => plan(timeline, ask, isOff),
  )
}

const listing = (
  asked: DeleteRecordsRequest,
): PartitionsApi<
  typeof apis.deleteRecords.request.fields,
  typeof apis.deleteRecords.response.fields,
  Asked,
  Found
> => ({
  api: apis.deleteRecords,
  access: 'write',
  body: (topics) => ({
    ...asked,
    topics: listed(topics),
  }),
  index: ({ partitionIndex }) => partitionIndex,
  results: resultsListed,
  resultIndex: ({ partitionIndex }) => partitionIndex,
  errorOf: ({ errorCode }) => errorCode,
  failed: (partitionIndex, errorCode) => ({ partitionIndex, errorCode, lowWatermark: -1n }),
  answer: (answers, topics) => ({
    throttleTimeMs: throttle(answers),
    topics: listed(topics),
  }),
})

function plan(timeline: Timeline, ask: Asked, isOff: boolean): Plan<Asked, Found> {
  const { partitionIndex, offset } = ask
  const segments = readable(timeline, isOff).filter(
    (segment) => isReached(segment, offset) || segment === timeline[0],
  )
  const [first] = segments
  if (first === undefined) return nothingLeft(timeline, partitionIndex)
  return {
    lookups: segments.map((at) => ({
      at,
      ask: { partitionIndex: at.partition, offset: nativeOffset(at, offset) },
    })),
    show: (results) => {
      const failed = results.find(({ errorCode }) => errorCode !== 0)
      if (failed !== undefined) return { ...failed, partitionIndex }
      return { partitionIndex, errorCode: 0, lowWatermark: lowWatermark(segments, results) }
    },
  }
}

/** Whether records of the segment are deleted; those of its first offset on are not. */
const isReached = ({ virtualStart }: Segment, offset: bigint): boolean =>
  offset === everything || offset > virtualStart

/** A closed segment ends where it ends: behind that the records are not ours. */
function nativeOffset(segment: Segment, offset: bigint): bigint {
  const { end } = segment
  if (end === null) return offset === everything ? everything : toNative(segment, offset)
  return offset === everything ? end : within(segment, toNative(segment, offset))
}

/** Where the first record is that is left: in the first segment that has one. */
function lowWatermark(segments: readonly Segment[], results: readonly Found[]): bigint {
  const marks = segments.map((segment, i) =>
    toVirtual(segment, within(segment, results[i]?.lowWatermark ?? segment.start)),
  )
  const left = segments.findIndex((segment, i) => {
    const end = virtualEnd(segment)
    return end === null || (marks[i] ?? end) < end
  })
  return marks.at(left) ?? everything
}

/** What lies in front of the splice went with the source. */
function nothingLeft(timeline: Timeline, partitionIndex: number): Plan<Asked, Found> {
  const last = timeline[timeline.length - 1] as Segment
  const found = { partitionIndex, errorCode: 0, lowWatermark: last.virtualStart }
  return { lookups: [], show: () => found }
}
