import { errorCodes, isTransactional, type BatchHeader } from '../protocol/index.ts'

/**
 * What a partition knows of each producer id: its epoch, its last five batches, its open
 * transaction (ProducerStateManager and ProducerAppendInfo of Kafka). Pure.
 *
 *     batch -> duplicate? -> epoch older? -> sequence next? -> append
 */
interface BatchMemory {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: bigint
}

interface ProducerState {
  epoch: number
  batches: BatchMemory[]
  lastTimestamp: bigint
  coordinatorEpoch: number
  transactionStart: bigint | undefined
}

export type ProducerVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: bigint }
  | { readonly kind: 'refused'; readonly errorCode: number; readonly message: string }

export interface ActiveProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: bigint
  readonly coordinatorEpoch: number
  readonly currentTxnStartOffset: bigint
}

/** `NUM_BATCHES_TO_RETAIN`, on which the five requests in flight of an idempotent producer rest. */
const batchesRemembered = 5
const sequenceMax = 0x7fffffff

/** Sequences wrap from the greatest int32 to 0. */
export function addSequence(sequence: number, increment: number): number {
  return sequence > sequenceMax - increment
    ? increment - (sequenceMax - sequence) - 1
    : sequence + increment
}

export class Producers {
  readonly #states = new Map<bigint, ProducerState>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Judges a batch of a client before it is appended; changes nothing. */
  judge(batch: BatchHeader): ProducerVerdict {
    if (batch.producerId < 0n) return { kind: 'append' }
    const state = this.#states.get(batch.producerId)
    // An id without history may begin anywhere (KIP-360).
    if (state === undefined) return { kind: 'append' }
    const lastSequence = addSequence(batch.baseSequence, batch.lastOffsetDelta)
    const known = state.batches.find(
      (memory) =>
        state.epoch === batch.producerEpoch &&
        memory.firstSequence === batch.baseSequence &&
        memory.lastSequence === lastSequence,
    )
    if (known !== undefined) return { kind: 'duplicate', baseOffset: known.baseOffset }
    if (batch.producerEpoch < state.epoch) {
      const message = `Epoch of producer ${batch.producerId} is ${batch.producerEpoch}, which is smaller than the last seen epoch ${state.epoch}`
      return { kind: 'refused', errorCode: errorCodes.INVALID_PRODUCER_EPOCH, message }
    }
    return this.#judgeSequence(batch, state)
  }

  #judgeSequence(batch: BatchHeader, state: ProducerState): ProducerVerdict {
    const last = state.batches.at(-1)
    const sameEpoch = batch.producerEpoch === state.epoch
    // A new epoch begins with 0, also where a marker has brought it before any batch did.
    const expected = !sameEpoch || last === undefined ? 0 : addSequence(last.lastSequence, 1)
    if (batch.baseSequence !== expected) {
      const message = `Out of order sequence number for producer ${batch.producerId}: ${batch.baseSequence} (incoming seq. number), ${expected} (expected)`
      return { kind: 'refused', errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, message }
    }
    if (state.transactionStart !== undefined && sameEpoch && !isTransactional(batch)) {
      const message = `Expected transactional write from producer ${batch.producerId}`
      return { kind: 'refused', errorCode: errorCodes.INVALID_TXN_STATE, message }
    }
    return { kind: 'append' }
  }

  /** Remembers an appended batch of a client. */
  record(batch: BatchHeader, baseOffset: bigint): void {
    if (batch.producerId < 0n) return
    const before = this.#states.get(batch.producerId)
    const sameEpoch = before?.epoch === batch.producerEpoch
    const memory = {
      firstSequence: batch.baseSequence,
      lastSequence: addSequence(batch.baseSequence, batch.lastOffsetDelta),
      baseOffset,
    }
    const batches = sameEpoch ? [...before.batches, memory].slice(-batchesRemembered) : [memory]
    const state: ProducerState = {
      epoch: batch.producerEpoch,
      batches,
      lastTimestamp: batch.maxTimestamp,
      coordinatorEpoch: before?.coordinatorEpoch ?? -1,
      transactionStart:
        before?.transactionStart ?? (isTransactional(batch) ? baseOffset : undefined),
    }
    this.#keep(batch.producerId, state)
  }

  /** Remembers a marker. @returns where the transaction that it ends began, if it wrote here */
  end(producerId: bigint, epoch: number, timestamp: bigint): bigint | undefined {
    const before = this.#states.get(producerId)
    const start = before?.transactionStart
    const batches = before?.epoch === epoch ? before.batches : []
    this.#keep(producerId, {
      epoch,
      batches,
      lastTimestamp: timestamp,
      coordinatorEpoch: 0,
      transactionStart: undefined,
    })
    return start
  }

  /** The newest last, so that the first is the one to forget. */
  #keep(producerId: bigint, state: ProducerState): void {
    this.#states.delete(producerId)
    this.#states.set(producerId, state)
    if (this.#states.size <= this.#max) return
    for (const [id, { transactionStart }] of this.#states) {
      if (transactionStart !== undefined) continue
      this.#states.delete(id)
      return
    }
  }

  /** The first offset of the oldest open transaction. */
  firstUndecided(): bigint | undefined {
    let first: bigint | undefined
    for (const { transactionStart } of this.#states.values()) {
      if (transactionStart !== undefined && (first === undefined || transactionStart < first))
        first = transactionStart
    }
    return first
  }

  active(): ActiveProducer[] {
    return [...this.#states].map(([producerId, state]) => ({
      producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: state.lastTimestamp,
      coordinatorEpoch: state.coordinatorEpoch,
      currentTxnStartOffset: state.transactionStart ?? -1n,
    }))
  }
}
