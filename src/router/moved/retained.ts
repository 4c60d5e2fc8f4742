import type { Timeline } from '../timeline/index.ts'

/** A batch of an idempotent producer that a closed segment holds. Its offset is a virtual one. */
export interface RetainedBatch {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly offset: bigint
}

/**
 * The last batches that idempotent producers wrote before the splice. A producer that lost the answer
 * to one sends it again: the target does not know it, so it is answered here, and never written twice.
 * A broker remembers five batches of each producer (KIP-98); no client has more in flight.
 */
export class Retained {
  readonly #batches = new Map<Timeline, Map<bigint, RetainedBatch[]>>()
  readonly #loading = new Set<Timeline>()

  /** What these partitions hold is being read: who wants to know waits. */
  expect(timelines: Iterable<Timeline>): void {
    for (const timeline of timelines) this.#loading.add(timeline)
  }

  /** The last batches of a partition, oldest first. */
  keep(timeline: Timeline, batches: readonly RetainedBatch[]): void {
    const byProducer = new Map<bigint, RetainedBatch[]>()
    for (const batch of batches) {
      const mine = byProducer.get(batch.producerId)
      if (mine === undefined) byProducer.set(batch.producerId, [batch])
      else mine.push(batch)
    }
    if (byProducer.size > 0) this.#batches.set(timeline, byProducer)
    this.#loading.delete(timeline)
  }

  isLoading(timeline: Timeline): boolean {
    return this.#loading.has(timeline)
  }

  /** The virtual offset of a batch that is there already, or undefined. */
  find(
    timeline: Timeline,
    batch: Pick<RetainedBatch, 'producerId' | 'producerEpoch' | 'firstSequence' | 'lastSequence'>,
  ): bigint | undefined {
    return this.#batches
      .get(timeline)
      ?.get(batch.producerId)
      ?.find(
        (kept) =>
          kept.producerEpoch === batch.producerEpoch &&
          kept.firstSequence === batch.firstSequence &&
          kept.lastSequence === batch.lastSequence,
      )?.offset
  }

  clear(): void {
    this.#batches.clear()
    this.#loading.clear()
  }
}
