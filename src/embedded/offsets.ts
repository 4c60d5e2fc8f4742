/**
 * The offsets that a group committed, and those that open transactions will commit (KIP-447,
 * `OffsetMetadataManager`). Pure.
 */
export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
}

type ByPartition = Map<string, Map<number, CommittedOffset>>

function put(offsets: ByPartition, topic: string, partition: number, value: CommittedOffset): void {
  const partitions = offsets.get(topic) ?? new Map<number, CommittedOffset>()
  partitions.set(partition, value)
  offsets.set(topic, partitions)
}

export class GroupOffsets {
  readonly #committed: ByPartition = new Map()
  readonly #pending = new Map<bigint, ByPartition>()

  get isEmpty(): boolean {
    return this.#committed.size === 0 && this.#pending.size === 0
  }

  commit(topic: string, partition: number, value: CommittedOffset): void {
    put(this.#committed, topic, partition, value)
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(topic)?.get(partition)
  }

  all(): { topic: string; partitions: { partition: number; value: CommittedOffset }[] }[] {
    return [...this.#committed].map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions].map(([partition, value]) => ({ partition, value })),
    }))
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#committed.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#committed.delete(topic)
  }

  deleteTopic(topic: string): void {
    this.#committed.delete(topic)
    for (const offsets of this.#pending.values()) offsets.delete(topic)
  }

  commitInTransaction(
    producerId: bigint,
    topic: string,
    partition: number,
    value: CommittedOffset,
  ): void {
    const offsets = this.#pending.get(producerId) ?? new Map<string, Map<number, CommittedOffset>>()
    put(offsets, topic, partition, value)
    this.#pending.set(producerId, offsets)
  }

  /** Whether a transaction is about to commit this partition: who asks for stable offsets must wait. */
  isUnstable(topic: string, partition: number): boolean {
    return [...this.#pending.values()].some(
      (offsets) => offsets.get(topic)?.has(partition) === true,
    )
  }

  endTransaction(producerId: bigint, isCommit: boolean): void {
    const offsets = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (!isCommit || offsets === undefined) return
    for (const [topic, partitions] of offsets)
      for (const [partition, value] of partitions) put(this.#committed, topic, partition, value)
  }
}
