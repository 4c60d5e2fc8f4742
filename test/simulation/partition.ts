import {
  decodeRecords,
  encodeBatch,
  errorCodes,
  readBatchHeader,
} from '../../src/protocol/index.ts'
import type { Scheduler } from './scheduler.ts'

export interface Stored {
  readonly bytes: Buffer
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly timestamp: bigint
  /** ms since the epoch */
  readonly appendedAt: number
  readonly values: readonly string[]
  /** When it was on every replica, in ms since the epoch; undefined while it is not. */
  replicatedAt: number | undefined
}

export type Appended =
  | { readonly errorCode: 0; readonly baseOffset: bigint; readonly end: bigint }
  | { readonly errorCode: number; readonly baseOffset: -1n; readonly end: -1n }

interface Waiter {
  readonly end: bigint
  readonly done: (errorCode: number) => void
}

export interface BypassProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** What a broker remembers of a producer (KIP-98). */
const batchesRemembered = 5

/**
 * A replicated log as its clients can tell it: what is behind the high watermark is on the leader alone, and
 * may go with it.
 */
export class SimPartition {
  readonly name: string
  readonly batches: Stored[] = []
  end = 0n
  highWatermark = 0n
  /** A node, or -1 while one is elected. */
  leader = 1
  epoch = 0
  /** Whether an id without history must begin at 0, as on brokers up to 2.4. */
  beginsAtZero = false
  /** Values that went with a leader. */
  readonly lost = new Set<string>()
  readonly #scheduler: Scheduler
  #waiters: Waiter[] = []
  readonly readers = new Set<() => void>()

  constructor(name: string, scheduler: Scheduler) {
    this.name = name
    this.#scheduler = scheduler
  }

  append(records: Buffer): Appended {
    const values = valuesOf(records)
    const producerId = records.readBigInt64BE(43)
    const producerEpoch = records.readInt16BE(51)
    const firstSequence = records.readInt32BE(53)
    const lastSequence = firstSequence + values.length - 1
    if (producerId >= 0n) {
      const known = this.batches.filter((each) => each.producerId === producerId)
      const written = known
        .slice(-batchesRemembered)
        .find(
          (each) =>
            each.producerEpoch === producerEpoch &&
            each.firstSequence === firstSequence &&
            each.lastSequence === lastSequence,
        )
      if (written !== undefined) {
        return { errorCode: 0, baseOffset: written.baseOffset, end: written.lastOffset + 1n }
      }
      const last = known.at(-1)
      if (last !== undefined && producerEpoch < last.producerEpoch) {
        return { errorCode: errorCodes.INVALID_PRODUCER_EPOCH, baseOffset: -1n, end: -1n }
      }
      const isNewEpoch = last !== undefined && producerEpoch > last.producerEpoch
      const next = isNewEpoch ? 0 : (last?.lastSequence ?? firstSequence - 1) + 1
      if (last === undefined && this.beginsAtZero && firstSequence !== 0) {
        return { errorCode: errorCodes.UNKNOWN_PRODUCER_ID, baseOffset: -1n, end: -1n }
      }
      // Else an id without history may begin anywhere (KIP-360).
      if (firstSequence !== next) {
        const errorCode = errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER
        return { errorCode, baseOffset: -1n, end: -1n }
      }
    }
    const bytes = Buffer.from(records)
    const baseOffset = this.end
    bytes.writeBigInt64BE(baseOffset, 0)
    bytes.writeInt32BE(this.epoch, 12)
    this.end += BigInt(values.length)
    const timestamp = records.readBigInt64BE(27)
    const sequences = { producerId, producerEpoch, firstSequence, lastSequence }
    const lastOffset = this.end - 1n
    const appendedAt = this.#scheduler.wallClock()
    const replicatedAt = undefined
    const stored = { bytes, baseOffset, lastOffset, timestamp, appendedAt, values, replicatedAt }
    this.batches.push({ ...stored, ...sequences })
    this.#replicate()
    return { errorCode: 0, baseOffset, end: this.end }
  }

  /** Records of somebody who is behind no sidecar. */
  bypass(values: readonly string[], producer: Partial<BypassProducer> = {}): void {
    const timestamp = BigInt(this.#scheduler.wallClock())
    const records = values.map((value) => ({ timestamp, value: Buffer.from(value) }))
    this.append(encodeBatch({ records, ...producer }))
  }

  /** What is there is on every replica at once. */
  settle(): void {
    this.#replicated(this.end)
  }

  /** Resolves with an error code when what lies before `end` is on every replica, or its leader is gone. */
  replicated(end: bigint): Promise<number> {
    if (this.highWatermark >= end) return Promise.resolve(0)
    return new Promise((done) => this.#waiters.push({ end, done }))
  }

  /** @param keeps whether the new leader has what was not replicated yet */
  elect(leader: number, keeps: boolean): void {
    const waiting = this.#waiters
    this.#waiters = []
    for (const { done } of waiting) done(errorCodes.NOT_LEADER_OR_FOLLOWER)
    if (!keeps) {
      while ((this.batches.at(-1)?.lastOffset ?? -1n) >= this.highWatermark) {
        for (const value of this.batches.pop()?.values ?? []) this.lost.add(value)
      }
      this.end = this.highWatermark
    }
    this.leader = leader
    this.epoch++
    for (const wake of [...this.readers]) wake()
    if (this.highWatermark < this.end) this.#replicate()
  }

  read(offset: bigint, batchesMax: number): Buffer {
    const found = this.batches
      .filter((each) => each.lastOffset >= offset && each.lastOffset < this.highWatermark)
      .slice(0, batchesMax)
    return Buffer.concat(found.map(({ bytes }) => bytes))
  }

  #replicate(): void {
    const { end, epoch } = this
    const { random } = this.#scheduler
    const lagMs = random.chance(0.05) ? random.between(50, 400) : random.next() * 5
    this.#scheduler.after(lagMs, () => {
      if (epoch === this.epoch) this.#replicated(end)
    })
  }

  #replicated(end: bigint): void {
    if (end <= this.highWatermark) return
    this.highWatermark = end
    for (const batch of this.batches) {
      if (batch.lastOffset < end) batch.replicatedAt ??= this.#scheduler.wallClock()
    }
    const done = this.#waiters.filter((each) => each.end <= end)
    this.#waiters = this.#waiters.filter((each) => each.end > end)
    for (const each of done) each.done(0)
    for (const wake of [...this.readers]) wake()
  }
}

export function valuesOf(batch: Buffer): readonly string[] {
  return decodeRecords(batch, readBatchHeader(batch)).map(({ value }) => String(value))
}
