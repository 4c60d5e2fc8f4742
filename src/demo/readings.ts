import { Pauses, type LongestPause, type Period } from './pauses.ts'

/** A record that a group was given. */
export interface Receipt {
  readonly partition: number
  /** As clients see it. */
  readonly offset: bigint
  readonly key: string
  /** Null in a record that none of the applications has written. */
  readonly sequence: number | null
}

interface KeyBook {
  /** Received are all sequences below, and those in `ahead`. */
  received: number
  readonly ahead: Set<number>
  highest: number
}

interface PartitionBook {
  highest: bigint
  committed: bigint
  /** What may be read again since the last assignment: [from, to]. */
  rereadFrom: bigint
  rereadTo: bigint
}

/**
 * What one group has read. Pure.
 *
 * A record that arrives again is *repeated*, unless it is the consumer's own doing: after a rebalance
 * kafkajs goes on from the offset that the group has committed, and what it had processed but not
 * committed it reads again. So a second delivery is put down to kafkajs if the partition was assigned
 * since the first one, the offset is at or above the offset committed then, and each is read again once
 * only. A second copy in the log is never excused.
 */
export class Readings {
  readonly #keys = new Map<string, KeyBook>()
  readonly #partitions = new Map<number, PartitionBook>()
  readonly #pauses = new Pauses()
  #received = 0
  #outOfOrder = 0
  #repeated = 0
  #reread = 0
  #strange = 0

  #partition(partition: number): PartitionBook {
    let book = this.#partitions.get(partition)
    if (book === undefined) {
      book = { highest: -1n, committed: 0n, rereadFrom: 0n, rereadTo: -1n }
      this.#partitions.set(partition, book)
    }
    return book
  }

  /** The group was told that its commit is kept. */
  committed(partition: number, offset: bigint): void {
    this.#partition(partition).committed = offset
  }

  /** A member was given the partition. */
  assigned(partition: number): void {
    const book = this.#partition(partition)
    book.rereadFrom = book.committed
    book.rereadTo = book.highest
  }

  enter(period: Period): void {
    this.#pauses.enter(period)
  }

  /** The application stood still by itself, and goes on. */
  goesOn(): void {
    this.#pauses.forget()
  }

  received({ partition, offset, key, sequence }: Receipt, now: number): void {
    const log = this.#partition(partition)
    this.#pauses.seen(String(partition), now)
    if (sequence === null) this.#strange++
    else if (this.has(key, sequence)) this.#again(log, offset)
    else this.#new(log, offset, key, sequence)
    if (offset > log.highest) log.highest = offset
  }

  #new(log: PartitionBook, offset: bigint, key: string, sequence: number): void {
    const book = this.#keys.get(key) ?? { received: 0, ahead: new Set(), highest: -1 }
    this.#keys.set(key, book)
    this.#received++
    if (sequence < book.highest || offset < log.highest) this.#outOfOrder++
    book.highest = Math.max(book.highest, sequence)
    book.ahead.add(sequence)
    while (book.ahead.delete(book.received)) book.received++
  }

  #again(log: PartitionBook, offset: bigint): void {
    const excused = offset >= log.rereadFrom && offset <= log.rereadTo
    if (!excused) this.#repeated++
    else {
      this.#reread++
      log.rereadFrom = offset + 1n
    }
  }

  has(key: string, sequence: number): boolean {
    const book = this.#keys.get(key)
    return book !== undefined && (sequence < book.received || book.ahead.has(sequence))
  }

  /** @returns all sequences of the key below have arrived */
  receivedTo(key: string): number {
    return this.#keys.get(key)?.received ?? 0
  }

  get figures(): GroupFigures {
    return {
      received: this.#received,
      outOfOrder: this.#outOfOrder,
      repeated: this.#repeated,
      reread: this.#reread,
      strange: this.#strange,
      pause: this.#pauses.longest,
    }
  }
}

export interface GroupFigures {
  /** Different records. */
  readonly received: number
  readonly outOfOrder: number
  readonly repeated: number
  /** Read again by kafkajs itself after a rebalance. */
  readonly reread: number
  /** Records that none of the applications has written. */
  readonly strange: number
  readonly pause: LongestPause
}
