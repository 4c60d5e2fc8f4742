import { CutoverError } from '../errors.ts'
import { nodeId } from '../ids.ts'
import { apis, errorCodes, errorName } from '../protocol/index.ts'
import {
  nativeProducerId,
  partitionKey,
  rebased,
  type Segment,
  type SequenceBases,
} from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { listOffsets } from './ends.ts'
import { fetchOffsets } from './groups/group-requests.ts'
import type { LatePath } from './late-paths.ts'
import { adopt, isIdempotent, lateBatches, type Late, type LateBatch } from './late.ts'

const fetchBytesMax = 1024 * 1024
const transactionTimeoutMs = 30_000
/**
 * In its offsets the target keeps how far each partition of the source was carried, under the name of the one
 * that it is carried to. Several of an unordered topic may be carried to the same one, each in a lane of its own.
 */
const carriedGroup = ({ namespace }: Pick<LatePath, 'namespace'>): string =>
  namespace === 1 ? 'kafka-cutover-carried' : `kafka-cutover-carried-${namespace}`
export const transactionalId = 'kafka-cutover-carry'
/** A partition of which nobody commits offsets: the one stored here is that of no record. */
const settledMark = { topic: '__consumer_offsets', partition: 0 }
const allReplicas = -1
/** As a timestamp: the first offset. */
const earliest = -2n
const produceTimeoutMs = 10_000
const decideTriesMax = 40
const decidePauseMs = 50

/**
 * Sequence numbers of one producer and epoch have no holes. So what a target refuses because of them it has
 * seen already, together with what came after it; or the producer has given it up and begun a new epoch.
 */
const refusedAsRepetition: ReadonlySet<number> = new Set([
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.DUPLICATE_SEQUENCE_NUMBER,
  errorCodes.INVALID_PRODUCER_EPOCH,
])

interface ProducerName {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Appends what reached the source behind the splice to the target, once, as it is: key, value, headers,
 * timestamp, compression. How far the source was carried is stored on the target, so that a crash in the
 * middle leaves nothing half done.
 *
 * - A batch of an idempotent producer is produced under that producer's own id and sequence numbers (KIP-98).
 *   It may be a request whose connection had died, which a broker took up late, and which its client sends
 *   again through a sidecar: whichever of the two comes second, the target takes for the repetition it is.
 * - Any other goes into the transaction that stores how far the source was carried.
 */
export class Carrier {
  readonly #source: Cluster
  readonly #target: Cluster
  readonly #bases: SequenceBases
  #producer: ProducerName | undefined
  /** By target partition, since the producer was initialised. */
  readonly #sequences = new Map<string, number>()
  /** By partition as clients name it, as far as it is known. */
  readonly #carried = new Map<string, bigint>()
  /** Groups whose offsets are known to be told, since the producer was initialised. */
  readonly #settled = new Set<string>()
  readonly #sleep: (ms: number) => Promise<void>

  /** @param sleep rejects when nothing is to be carried any more */
  constructor(
    source: Cluster,
    target: Cluster,
    bases: SequenceBases,
    sleep: (ms: number) => Promise<void>,
  ) {
    this.#source = source
    this.#target = target
    this.#bases = bases
    this.#sleep = sleep
  }

  /**
   * How far a partition was carried, in the source's offsets; `from` before the first time. A transaction
   * that was left in the middle is decided before its offsets are read: behind its EndTxn they are those of
   * before for a while.
   */
  async carriedTo(path: LatePath): Promise<bigint> {
    const { topic, partition } = path.target
    const key = partitionKey(path.topic, path.partition)
    const known = this.#carried.get(key)
    if (known !== undefined) return known
    const group = carriedGroup(path)
    const producer = (this.#producer ??= await this.#initialise())
    try {
      await this.#settleOffsets(producer, group)
    } catch (error) {
      // Its transaction may be half done: the next attempt begins anew.
      this.#producer = undefined
      throw error
    }
    const stored = await fetchOffsets(this.#target, group, { topic, partition })
    const offset = stored.get(topic)?.get(partition)?.offset ?? path.from
    this.#carried.set(key, offset)
    return offset
  }

  /** Carries what there is, up to some megabyte. @returns what it was; null when there is nothing */
  async carry(path: LatePath): Promise<Late | null> {
    const from = await this.carriedTo(path)
    const late = await this.#read(path.source, from)
    if (late === null) return null
    const idempotent = late.batches.filter(isIdempotent)
    // Until the journal has it, nothing goes: the next time will do.
    if (idempotent.some((batch) => this.#baseOf(path, batch) === undefined)) return null
    try {
      for (const batch of idempotent) await this.#repeat(path, batch)
      await this.#append(path, late)
      this.#carried.set(partitionKey(path.topic, path.partition), late.end)
      return late
    } catch (error) {
      // Whether the transaction was committed, the target's offsets tell.
      this.#producer = undefined
      this.#carried.clear()
      throw error
    }
  }

  async #read({ topic, partition }: LatePath['source'], from: bigint): Promise<Late | null> {
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
    if (answered?.errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
      // What lay there has expired.
      const [start = -1n] = await listOffsets(this.#source, [{ topic, partition }], earliest)
      if (start > from) return { batches: [], records: 0, end: start }
    }
    refuse('Fetch', this.#source, answer.errorCode || (answered?.errorCode ?? 0))
    return lateBatches(answered?.records ?? null, from, answered?.abortedTransactions ?? [])
  }

  /** As its producer does it through a sidecar. */
  async #repeat(path: LatePath, batch: LateBatch): Promise<void> {
    const { producerEpoch, baseSequence } = batch.header
    const producerId = nativeProducerId(path.namespace, batch.header.producerId)
    const sequence = rebased(baseSequence, this.#baseOf(path, batch) ?? 0)
    const records = adopt(batch, { producerId, producerEpoch, sequence, isTransactional: false })
    const errorCode = await this.#produce(path.target, records, null)
    if (!refusedAsRepetition.has(errorCode)) refuse('Produce', this.#target, errorCode)
  }

  #baseOf({ timeline }: LatePath, { header }: LateBatch): number | undefined {
    const { producerId, producerEpoch, baseSequence } = header
    return this.#bases.find({ timeline, producerId, producerEpoch }, baseSequence)
  }

  async #append(path: LatePath, late: Late): Promise<void> {
    const { topic, partition } = path.target
    const producer = (this.#producer ??= await this.#initialise())
    const coordinator = { transaction: transactionalId }
    const others = late.batches.filter((batch) => !isIdempotent(batch))
    if (others.length > 0) {
      await this.#whenDecided('AddPartitionsToTxn', async () => {
        const { resultsByTopicV3AndBelow: added } = await this.#target.ask(
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
        return { errorCode: added[0]?.resultsByPartition[0]?.partitionErrorCode ?? 0 }
      })
    }
    for (const batch of others) await this.#appendOne({ topic, partition }, batch, producer)
    await this.#commit({ topic, partition }, carriedGroup(path), late.end, producer)
  }

  /** Ends the transaction, in which this offset is stored. */
  async #commit(
    { topic, partition }: Pick<Segment, 'topic' | 'partition'>,
    groupId: string,
    committedOffset: bigint,
    producer: ProducerName,
  ): Promise<void> {
    const ids = { transactionalId, ...producer }
    const coordinator = { transaction: transactionalId }
    await this.#whenDecided('AddOffsetsToTxn', () =>
      this.#target.ask(apis.addOffsetsToTxn, 3, { ...ids, groupId }, coordinator),
    )
    const stored = await this.#target.ask(
      apis.txnOffsetCommit,
      2,
      {
        ...ids,
        groupId,
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset,
                committedLeaderEpoch: -1,
                committedMetadata: '',
              },
            ],
          },
        ],
      },
      { group: groupId },
    )
    refuse('TxnOffsetCommit', this.#target, stored.topics[0]?.partitions[0]?.errorCode ?? 0)
    const ended = await this.#target.ask(apis.endTxn, 3, { ...ids, committed: true }, coordinator)
    refuse('EndTxn', this.#target, ended.errorCode)
  }

  async #initialise(): Promise<ProducerName> {
    const { producerId, producerEpoch } = await this.#whenDecided('InitProducerId', () =>
      this.#target.ask(
        apis.initProducerId,
        2,
        { transactionalId, transactionTimeoutMs },
        { transaction: transactionalId },
      ),
    )
    this.#sequences.clear()
    this.#settled.clear()
    return { producerId, producerEpoch }
  }

  /**
   * Before 2.5 OffsetFetch does not tell of offsets that a transaction is about to commit (KIP-447): a coordinator
   * takes the offsets of ended transactions to its memory one after the other, some moments behind their
   * markers. So one more is ended, and when its offset is there, those of all before it are.
   */
  async #settleOffsets(producer: ProducerName, group: string): Promise<void> {
    const knowsStable = (this.#target.version(apis.offsetFetch.key, 7) ?? 0) >= 7
    if (knowsStable || this.#settled.has(group)) return
    const { topic, partition } = settledMark
    const stored = async () => {
      const offsets = await fetchOffsets(this.#target, group, settledMark)
      return offsets.get(topic)?.get(partition)?.offset
    }
    // Whoever asks for a group first makes the topic that keeps offsets.
    await stored()
    const mark = producer.producerId * 65_536n + BigInt(producer.producerEpoch)
    await this.#commit(settledMark, group, mark, producer)
    for (let tries = 1; tries <= decideTriesMax; tries++) {
      if ((await stored()) === mark) {
        this.#settled.add(group)
        return
      }
      await this.#sleep(decidePauseMs)
    }
    throw new CutoverError(
      'upstream_timeout',
      `the ${this.#target.name} does not tell how far the source was carried`,
    )
  }

  /** The transaction before it is being ended for some moments behind its EndTxn: asked again until it is over. */
  async #whenDecided<A extends { readonly errorCode: number }>(
    what: string,
    ask: () => Promise<A>,
  ): Promise<A> {
    for (let tries = 1; ; tries++) {
      const answer = await ask()
      if (answer.errorCode !== errorCodes.CONCURRENT_TRANSACTIONS || tries >= decideTriesMax) {
        refuse(what, this.#target, answer.errorCode)
        return answer
      }
      await this.#sleep(decidePauseMs)
    }
  }

  async #appendOne(
    at: Pick<Segment, 'topic' | 'partition'>,
    batch: LateBatch,
    producer: ProducerName,
  ): Promise<void> {
    const key = `${at.topic} ${at.partition}`
    const sequence = this.#sequences.get(key) ?? 0
    const records = adopt(batch, { ...producer, sequence, isTransactional: true })
    refuse('Produce', this.#target, await this.#produce(at, records, transactionalId))
    this.#sequences.set(key, sequence + batch.header.lastOffsetDelta + 1)
  }

  /** @returns the answer's error code */
  async #produce(
    { topic, partition }: Pick<Segment, 'topic' | 'partition'>,
    records: Buffer,
    inTransaction: string | null,
  ): Promise<number> {
    const leader = this.#target.topology.topics.get(topic)?.partitions[partition]?.leader ?? -1
    const answer = await this.#target.ask(
      apis.produce,
      8,
      {
        transactionalId: inTransaction,
        acks: allReplicas,
        timeoutMs: produceTimeoutMs,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
      { nodeId: nodeId(leader) },
    )
    return answer.responses[0]?.partitionResponses[0]?.errorCode ?? 0
  }
}

function refuse(what: string, cluster: Cluster, errorCode: number): void {
  if (errorCode === errorCodes.NONE) return
  throw new CutoverError(
    'upstream_invalid',
    `the ${cluster.name} answered ${what} of what is carried with ${errorName(errorCode)}`,
  )
}
