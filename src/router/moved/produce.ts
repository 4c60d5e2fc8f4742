import { batchAttributes, batchLayout, errorCodes } from '../../protocol/index.ts'
import {
  batchProducer,
  patchBatchProducer,
  walkProduceBatches,
  type BatchProducer,
  type Shift,
  type ShiftLookup,
} from '../patch/index.ts'
import { partitionKey } from '../migration/state.ts'
import { nativeProducerId, shiftOf, type Segment, type Timeline } from '../timeline/index.ts'
import type { FirstBatch, Firsts } from './firsts.ts'
import type { Retained } from './retained.ts'
import { rebased, type SequenceBases } from './sequences.ts'
import type { Destination, RoutingTable, Writing } from '../table.ts'

/** Where a Produce goes that names a partition which has moved. */
export type MovedProduce =
  | 'incomplete'
  | 'malformed'
  /** A leader is not known. */
  | 'unknown'
  /** What the source holds of a partition is still being read, or a base of sequences written. */
  | 'loading'
  /** A producer's first batch is on its way, and this is another one's first. */
  | 'second'
  /**
   * It must be taken apart: several brokers, another name there, two batches for one partition there, or one
   * that is written already.
   */
  | 'split'
  | Destination

/** Whether the last Produce that `routeMovedProduce` saw has a partition with another number there. */
export const seenMoved = { renumbered: false }

/** What the histories of idempotent producers ask for behind a splice. */
export interface KnownOfProducers {
  readonly retained: Retained
  readonly bases: SequenceBases
  readonly firsts: Firsts
}

/**
 * Looks at the Produce frame at `at`, in which a partition has moved; the bytes stay as they are. A frame
 * with one partition needs no more than the first batch's header.
 *
 * @param fresh gets what may be the producer's first batches on the target
 */
export function routeMovedProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
  known: KnownOfProducers,
  fresh: FirstBatch[],
): MovedProduce {
  const { retained, bases, firsts } = known
  const written = new Set<Segment>()
  seenMoved.renumbered = false
  let loading = false
  let second = false
  let route: Destination | undefined
  let unknown = false
  let apart = false
  const walked = walkProduceBatches(
    buffer,
    at,
    end,
    frameEnd,
    version,
    (topic, partition, batchAt) => {
      const routed = table.topics.get(topic)?.partitions[partition]
      const to = routed?.write
      if (to == null) unknown = true
      else if (route === undefined) route = to
      else if (route !== to) apart = true
      if (routed === undefined || routed.writing === null) return
      const { segment, history: timeline } = routed.writing
      if (segment.topic !== topic || written.has(segment)) apart = true
      written.add(segment)
      if (segment.partition !== partition) seenMoved.renumbered = true
      const producer = idempotentProducer(buffer, batchAt)
      if (producer === undefined) return
      if (retained.isLoading(timeline)) loading = true
      // What is written already goes nowhere: the producer's first batch on the target comes behind it.
      else if (writtenBefore(producer, timeline, retained) !== undefined) apart = true
      else if (baseOf(producer, timeline, bases) === undefined) loading = true
      else if (!firsts.isFirst(timeline)) return
      else if (firsts.pending) second = true
      else if (firsts.overtakes({ timeline, ...producer })) apart = true
      else fresh.push({ topic, partition, timeline, ...producer })
    },
  )
  if (walked !== 'visited') return walked
  if (loading) return 'loading'
  if (second) return 'second'
  if (unknown) return 'unknown'
  if (apart) return 'split'
  return route ?? 'unknown'
}

/**
 * Who produced a batch, where its id is translated. A transaction's is not: it runs where its coordinator is,
 * which gave the id and writes the markers (KIP-98).
 */
function idempotentProducer(buffer: Buffer, batchAt: number): Readonly<BatchProducer> | undefined {
  const producer = batchAt < 0 ? undefined : batchProducer(buffer, batchAt)
  if (producer === undefined || producer.producerId < 0n) return undefined
  const attributes = buffer.readInt16BE(batchAt + batchLayout.attributes)
  return (attributes & batchAttributes.transactional) === 0 ? producer : undefined
}

function baseOf(
  { producerId, producerEpoch, baseSequence }: BatchProducer,
  timeline: Timeline,
  bases: SequenceBases,
): number | undefined {
  return bases.find({ timeline, producerId, producerEpoch }, baseSequence)
}

function writtenBefore(
  producer: BatchProducer,
  timeline: Timeline,
  retained: Retained,
): bigint | undefined {
  return retained.find(timeline, {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    firstSequence: producer.baseSequence,
    lastSequence: lastSequence(producer.baseSequence, producer.lastOffsetDelta),
  })
}

/** Sequence numbers go from 2^31 - 1 back to 0 (KIP-98). */
export function lastSequence(first: number, delta: number): number {
  return (first + delta) % 2 ** 31
}

/** What is answered of a partition's batch without asking anybody. */
export interface AnswerHere {
  readonly errorCode: number
  /** Virtual; -1 where it failed. */
  readonly baseOffset: bigint
}

function answerOf(
  buffer: Buffer,
  batchAt: number,
  timeline: Timeline,
  { retained, firsts }: KnownOfProducers,
): AnswerHere | undefined {
  const producer = idempotentProducer(buffer, batchAt)
  if (producer === undefined) return undefined
  const baseOffset = writtenBefore(producer, timeline, retained)
  if (baseOffset !== undefined) return { errorCode: errorCodes.NONE, baseOffset }
  if (!firsts.overtakes({ timeline, ...producer })) return undefined
  return { errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1n }
}

/** The answers to the batches in a whole frame that go nowhere, by `partitionKey`. */
export function answersHere(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  frameEnd: number,
  version: number,
  known: KnownOfProducers,
): ReadonlyMap<string, AnswerHere> {
  const here = new Map<string, AnswerHere>()
  walkProduceBatches(buffer, at, frameEnd, frameEnd, version, (topic, partition, batchAt) => {
    const writing = writingOf(table, topic, partition)
    if (writing === null) return
    const answer = answerOf(buffer, batchAt, writing.history, known)
    if (answer !== undefined) here.set(partitionKey(topic, partition), answer)
  })
  return here
}

/** Gives the batches of a frame the producer ids that their partitions' clusters know them by. */
export function patchMovedProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
  bases: SequenceBases,
): void {
  walkProduceBatches(buffer, at, end, frameEnd, version, (topic, partition, batchAt) => {
    const writing = writingOf(table, topic, partition)
    const producer = writing === null ? undefined : idempotentProducer(buffer, batchAt)
    if (writing === null || producer === undefined) return
    const { producerId, producerEpoch, baseSequence } = producer
    const base = bases.known({ timeline: writing.history, producerId, producerEpoch })
    const sequence = base === 0 ? null : rebased(baseSequence, base)
    patchBatchProducer(buffer, batchAt, nativeProducerId(writing.namespace, producerId), sequence)
  })
}

const writingOf = (table: RoutingTable, topic: string, partition: number): Writing | null =>
  table.topics.get(topic)?.partitions[partition]?.writing ?? null

/** What clients call a partition, by `partitionKey` of what its cluster calls it; without those called alike. */
export type Renumbered = ReadonlyMap<string, number>

/** Gives the partitions of a frame, which is not taken apart, the numbers that they have where it goes. */
export function renumberProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
): Renumbered {
  const renumbered = new Map<string, number>()
  walkProduceBatches(buffer, at, end, frameEnd, version, (topic, partition, _batchAt, indexAt) => {
    const writing = writingOf(table, topic, partition)
    if (writing === null || writing.segment.partition === partition) return
    buffer.writeInt32BE(writing.segment.partition, indexAt)
    renumbered.set(partitionKey(topic, writing.segment.partition), partition)
  })
  return renumbered
}

/** How an answer to Produce is shown, by the names that clients know and the numbers of the cluster. */
export function producedShifts(table: RoutingTable, renumbered?: Renumbered): ShiftLookup {
  return (topic, native) => {
    const partition = renumbered?.get(partitionKey(topic, native)) ?? native
    const writing = writingOf(table, topic, partition)
    return writing === null ? undefined : { ...producedShift(writing), partition }
  }
}

/** How the offsets of what is written there are shown. */
export const producedShift = ({
  segment,
  history,
}: Writing): Shift & { readonly logStart: bigint } => ({
  offset: shiftOf(segment),
  epoch: segment.epochBase,
  logStart: history[0].virtualStart,
})

/**
 * Who is asked for the leaders of these topics, which clients know by these names.
 * @param onSource whether partitions are meant that the source has, of topics of which both clusters are read
 */
export function leadersOf(
  table: RoutingTable,
  names: readonly string[],
  onSource = false,
): { kind: 'leaders'; topics: readonly string[]; cluster: Destination['cluster'] } {
  const moved = names.filter((name) => {
    const planned = table.view.topics.get(name)
    if (onSource && planned?.parallel !== undefined) return false
    return table.view.spliced && (planned !== undefined || table.view.everyTopic)
  })
  if (moved.length === 0) return { kind: 'leaders', topics: names, cluster: 'source' }
  const topics = moved.map((name) => table.view.topics.get(name)?.targetName ?? name)
  return { kind: 'leaders', topics, cluster: 'target' }
}
