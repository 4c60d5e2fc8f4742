import { apis, decodeRequest, type ProduceResponse } from '../../protocol/index.ts'
import {
  batchProducer,
  patchBatchProducer,
  walkProduceBatches,
  type ShiftLookup,
} from '../patch/index.ts'
import { split, throttle, type Decision, type RequestFrame } from '../decision.ts'
import { groupByLeader, joinTopics, type Listing } from '../splits/partitions.ts'
import { nativeProducerId, openSegment, shiftOf } from '../timeline/index.ts'
import type { Destination, RoutedPartition, RoutingTable } from '../table.ts'

/** Where a Produce goes that names a partition which has moved. */
export type MovedProduce =
  | 'incomplete'
  | 'malformed'
  /** A leader is not known. */
  | 'unknown'
  /** It must be taken apart: several brokers, or a topic has another name there. */
  | 'split'
  | Destination

/**
 * Looks at the Produce frame at `at`, in which a partition has moved; the bytes stay as they are. A frame
 * with one partition needs no more than the first batch's header.
 */
export function routeMovedProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
): MovedProduce {
  let route: Destination | undefined
  let unknown = false
  let apart = false
  const walked = walkProduceBatches(buffer, at, end, frameEnd, version, (topic, partition) => {
    const routed = table.topics.get(topic)?.partitions[partition]
    const to = routed?.write
    if (to == null) unknown = true
    else if (route === undefined) route = to
    else if (route !== to) apart = true
    if (routed !== undefined && nativeName(routed, topic) !== topic) apart = true
  })
  if (walked !== 'visited') return walked
  if (unknown) return 'unknown'
  if (apart) return 'split'
  return route ?? 'unknown'
}

/** Gives the batches of a frame the producer ids that their partitions' clusters know them by. */
export function patchMovedProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
): void {
  walkProduceBatches(buffer, at, end, frameEnd, version, (topic, partition, batchAt) => {
    const timeline = table.topics.get(topic)?.partitions[partition]?.timeline
    const producer = timeline == null ? undefined : batchProducer(buffer, batchAt)
    if (timeline == null || producer === undefined || producer.producerId < 0n) return
    patchBatchProducer(buffer, batchAt, nativeProducerId(timeline, producer.producerId), null)
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

/** A whole Produce, already patched, by its parts: each with the names of its cluster. */
export function splitMovedProduce(table: RoutingTable, request: RequestFrame): Decision {
  const api = apis.produce
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  type Topic = (typeof asked.topicData)[number]
  const listing: Listing<Topic, Topic['partitionData'][number]> = {
    name: (topic) => topic.name,
    partitions: (topic) => topic.partitionData,
    index: (partition) => partition.index,
    withPartitions: (topic, partitionData) => ({ ...topic, partitionData }),
  }
  const grouped = groupByLeader(table, 'write', asked.topicData, listing)
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
      answers.map((answer, i) =>
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
      (topic) => topic.name,
      (topic) => topic.partitionResponses,
      (topic, partitionResponses) => ({ ...topic, partitionResponses }),
    ),
    throttleTimeMs: throttle(answers),
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
