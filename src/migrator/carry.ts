import { CutoverError } from '../errors.ts'
import { nodeId } from '../ids.ts'
import {
  apis,
  batchAttributes,
  batchLayout,
  crc32c,
  entries,
  errorCodes,
  errorName,
  isControl,
  lastOffset,
} from '../protocol/index.ts'
import { batchProducer, openSegment, type Segment, type Timeline } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { fetchOffsets } from './groups/group-requests.ts'

const fetchBytesMax = 1024 * 1024
const transactionTimeoutMs = 30_000
/** In its offsets the target keeps how far each partition of the source was carried. */
const carriedGroup = 'kafka-cutover-carried'
const transactionalId = 'kafka-cutover-carry'
const allReplicas = -1
const produceTimeoutMs = 10_000

/** Batches of a closed segment's partition that lie behind its end. */
export interface Late {
  readonly batches: readonly Buffer[]
  readonly records: number
  /** The source's offset behind the last of them. */
  readonly end: bigint
}

/**
 * Appends what reached the source behind the splice to the target, once: in a transaction that also stores
 * how far the source was carried (KIP-98), so that a crash in the middle leaves nothing half done. The
 * batches are passed on as they are - key, value, headers, timestamp, compression - but for the producer.
 */
export class Carrier {
  readonly #source: Cluster
  readonly #target: Cluster
  #producer: { readonly producerId: bigint; readonly producerEpoch: number } | undefined
  /** By target partition, since the producer was initialised. */
  readonly #sequences = new Map<string, number>()
  #carried: ReadonlyMap<string, ReadonlyMap<number, { readonly offset: bigint }>> | undefined

  constructor(source: Cluster, target: Cluster) {
    this.#source = source
    this.#target = target
  }

  /** How far a partition was carried, in the source's offsets; its end before the first time. */
  async carriedTo(timeline: Timeline, closed: Segment): Promise<bigint> {
    this.#carried ??= await fetchOffsets(this.#target, carriedGroup)
    const { topic, partition } = openSegment(timeline)
    return this.#carried.get(topic)?.get(partition)?.offset ?? closed.end ?? 0n
  }

  /** Carries what there is, up to some megabyte. @returns what it was; null when there is nothing */
  async carry(timeline: Timeline, closed: Segment): Promise<Late | null> {
    const from = await this.carriedTo(timeline, closed)
    const late = await this.#read(closed, from)
    if (late === null) return null
    try {
      await this.#append(openSegment(timeline), late)
      this.#carried = undefined
      return late
    } catch (error) {
      // Whether the transaction was committed, the target's offsets tell.
      this.#producer = undefined
      this.#carried = undefined
      throw error
    }
  }

  async #read({ topic, partition }: Segment, from: bigint): Promise<Late | null> {
    const leader = this.#source.topology.topics.get(topic)?.partitions[partition]?.leader ?? -1
    const answer = await this.#source.ask(
      apis.fetch,
      12,
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: fetchBytesMax,
        isolationLevel: 1,
        topics: [
          {
            topic,
            partitions: [{ partition, fetchOffset: from, partitionMaxBytes: fetchBytesMax }],
          },
        ],
      },
      { nodeId: nodeId(leader) },
    )
    const answered = answer.responses[0]?.partitions[0]
    refuse('Fetch', this.#source, answer.errorCode || (answered?.errorCode ?? 0))
    return lateBatches(answered?.records ?? null, from)
  }

  async #append({ topic, partition }: Segment, late: Late): Promise<void> {
    const producer = (this.#producer ??= await this.#initialise())
    const ids = { transactionalId, ...producer }
    const coordinator = { transaction: transactionalId }
    const added = await this.#target.ask(
      apis.addPartitionsToTxn,
      3,
      {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      },
      coordinator,
    )
    const code = added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? 0
    refuse('AddPartitionsToTxn', this.#target, code)
    for (const batch of late.batches) await this.#produce(topic, partition, batch, producer)
    const offsets = await this.#target.ask(
      apis.addOffsetsToTxn,
      3,
      { ...ids, groupId: carriedGroup },
      coordinator,
    )
    refuse('AddOffsetsToTxn', this.#target, offsets.errorCode)
    const stored = await this.#target.ask(
      apis.txnOffsetCommit,
      2,
      {
        ...ids,
        groupId: carriedGroup,
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: late.end,
                committedLeaderEpoch: -1,
                committedMetadata: '',
              },
            ],
          },
        ],
      },
      { group: carriedGroup },
    )
    refuse('TxnOffsetCommit', this.#target, stored.topics[0]?.partitions[0]?.errorCode ?? 0)
    const ended = await this.#target.ask(apis.endTxn, 3, { ...ids, committed: true }, coordinator)
    refuse('EndTxn', this.#target, ended.errorCode)
  }

  async #initialise() {
    const answer = await this.#target.ask(
      apis.initProducerId,
      2,
      { transactionalId, transactionTimeoutMs },
      { transaction: transactionalId },
    )
    refuse('InitProducerId', this.#target, answer.errorCode)
    this.#sequences.clear()
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }

  async #produce(
    topic: string,
    partition: number,
    batch: Buffer,
    producer: { readonly producerId: bigint; readonly producerEpoch: number },
  ): Promise<void> {
    const key = `${topic} ${partition}`
    const sequence = this.#sequences.get(key) ?? 0
    const records = adopt(batch, { ...producer, sequence })
    const leader = this.#target.topology.topics.get(topic)?.partitions[partition]?.leader ?? -1
    const answer = await this.#target.ask(
      apis.produce,
      8,
      {
        transactionalId,
        acks: allReplicas,
        timeoutMs: produceTimeoutMs,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
      { nodeId: nodeId(leader) },
    )
    refuse('Produce', this.#target, answer.responses[0]?.partitionResponses[0]?.errorCode ?? 0)
    const delta = batchProducer(batch, 0)?.lastOffsetDelta ?? 0
    this.#sequences.set(key, sequence + delta + 1)
  }
}

/** The data batches among records that begin at `from`; control batches are no records. */
export function lateBatches(records: Buffer | null, from: bigint): Late | null {
  if (records === null) return null
  const batches: Buffer[] = []
  let count = 0
  let end = from
  for (const entry of entries(records)) {
    // Format v2 since 0.11; the few messages of older formats that a source may hold are not carried.
    if (entry.kind !== 'batch' || lastOffset(entry) < from) continue
    end = lastOffset(entry) + 1n
    if (isControl(entry)) continue
    batches.push(records.subarray(entry.start, entry.start + entry.size))
    count += entry.recordCount
  }
  return end === from ? null : { batches, records: count, end }
}

/** The same batch, written by somebody else, in a transaction. Its offsets are made dense, as brokers want. */
export function adopt(
  batch: Buffer,
  {
    producerId,
    producerEpoch,
    sequence,
  }: { readonly producerId: bigint; readonly producerEpoch: number; readonly sequence: number },
): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(0n, batchLayout.baseOffset)
  copy.writeInt32BE(-1, batchLayout.partitionLeaderEpoch)
  const attributes = copy.readInt16BE(batchLayout.attributes) | batchAttributes.transactional
  copy.writeInt16BE(attributes, batchLayout.attributes)
  copy.writeBigInt64BE(producerId, batchLayout.producerId)
  copy.writeInt16BE(producerEpoch, batchLayout.producerEpoch)
  copy.writeInt32BE(sequence, batchLayout.baseSequence)
  copy.writeUInt32BE(crc32c(copy, batchLayout.attributes, copy.length) >>> 0, batchLayout.crc)
  return copy
}

function refuse(what: string, cluster: Cluster, errorCode: number): void {
  if (errorCode === errorCodes.NONE) return
  throw new CutoverError(
    'upstream_invalid',
    `the ${cluster.name} answered ${what} of what is carried with ${errorName(errorCode)}`,
  )
}
