import {
  apis,
  decodeRequest,
  encodeRequest,
  encodeResponse,
  errorCodes,
  zeroUuid,
  type FetchRequest,
  type FetchResponse,
} from '../../protocol/index.ts'
import type { Decision, RequestFrame } from '../decision.ts'
import type { FetchPatcher } from '../patch/index.ts'
import {
  anyOf,
  leaderOf,
  type Destination,
  type RoutedPartition,
  type RoutingTable,
} from '../table.ts'
import { openSegment, segmentAt, toNative, type Segment, type Timeline } from '../timeline/index.ts'
import { isSourceOff } from '../translations/translation.ts'
import { joined, mergeAnswers, patcherFor } from './fetch-answer.ts'
import { emptyPartition, refusedTopic } from './fetch-made.ts'
import { leadersOf } from './produce.ts'
import { isBelowStart, readAs, readingKey, type Reading, type Readings } from './readings.ts'

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

type AskedPartition = FetchRequest['topics'][number]['partitions'][number]
type AnsweredTopic = FetchResponse['responses'][number]

/** A topic by the names of the cluster that is asked. */
interface PartTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: AskedPartition[]
}

/** What one broker is asked. */
interface Part {
  readonly to: Destination
  readonly topics: Map<string, PartTopic>
  readonly readings: Map<string, Reading>
}

/** The partitions of one Fetch, each where it is read. */
interface Placed {
  readonly parts: Map<Destination, Part>
  /** What is answered here. */
  readonly made: AnsweredTopic[]
  /** Topics without a known leader, on the cluster that they are read from, or on the source. */
  readonly unknown: Set<string>
  readonly unknownOnSource: Set<string>
  /** A closed segment is read: what it holds is there already. */
  backlog: boolean
  /** Something is answered here that the client shall know at once. */
  isUrgent: boolean
}

/** The Fetch goes where each partition's offset lies. It has no session (KIP-227): they are of one broker. */
export function moveFetch(
  table: RoutingTable,
  request: RequestFrame,
  options: MoveFetchOptions,
): MovedFetch {
  const { version } = request
  const asked = decodeRequest(apis.fetch, version, request.frame, request.bodyOffset)
  const placed = placeAll(table, request, asked, options)
  const { parts, made, unknown, unknownOnSource, backlog, isUrgent } = placed
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
  const gatheredBytes = Math.min(asked.maxBytes, options.gatheredBytesMax / 2) / parts.size
  const maxBytes = streams ? asked.maxBytes : Math.max(1, Math.floor(gatheredBytes))
  const frames = [...parts.values()].map(({ to, topics, readings }) => ({
    to,
    frame: encodeRequest(apis.fetch, version, request, {
      ...asked,
      clusterId: null,
      topics: [...topics.values()],
      forgottenTopicsData: [],
      sessionId: 0,
      sessionEpoch: -1,
      maxWaitMs,
      maxBytes,
      rackId: '',
    }),
    readings,
  }))
  const [only] = frames
  if (streams && only !== undefined) {
    const patcher = patcherFor(version, only.readings, options.readings)
    return { kind: 'stream', to: only.to, frame: only.frame, patcher, maxWaitMs }
  }
  return {
    kind: 'translate',
    parts: frames,
    merge: (answers) => mergeAnswers(request, frames, answers, made, options.readings),
  }
}

function placeAll(
  table: RoutingTable,
  request: RequestFrame,
  asked: FetchRequest,
  options: MoveFetchOptions,
): Placed {
  const { version } = request
  const placed: Placed = {
    parts: new Map(),
    made: [],
    unknown: new Set(),
    unknownOnSource: new Set(),
    backlog: false,
    isUrgent: false,
  }
  for (const { topic, topicId, partitions } of asked.topics) {
    const name = version >= 13 ? table.topicNames.get(topicId) : topic
    for (const partition of partitions) {
      if (name === undefined) placed.unknown.add('')
      else place(placed, table, request, { name, topicId, partition }, options)
    }
  }
  return placed
}

function place(
  placed: Placed,
  table: RoutingTable,
  { version, clientId }: RequestFrame,
  asked: { readonly name: string; readonly topicId: string; readonly partition: AskedPartition },
  { readings, reader, signalled }: MoveFetchOptions,
): void {
  const { name, topicId } = asked
  const { partition: index, fetchOffset: offset } = asked.partition
  const topic = table.topics.get(name)
  const routed = topic?.partitions[index]
  if (routed === undefined) {
    placed.unknown.add(name)
    return
  }
  if (signalled?.has(name) === true) {
    placed.made.push(refusedTopic(name, topicId, index))
    placed.isUrgent = true
    return
  }
  const { timeline } = routed
  const segment = timeline === null ? null : segmentFor(timeline, offset, readings)
  const read = readAs(topic, index)
  if (read !== null) readings.positionSeen(read, reader, offset, clientId ?? '')
  const reading: Reading = { name, topicId, partition: index, offset, timeline, segment }
  const isLost = segment?.end != null && readings.gone(segment.cluster)
  if (isLost || (timeline !== null && isBelowStart(timeline, offset))) {
    placed.made.push(belowStart(reading))
    placed.isUrgent = true
    return
  }
  const isOfSource = timeline === null && read !== null
  if (isOfSource && isSourceOff(table.view)) {
    placed.made.push({ topic: name, topicId, partitions: [emptyPartition(index, offset)] })
    return
  }
  const to = readFrom(table, routed, segment, isOfSource ? name : undefined)
  if (to === undefined) {
    ;(isOfSource ? placed.unknownOnSource : placed.unknown).add(name)
    return
  }
  if (segment !== null && segment.end !== null) placed.backlog = true
  addTo(placed.parts, to, table, reading, asked.partition, version)
}

/** Whether the answer tells a name that clients do not know: it takes other space, and must be gathered. */
const isRenamed = (parts: ReadonlyMap<Destination, Part>, version: number): boolean =>
  version < 13 &&
  [...parts.values()].some(({ readings }) =>
    [...readings.values()].some(({ name, segment }) => segment !== null && segment.topic !== name),
  )

/** A position behind all that a closed segment still holds lies at the start of the next one. */
function segmentFor(timeline: Timeline, offset: bigint, readings: Readings): Segment {
  const segment = segmentAt(timeline, offset)
  if (segment.end === null) return segment
  const exhausted = readings.exhaustedFrom(timeline)
  const isBehind = exhausted !== undefined && offset >= exhausted
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
  const part: Part = parts.get(to) ?? { to, topics: new Map(), readings: new Map() }
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

function nativePosition(segment: Segment, { fetchOffset }: AskedPartition): bigint {
  const native = toNative(segment, fetchOffset)
  return native < segment.start ? segment.start : native
}

/** A partition of which the asked offset is gone for good. */
function belowStart({ name, topicId, partition, timeline }: Reading): AnsweredTopic {
  const start = timeline === null ? 0n : openSegment(timeline).virtualStart
  const errorCode = errorCodes.OFFSET_OUT_OF_RANGE
  const answered = { ...emptyPartition(partition, start), errorCode, logStartOffset: start }
  return { topic: name, topicId, partitions: [answered] }
}
