import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  errorCodes,
  type FetchResponse,
} from '../../protocol/index.ts'
import { throttle, type RequestFrame } from '../decision.ts'
import { FetchPatcher, type Shift } from '../patch/index.ts'
import { entryHeaderBytes, shiftEntry } from '../patch/batch.ts'
import { joinTopics } from '../splits/partitions.ts'
import type { NamingAnswer } from '../rewriters/rewriter.ts'
import type { Destination } from '../table.ts'
import { shiftOf, virtualEnd, type Segment } from '../timeline/index.ts'
import { readingKey, type Reading, type Readings } from './readings.ts'

type AnsweredTopic = FetchResponse['responses'][number]
type AnsweredPartition = AnsweredTopic['partitions'][number]

/** What one broker was asked. */
export interface AskedBroker {
  readonly to: Destination
  /** By `readingKey`. */
  readonly readings: ReadonlyMap<string, Reading>
}

/**
 * @param answers of the brokers `asked`, in that order: frames without their lengths
 * @param made what is answered here
 * @returns the answer as the client sees it
 */
export function mergeAnswers(
  { version, correlationId }: RequestFrame,
  asked: readonly AskedBroker[],
  answers: readonly Buffer[],
  made: readonly AnsweredTopic[],
  readings: Readings,
): NamingAnswer {
  const decoded = answers.map((frame) => {
    const { bodyOffset } = decodeResponseHeader(apis.fetch, version, frame, 0)
    return decodeResponse(apis.fetch, version, frame, bodyOffset)
  })
  const shown = decoded.map((answer, i) =>
    answer.responses.map((topic) =>
      showTopic(topic, asked[i]?.readings ?? new Map(), version, readings),
    ),
  )
  const body = {
    throttleTimeMs: decoded.length === 0 ? 0 : throttle(decoded),
    errorCode: decoded.find((answer) => answer.errorCode !== 0)?.errorCode ?? 0,
    sessionId: 0,
    responses: joined([...shown, made], version),
    nodeEndpoints: [],
  }
  const moved = new Set(
    asked.flatMap(({ to }, i) => {
      const answer = decoded[i]
      return answer !== undefined && hasMoved(answer) ? [to.cluster] : []
    }),
  )
  return {
    facts: [...moved].map((cluster) => ({ kind: 'leaders-moved', cluster })),
    nodeIds: [],
    encode: () => encodeResponse(apis.fetch, version, correlationId, body),
  }
}

const hasMoved = (answer: FetchResponse): boolean =>
  answer.responses.some((topic) =>
    topic.partitions.some(({ errorCode }) => errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER),
  )

/** Each topic once, with all of its partitions. */
export const joined = (
  parts: readonly (readonly AnsweredTopic[])[],
  version: number,
): AnsweredTopic[] =>
  joinTopics(
    parts,
    (topic) => (version >= 13 ? topic.topicId : topic.topic),
    (topic) => topic.partitions,
    (topic, partitions) => ({ ...topic, partitions }),
  )

function shiftFor(
  { timeline, segment, partition }: Reading,
  readings: Readings,
): (Shift & { readonly partition: number }) | undefined {
  if (timeline === null || segment === null) return undefined
  const offset = shiftOf(segment)
  const epoch = segment.epochBase
  if (segment.end === null) {
    // What the closed segments still hold, clients may go back to.
    return readings.gone(timeline[0].cluster)
      ? { partition, offset, epoch, logStart: segment.virtualStart }
      : { partition, offset, epoch, logStart: timeline[0].virtualStart }
  }
  const end = virtualEnd(segment) ?? 0n
  const known = readings.endOf(timeline) ?? end
  return { partition, offset, epoch, virtualEnd: known > end ? known : end }
}

/** @param asked by `readingKey` */
export function patcherFor(
  version: number,
  asked: ReadonlyMap<string, Reading>,
  readings: Readings,
): FetchPatcher {
  const find = (topic: string, partition: number): Reading | undefined =>
    asked.get(readingKey(topic, partition))
  const shownIds = new Map<string, string>()
  for (const [key, { topicId }] of asked) shownIds.set(key.split(' ')[0] ?? '', topicId)
  return new FetchPatcher(
    version,
    (topic, partition) => {
      const reading = find(topic, partition)
      return reading === undefined ? undefined : shiftFor(reading, readings)
    },
    (topicId) => shownIds.get(topicId),
    (topic, partition, errorCode, highWatermark) => {
      const { timeline, segment } = find(topic, partition) ?? {}
      if (errorCode !== 0 || timeline == null || segment == null) return
      readings.endSeen(timeline, highWatermark + shiftOf(segment))
    },
  )
}

function showTopic(
  topic: AnsweredTopic,
  asked: ReadonlyMap<string, Reading>,
  version: number,
  readings: Readings,
): AnsweredTopic {
  const key = version >= 13 ? topic.topicId : topic.topic
  let shown: Reading | undefined
  const partitions = topic.partitions.map((partition) => {
    const reading = asked.get(readingKey(key, partition.partitionIndex))
    shown ??= reading
    return reading === undefined ? partition : showPartition(partition, reading, readings)
  })
  return { topic: shown?.name ?? topic.topic, topicId: shown?.topicId ?? topic.topicId, partitions }
}

function showPartition(
  answered: AnsweredPartition,
  reading: Reading,
  readings: Readings,
): AnsweredPartition {
  const { timeline, segment, offset } = reading
  const shift = shiftFor(reading, readings)
  const native = { preferredReadReplica: -1, currentLeader: { leaderId: -1, leaderEpoch: -1 } }
  if (shift === undefined || timeline === null || segment === null) {
    return { ...answered, ...native }
  }
  const end = (value: bigint): bigint => {
    if (value < 0n) return value
    const shown = value + shift.offset
    return shift.virtualEnd !== undefined && shown < shift.virtualEnd ? shift.virtualEnd : shown
  }
  const records = showRecords(answered.records, segment, shift)
  if (answered.errorCode === 0) {
    if (segment.end === null) readings.endSeen(timeline, answered.highWatermark + shift.offset)
    else if (records === null || records.length === 0) readings.emptyAt(timeline, offset)
  }
  return {
    ...answered,
    ...native,
    partitionIndex: shift.partition,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    highWatermark: end(answered.highWatermark),
    lastStableOffset: end(answered.lastStableOffset),
    logStartOffset:
      answered.logStartOffset < 0n
        ? answered.logStartOffset
        : (shift.logStart ?? answered.logStartOffset + shift.offset),
    abortedTransactions:
      answered.abortedTransactions?.map((aborted) => ({
        ...aborted,
        firstOffset: aborted.firstOffset + shift.offset,
      })) ?? null,
    records,
  }
}

/**
 * The record batches of one partition, shifted in place. What lies behind the end of a closed segment was
 * written there behind the splice's back, and is not a part of the virtual partition.
 */
function showRecords(records: Buffer | null, segment: Segment, shift: Shift): Buffer | null {
  if (records === null) return null
  let position = 0
  while (position + entryHeaderBytes <= records.length) {
    if (segment.end !== null && records.readBigInt64BE(position) >= segment.end) {
      return records.subarray(0, position)
    }
    const size = shiftEntry(records, position, shift)
    if (size < 0) break
    position += size
  }
  return records
}
