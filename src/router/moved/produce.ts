import {
  apis,
  batchAttributes,
  batchLayout,
  decodeRequest,
  errorCodes,
  type ProduceResponse,
} from '../../protocol/index.ts'
import {
  batchProducer,
  patchBatchProducer,
  walkProduceBatches,
  type BatchProducer,
  type ShiftLookup,
} from '../patch/index.ts'
import { split, throttle, type Decision, type RequestFrame } from '../decision.ts'
import { groupByLeader, joinTopics, type Listing } from '../splits/partitions.ts'
import { nativeProducerId, openSegment, shiftOf, type Timeline } from '../timeline/index.ts'
import type { FirstBatch, Firsts } from './firsts.ts'
import type { Retained } from './retained.ts'
import { rebased, type SequenceBases } from './sequences.ts'
import type { Destination, RoutedPartition, RoutingTable } from '../table.ts'

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
  /** It must be taken apart: several brokers, another name there, or a batch that is written already. */
  | 'split'
  | Destination

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
      if (routed === undefined) return
      if (nativeName(routed, topic) !== topic) apart = true
      if (routed.timeline === null) return
      const { timeline } = routed
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
  const producer = batchProducer(buffer, batchAt)
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

/** The answers to the batches in a whole frame that go nowhere, by topic and partition. */
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
    const timeline = table.topics.get(topic)?.partitions[partition]?.timeline
    if (timeline == null) return
    const answer = answerOf(buffer, batchAt, timeline, known)
    if (answer !== undefined) here.set(`${topic} ${partition}`, answer)
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
    const timeline = table.topics.get(topic)?.partitions[partition]?.timeline
    const producer = timeline == null ? undefined : idempotentProducer(buffer, batchAt)
    if (timeline == null || producer === undefined) return
    const { producerId, producerEpoch, baseSequence } = producer
    const base = bases.known({ timeline, producerId, producerEpoch })
    const sequence = base === 0 ? null : rebased(baseSequence, base)
    patchBatchProducer(buffer, batchAt, nativeProducerId(timeline, producerId), sequence)
  })
}

/** How the offsets of an answer to Produce are shown, by the names that clients know. */
export function producedShifts(table: RoutingTable): ShiftLookup {
  return (topic, partition) => {
    const timeline = table.topics.get(topic)?.partitions[partition]?.timeline
    if (timeline == null) return undefined
    const segment = openSegment(timeline)
    return {
      offset: shiftOf(segment),
      epoch: segment.epochBase,
      logStart: timeline[0].virtualStart,
    }
  }
}

type Answered = ProduceResponse['responses'][number]

/**
 * A whole Produce, already patched, by its parts: each with the names of its cluster, without what is
 * `answered` here.
 */
export function splitMovedProduce(
  table: RoutingTable,
  request: RequestFrame,
  answered: ReadonlyMap<string, AnswerHere>,
): Decision {
  const api = apis.produce
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  type Topic = (typeof asked.topicData)[number]
  const listing: Listing<Topic, Topic['partitionData'][number]> = {
    name: (topic) => topic.name,
    partitions: (topic) => topic.partitionData,
    index: (partition) => partition.index,
    withPartitions: (topic, partitionData) => ({ ...topic, partitionData }),
  }
  const answerTo = (topic: Topic, index: number) => answered.get(`${topic.name} ${index}`)
  const fresh = asked.topicData
    .map((topic) => ({
      ...topic,
      partitionData: topic.partitionData.filter(
        ({ index }) => answerTo(topic, index) === undefined,
      ),
    }))
    .filter(({ partitionData }) => partitionData.length > 0)
  const here: Answered[] = asked.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.flatMap(({ index }) => {
      const answer = answerTo(topic, index)
      if (answer === undefined) return []
      return {
        index,
        ...answer,
        logAppendTimeMs: -1n,
        logStartOffset: 0n,
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
      }
    }),
  }))
  const grouped = groupByLeader(table, 'write', fresh, listing)
  if (grouped.kind === 'unknown')
    return { kind: 'ask', question: leadersOf(table, grouped.question.topics) }
  const names = new Map<string, string>()
  const bodies = new Map(
    [...grouped.by].map(([to, topics]) => {
      const topicData = topics.map((topic) => {
        const routed = table.topics.get(topic.name)?.partitions.find((each) => each !== undefined)
        const name = routed === undefined ? topic.name : nativeName(routed, topic.name)
        names.set(`${to.cluster} ${name}`, topic.name)
        return { ...topic, name }
      })
      return [to, { ...asked, topicData }] as const
    }),
  )
  const clusters = [...bodies.keys()].map(({ cluster }) => cluster)
  const shifts = producedShifts(table)
  return split(api, request, bodies, (answers) => ({
    responses: joinTopics<Answered, Answered['partitionResponses'][number]>(
      [
        here.filter(({ partitionResponses }) => partitionResponses.length > 0),
        ...answers.map((answer, i) =>
          answer.responses.map((topic) => {
            const name = names.get(`${clusters[i] ?? ''} ${topic.name}`) ?? topic.name
            return {
              ...topic,
              name,
              partitionResponses: topic.partitionResponses.map((partition) => {
                const shift = shifts(name, partition.index)
                // Leader hints (KIP-951) name brokers of their own cluster: the client asks for Metadata.
                const currentLeader = { leaderId: -1, leaderEpoch: -1 }
                if (shift === undefined || partition.baseOffset < 0n) {
                  return { ...partition, currentLeader }
                }
                return {
                  ...partition,
                  baseOffset: partition.baseOffset + shift.offset,
                  logStartOffset:
                    partition.logStartOffset < 0n
                      ? -1n
                      : (shift.logStart ?? partition.logStartOffset),
                  currentLeader,
                }
              }),
            }
          }),
        ),
      ],
      (topic) => topic.name,
      (topic) => topic.partitionResponses,
      (topic, partitionResponses) => ({ ...topic, partitionResponses }),
    ),
    throttleTimeMs: answers.length === 0 ? 0 : throttle(answers),
    nodeEndpoints: [],
  }))
}

/** The name under which a partition's cluster has its topic. */
export function nativeName({ timeline }: RoutedPartition, topic: string): string {
  return timeline === null ? topic : openSegment(timeline).topic
}

/** Who is asked for the leaders of these topics, which clients know by these names. */
export function leadersOf(
  table: RoutingTable,
  names: readonly string[],
): { kind: 'leaders'; topics: readonly string[]; cluster: Destination['cluster'] } {
  const moved = names.filter((name) => {
    const planned = table.view.topics.get(name)
    return table.view.spliced && (planned !== undefined || table.view.everyTopic)
  })
  if (moved.length === 0) return { kind: 'leaders', topics: names, cluster: 'source' }
  const topics = moved.map((name) => table.view.topics.get(name)?.targetName ?? name)
  return { kind: 'leaders', topics, cluster: 'target' }
}
