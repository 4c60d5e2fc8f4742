import { CutoverError } from '../errors.ts'
import { nodeId } from '../ids.ts'
import { apis, errorCodes, errorName } from '../protocol/index.ts'
import {
  batchHeaderBytes,
  batchProducer,
  lastSequence,
  partitionKey,
  type RetainedBatch,
} from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { eachOf } from './each-of.ts'
import { listOffsets, type PartitionName } from './ends.ts'

/** A client gives a record up after two minutes (delivery.timeout.ms), and then sends it no more. */
export const lookBackMs = 2 * 60_000
/** How many records of a partition are looked at: first the last ones of all, then more as time allows. */
const lookBackRecords = [250n, 2_500n, 20_000n] as const
/** How many partitions are read at once. */
const readsMax = 8
const fetchBytesMax = 4 * 1024 * 1024
const baseOffsetBytes = 12

/** A partition, read up to here. */
export interface PartitionUpTo extends PartitionName {
  readonly end: bigint
}

/** What was read of a partition's end: [from, next). Offsets are the cluster's own. */
interface Tail {
  /** Under which leader: another one may have another log. */
  readonly reign: string
  readonly from: bigint
  readonly next: bigint
  readonly batches: readonly RetainedBatch[]
  /** False while what lies further back could not be read. */
  readonly isWhole: boolean
}

/**
 * The batches of idempotent producers at the ends of partitions, whose producers may still send them again
 * because the answer was lost. What was read once is not read again: two minutes of what is produced can be
 * hundreds of megabytes.
 */
export class Tails {
  readonly #cluster: Cluster
  readonly #clock: { now(): number }
  readonly #tails = new Map<string, Tail>()

  /** @param clock ms from anywhere */
  constructor(cluster: Cluster, clock: { now(): number }) {
    this.#cluster = cluster
    this.#clock = clock
  }

  clear(): void {
    this.#tails.clear()
  }

  batchesOf({ topic, partition }: PartitionName): readonly RetainedBatch[] {
    return this.#tails.get(partitionKey(topic, partition))?.batches ?? []
  }

  /**
   * Reads what has come since the last time, and what lies further back while there is time.
   * @param nowMs the time of the cluster's records
   * @param untilMs on the clock
   * @returns those that could not be read, with the reason
   */
  async read(
    partitions: readonly PartitionUpTo[],
    nowMs: number,
    untilMs: number,
  ): Promise<readonly { readonly of: PartitionUpTo; readonly error: unknown }[]> {
    const failed = new Map<PartitionUpTo, unknown>()
    const each = (all: readonly PartitionUpTo[], act: (of: PartitionUpTo) => Promise<void>) =>
      eachOf(all, readsMax, async (of) => {
        if (!failed.has(of)) await act(of).catch((error: unknown) => void failed.set(of, error))
      })
    const fresh: PartitionUpTo[] = []
    await each(partitions, async (of) => {
      if (!(await this.#goOn(of))) fresh.push(of)
    })
    const starts = await this.#recent(fresh, nowMs).catch((error: unknown) => {
      for (const of of fresh) failed.set(of, error)
      return new Map<PartitionUpTo, bigint>()
    })
    for (const records of lookBackRecords) {
      await each(fresh, async (of) => {
        if (records !== lookBackRecords[0] && this.#clock.now() > untilMs) return
        const start = starts.get(of) ?? -1n
        // Nothing is as young as that.
        if (start < 0n) return
        await this.#goBack(of, start > of.end - records ? start : of.end - records)
      })
    }
    for (const of of fresh) if (!failed.has(of)) this.#finish(of)
    return [...failed].map(([of, error]) => ({ of, error }))
  }

  /** Where what is young enough begins. */
  async #recent(
    partitions: readonly PartitionUpTo[],
    nowMs: number,
  ): Promise<ReadonlyMap<PartitionUpTo, bigint>> {
    const found = await listOffsets(this.#cluster, partitions, BigInt(nowMs - lookBackMs))
    return new Map(partitions.map((of, i) => [of, found[i] ?? -1n]))
  }

  /** @returns whether it had been read before, under the same leader */
  async #goOn(of: PartitionUpTo): Promise<boolean> {
    const key = partitionKey(of.topic, of.partition)
    const { leader, reign } = leaderOf(this.#cluster, of)
    const known = this.#tails.get(key)
    const isKnown = known?.reign === reign && known.isWhole && known.next <= of.end
    const nothing = { reign, from: of.end, next: of.end, batches: [], isWhole: false }
    const tail = isKnown ? known : nothing
    const since = await readSpan(this.#cluster, of, tail.next, of.end, leader)
    this.#tails.set(key, { ...tail, next: of.end, batches: [...tail.batches, ...since] })
    return isKnown
  }

  async #goBack(of: PartitionUpTo, from: bigint): Promise<void> {
    const key = partitionKey(of.topic, of.partition)
    const tail = this.#tails.get(key)
    if (tail === undefined || from >= tail.from) return
    const { leader } = leaderOf(this.#cluster, of)
    const before = await readSpan(this.#cluster, of, from, tail.from, leader)
    this.#tails.set(key, { ...tail, from, batches: [...before, ...tail.batches] })
  }

  #finish({ topic, partition }: PartitionUpTo): void {
    const key = partitionKey(topic, partition)
    const tail = this.#tails.get(key)
    if (tail !== undefined) this.#tails.set(key, { ...tail, isWhole: true })
  }
}

function leaderOf(cluster: Cluster, { topic, partition }: PartitionName) {
  const known = cluster.topology.topics.get(topic)?.partitions[partition]
  if (known === undefined || known.leader < 0) {
    const message = `${topic}-${partition} has no leader on the ${cluster.name}`
    throw new CutoverError('upstream_connect', message)
  }
  return { leader: known.leader, reign: `${known.leader}/${known.leaderEpoch}` }
}

/** The batches in [from, end). The first may begin before: batches are given whole. */
async function readSpan(
  cluster: Cluster,
  name: PartitionName,
  from: bigint,
  end: bigint,
  leader: number,
): Promise<RetainedBatch[]> {
  const batches: RetainedBatch[] = []
  for (let offset = from; offset < end;) {
    const next = collect(await fetch(cluster, name, offset, leader, end), offset, end, batches)
    if (next <= offset) break
    offset = next
  }
  // One that begins before was read with the span before this one, or is older than what is looked at.
  return batches.filter(({ offset }) => offset >= from)
}

async function fetch(
  cluster: Cluster,
  { topic, partition }: PartitionName,
  fetchOffset: bigint,
  leader: number,
  end: bigint,
): Promise<Buffer | null> {
  const answer = await cluster.ask(
    apis.fetch,
    12,
    {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: fetchBytesMax,
      topics: [
        { topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: fetchBytesMax }] },
      ],
    },
    { nodeId: nodeId(leader) },
  )
  const read = answer.responses[0]?.partitions[0]
  const errorCode = read?.errorCode ?? answer.errorCode
  if (errorCode === errorCodes.NONE) {
    if (read !== undefined && read.highWatermark >= end) return read.records
    // A leader that has just been elected may not know yet what it may give.
    throw new CutoverError(
      'upstream_invalid',
      `${topic}-${partition} is not readable to its end yet`,
    )
  }
  throw new CutoverError(
    'upstream_invalid',
    `the ${cluster.name} answered ${errorName(errorCode)} for ${topic}-${partition}`,
  )
}

/** @returns the offset behind what was there */
function collect(
  records: Buffer | null,
  from: bigint,
  end: bigint,
  batches: RetainedBatch[],
): bigint {
  let next = from
  if (records === null) return next
  for (let at = 0; at + batchHeaderBytes <= records.length;) {
    const baseOffset = records.readBigInt64BE(at)
    const producer = batchProducer(records, at)
    if (baseOffset >= end) return end
    if (producer !== undefined) {
      next = baseOffset + BigInt(producer.lastOffsetDelta) + 1n
      if (producer.producerId >= 0n && producer.baseSequence >= 0) {
        batches.push({
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          firstSequence: producer.baseSequence,
          lastSequence: lastSequence(producer.baseSequence, producer.lastOffsetDelta),
          offset: baseOffset,
        })
      }
    }
    at += records.readInt32BE(at + 8) + baseOffsetBytes
  }
  return next
}
