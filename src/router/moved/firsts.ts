import type { Timeline } from '../timeline/index.ts'

/** The first batch of a request for one partition, as its client knows it. */
export interface FirstBatch {
  readonly topic: string
  readonly partition: number
  readonly timeline: Timeline
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/**
 * The partitions of which one connection's producer has had a batch taken behind the splice. The target knows
 * nothing of the producer, and takes any batch for its first (KIP-360): one that overtakes another that was
 * refused would put that out of order for good. The source, with its history, would have kept the order;
 * so until a first batch is taken, one request at a time is on its way, and what would overtake is refused
 * as the source would have refused it.
 */
export class Firsts {
  readonly #taken = new Set<Timeline>()
  /** Which sequence number must be the first, for it was refused. */
  readonly #refused = new Map<Timeline, FirstBatch>()
  #asked: { readonly correlationId: number; readonly batches: readonly FirstBatch[] } | undefined
  #answered = Promise.withResolvers<void>()

  /** Whether a request with a first batch is on its way. */
  get pending(): boolean {
    return this.#asked !== undefined
  }

  /** Resolves when it is answered. */
  get answered(): Promise<void> {
    return this.#answered.promise
  }

  isFirst(timeline: Timeline): boolean {
    return !this.#taken.has(timeline)
  }

  /** Whether a batch would overtake one that was refused: OUT_OF_ORDER_SEQUENCE_NUMBER. */
  overtakes({ timeline, ...batch }: Omit<FirstBatch, 'topic' | 'partition'>): boolean {
    const refused = this.#refused.get(timeline)
    return (
      refused?.producerId === batch.producerId &&
      refused.producerEpoch === batch.producerEpoch &&
      batch.baseSequence > refused.baseSequence
    )
  }

  /** A request goes, with first batches of these partitions. */
  sent(correlationId: number, batches: readonly FirstBatch[]): void {
    this.#asked = { correlationId, batches }
  }

  /** Whether this is the answer that is waited for. */
  awaits(correlationId: number): boolean {
    return this.#asked?.correlationId === correlationId
  }

  /** It has come. @param isTaken whether a partition's batch was taken */
  settle(isTaken: (topic: string, partition: number) => boolean): void {
    for (const batch of this.#asked?.batches ?? []) {
      const { timeline, topic, partition } = batch
      if (isTaken(topic, partition)) {
        this.#taken.add(timeline)
        this.#refused.delete(timeline)
      } else this.#refused.set(timeline, batch)
    }
    this.#asked = undefined
    this.#answered.resolve()
    this.#answered = Promise.withResolvers()
  }
}
