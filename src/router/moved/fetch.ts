import {
  apis,
  decodeRequest,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  errorCodes,
  zeroUuid,
  type FetchRequest,
  type FetchResponse,
} from '../../protocol/index.ts'
import { throttle, type Decision, type RequestFrame } from '../decision.ts'
import { FetchPatcher, type Shift } from '../patch/index.ts'
import { entryHeaderBytes, shiftEntry } from '../patch/batch.ts'
import { joinTopics } from '../splits/partitions.ts'
import {
  anyOf,
  leaderOf,
  type Destination,
  type RoutedPartition,
  type RoutedTopic,
  type RoutingTable,
} from '../table.ts'
import {
  openSegment,
  segmentAt,
  shiftOf,
  toNative,
  virtualEnd,
  type Segment,
  type Timeline,
} from '../timeline/index.ts'
import { isSourceOff } from '../translations/translation.ts'
import { emptyPartition, refusedTopic } from './fetch-made.ts'
import { leadersOf } from './produce.ts'

/** What is learned from Fetches about partitions that have moved; by their timelines. */
export interface Readings {
  /** From which virtual offset on the closed segment holds nothing more that could be read. */
  exhaustedFrom(timeline: Timeline): bigint | undefined
  /** A closed segment answered nothing at this virtual offset: it may be exhausted. */
  emptyAt(timeline: Timeline, offset: bigint): void
  /** The last known virtual end, at which readers of the closed segment shall not believe to be. */
  endOf(timeline: Timeline): bigint | undefined
  endSeen(timeline: Timeline, end: bigint): void
  /** A reader asks for this virtual offset. */
  positionSeen(timeline: Timeline, reader: object, offset: bigint, clientId: string): void
  /** Whether a cluster is gone for good: what only it has is below the log's start. */
  gone(cluster: Segment['cluster']): boolean
}

export interface MoveFetchOptions {
  readonly splitFetchWaitMs: number
  /** What an answer that is gathered may hold, in bytes. */
  readonly gatheredBytesMax: number
  readonly readings: Readings
  /** Who reads: the session. */
  readonly reader: object
  /** Topics of which every partition is answered NOT_LEADER_OR_FOLLOWER, so that the client looks for new ones. */
  readonly signalled?: ReadonlySet<string> | undefined
}

/** Where a Fetch goes that names a partition which has moved. */
export type MovedFetch =
  | Decision
  /** To one broker; the answer is patched as it streams past. */
  | {
      readonly kind: 'stream'
      readonly to: Destination
      readonly frame: Buffer
      readonly patcher: FetchPatcher
      readonly maxWaitMs: number
    }
  /** Nobody is asked: there will be nothing, and that is the answer in a while. */
  | { readonly kind: 'empty'; readonly frame: Buffer; readonly afterMs: number }

type AskedTopic = FetchRequest['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]
type AnsweredTopic = FetchResponse['responses'][number]
type AnsweredPartition = AnsweredTopic['partitions'][number]

/** One partition on its way: where it is read, and how the answer becomes what clients see. */
export interface Reading {
  /** As clients know it. */
  readonly name: string
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  readonly timeline: Timeline | null
  readonly segment: Segment | null
}

/** A topic by the names of the cluster that is asked. */
interface PartTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: AskedPartition[]
}

interface Part {
  readonly topics: Map<string, PartTopic>
  readonly readings: Map<string, Reading>
}

/** The Fetch goes where each partition's offset lies. It has no session (KIP-227): they are of one broker. */
export function moveFetch(
  table: RoutingTable,
  request: RequestFrame,
  options: MoveFetchOptions,
): MovedFetch {
  const { version } = request
  const asked = decodeRequest(apis.fetch, version, request.frame, request.bodyOffset)
  const parts = new Map<Destination, Part>()
  const unknown = new Set<string>()
  const unknownOnSource = new Set<string>()
  /** What is answered here. */
  const made: AnsweredTopic[] = []
  let backlog = false
  /** Something is answered here that the client shall know at once. */
  let isUrgent = false
  for (const topic of asked.topics) {
    const name = version >= 13 ? table.topicNames.get(topic.topicId) : topic.topic
    const routedTopic = name === undefined ? undefined : table.topics.get(name)
    for (const partition of topic.partitions) {
      const routed = routedTopic?.partitions[partition.partition]
      if (name === undefined || routed === undefined) {
        unknown.add(name ?? '')
        continue
      }
      const { topicId } = topic
      if (options.signalled?.has(name) === true) {
        made.push(refusedTopic(name, topicId, partition.partition))
        isUrgent = true
        continue
      }
      const { timeline } = routed
      const segment = timeline === null ? null : segmentFor(timeline, partition, options.readings)
      const { fetchOffset: offset, partition: index } = partition
      const read = readAs(routedTopic, index)
      if (read !== null) {
        options.readings.positionSeen(read, options.reader, offset, request.clientId ?? '')
      }
      const reading: Reading = { name, topicId, partition: index, offset, timeline, segment }
      const isLost = segment?.end != null && options.readings.gone(segment.cluster)
      if (isLost || (timeline !== null && isBelowStart(timeline, offset))) {
        made.push(belowStart(reading))
        isUrgent = true
        continue
      }
      const isOfSource = timeline === null && read !== null
      if (isOfSource && isSourceOff(table.view)) {
        made.push({ topic: name, topicId, partitions: [emptyPartition(index, offset)] })
        continue
      }
      const to = readFrom(table, routed, segment, isOfSource ? name : undefined)
      if (to === undefined) (isOfSource ? unknownOnSource : unknown).add(name)
      else {
        if (segment !== null && segment.end !== null) backlog = true
        addTo(parts, to, table, reading, partition, version)
      }
    }
  }
  if (unknown.size > 0) return { kind: 'ask', question: leadersOf(table, [...unknown]) }
  if (unknownOnSource.size > 0) {
    return { kind: 'ask', question: leadersOf(table, [...unknownOnSource], true) }
  }
  if (parts.size === 0 && !isUrgent) {
    const frame = encodeResponse(apis.fetch, version, request.correlationId, {
      responses: joined([made], version),
    })
    return { kind: 'empty', frame, afterMs: asked.maxWaitMs }
  }
  const alone = parts.size === 1 && made.length === 0
  const streams = alone && !backlog && !isRenamed(parts, version)
  const waitMsMax = backlog || isUrgent ? 0 : parts.size === 1 ? Infinity : options.splitFetchWaitMs
  const maxWaitMs = Math.min(asked.maxWaitMs, waitMsMax)
  const frames = [...parts].map(([to, part]) => ({
    to,
    frame: encodeRequest(apis.fetch, version, request, {
      ...asked,
      clusterId: null,
      topics: [...part.topics.values()],
      forgottenTopicsData: [],
      sessionId: 0,
      sessionEpoch: -1,
      maxWaitMs,
      maxBytes: streams
        ? asked.maxBytes
        : Math.max(
            1,
            Math.floor(Math.min(asked.maxBytes, options.gatheredBytesMax / 2) / parts.size),
          ),
      rackId: '',
    }),
    part,
  }))
  const [only] = frames
  if (streams && only !== undefined) {
    const patcher = patcherFor(version, only.part.readings, options.readings)
    return { kind: 'stream', to: only.to, frame: only.frame, patcher, maxWaitMs }
  }
  return {
    kind: 'translate',
    parts: frames,
    merge: (answers) => {
      const decoded = answers.map((frame) => {
        const { bodyOffset } = decodeResponseHeader(apis.fetch, version, frame, 0)
        return decodeResponse(apis.fetch, version, frame, bodyOffset)
      })
      const shown = decoded.map((answer, i) =>
        answer.responses.map((topic) =>
          showTopic(topic, frames[i]?.part.readings ?? new Map(), version, options.readings),
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
        frames.flatMap(({ to }, i) => {
          const answer = decoded[i]
          return answer !== undefined && hasMoved(answer) ? [to.cluster] : []
        }),
      )
      return {
        facts: [...moved].map((cluster) => ({ kind: 'leaders-moved', cluster })),
        nodeIds: [],
        encode: () => encodeResponse(apis.fetch, version, request.correlationId, body),
      }
    },
  }
}

/** Each topic once, with all of its partitions. */
const joined = (parts: readonly (readonly AnsweredTopic[])[], version: number): AnsweredTopic[] =>
  joinTopics(
    parts,
    (topic) => (version >= 13 ? topic.topicId : topic.topic),
    (topic) => topic.partitions,
    (topic, partitions) => ({ ...topic, partitions }),
  )

/** What a partition is read as; null where it is the source's, and of no plan that is behind its splice. */
export const readAs = (topic: RoutedTopic | undefined, partition: number): Timeline | null => {
  const timeline = topic?.partitions[partition]?.timeline ?? null
  const { planned } = topic?.origins ?? {}
  return timeline ?? (planned?.parallel === undefined ? null : planned.timelines[partition]) ?? null
}

/** Whether an offset lies before the first one of a partition that only the target has. */
export const isBelowStart = ([first]: Timeline, offset: bigint): boolean =>
  first.cluster === 'target' && offset < first.virtualStart

const hasMoved = (answer: FetchResponse): boolean =>
  answer.responses.some((topic) =>
    topic.partitions.some(({ errorCode }) => errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER),
  )

/** Whether the answer tells a name that clients do not know: it takes other space, and must be gathered. */
const isRenamed = (parts: ReadonlyMap<Destination, Part>, version: number): boolean =>
  version < 13 &&
  [...parts.values()].some(({ readings }) =>
    [...readings.values()].some(({ name, segment }) => segment !== null && segment.topic !== name),
  )

/** A position behind all that a closed segment still holds lies at the start of the next one. */
function segmentFor(timeline: Timeline, asked: AskedPartition, readings: Readings): Segment {
  const segment = segmentAt(timeline, asked.fetchOffset)
  if (segment.end === null) return segment
  const exhausted = readings.exhaustedFrom(timeline)
  const isBehind = exhausted !== undefined && asked.fetchOffset >= exhausted
  return isBehind ? openSegment(timeline) : segment
}

/**
 * @param onSource the topic of a partition that only the source has: where it has no leader now, a broker there
 * says so, and the other cluster's partitions do not wait for it
 */
function readFrom(
  table: RoutingTable,
  routed: RoutedPartition,
  segment: Segment | null,
  onSource: string | undefined,
): Destination | undefined {
  if (segment !== null) return leaderOf(table, segment)
  if (routed.read !== null || onSource === undefined) return routed.read ?? undefined
  return table.source.topics.has(onSource) ? anyOf('source') : undefined
}

function addTo(
  parts: Map<Destination, Part>,
  to: Destination,
  table: RoutingTable,
  reading: Reading,
  partition: AskedPartition,
  version: number,
): void {
  const { segment, name, topicId } = reading
  const topic = segment?.topic ?? name
  const id =
    segment === null || version < 13
      ? topicId
      : (table[segment.cluster].topics.get(topic)?.topicId ?? zeroUuid)
  const part: Part = parts.get(to) ?? { topics: new Map(), readings: new Map() }
  parts.set(to, part)
  const key = version >= 13 ? id : topic
  const mine: PartTopic = part.topics.get(key) ?? { topic, topicId: id, partitions: [] }
  part.topics.set(key, mine)
  mine.partitions.push({
    ...partition,
    partition: segment?.partition ?? partition.partition,
    fetchOffset: segment === null ? partition.fetchOffset : nativePosition(segment, partition),
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
  })
  part.readings.set(readingKey(key, segment?.partition ?? partition.partition), reading)
}

/** @param topic its name on the cluster that answers, or its id where the version has ids */
export const readingKey = (topic: string, partition: number): string => `${topic} ${partition}`

function nativePosition(segment: Segment, { fetchOffset }: AskedPartition): bigint {
  const native = toNative(segment, fetchOffset)
  return native < segment.start ? segment.start : native
}

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

/** A partition of which the asked offset is gone for good. */
function belowStart({ name, topicId, partition, timeline }: Reading): AnsweredTopic {
  const start = timeline === null ? 0n : openSegment(timeline).virtualStart
  const errorCode = errorCodes.OFFSET_OUT_OF_RANGE
  const answered = { ...emptyPartition(partition, start), errorCode, logStartOffset: start }
  return { topic: name, topicId, partitions: [answered] }
}
