/**
 * Keeps the books of the demo: every record that was acknowledged, every record that was received, and
 * what must not have happened. Pure. A record is (partition, key, sequence); one key's records are sent
 * one after the other, so that its sequences must arrive in order, each once.
 *
 * A record that arrives again is *repeated*, unless it is the consumer's own doing: after a rebalance
 * kafkajs goes on from the offset that the group has committed, and what it had processed but not
 * committed it reads again. So a second delivery is put down to kafkajs if the partition was assigned
 * since the first one, the offset is at or above the offset committed then, and each is read again once
 * only. A second copy in the log is never excused.
 */
export interface Receipt {
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly sequence: number
}

interface KeyBook {
  /** Acknowledged are all sequences below, but for the failed ones. */
  acknowledged: number
  readonly failed: Set<number>
  /** Received are all sequences below, and those in `ahead`. */
  received: number
  readonly ahead: Set<number>
  highest: number
}

interface PartitionBook {
  highest: bigint
  /** What may be read again since the last assignment: [from, to]. */
  rereadFrom: bigint
  rereadTo: bigint
}

export interface Verdict {
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly outOfOrder: number
  readonly repeated: number
  /** Read again by kafkajs itself after a rebalance. */
  readonly reread: number
  /** Sends that the application was told had failed. */
  readonly errors: number
  readonly longestPauseMs: number
}

export class Ledger {
  readonly #keys = new Map<string, KeyBook>()
  readonly #partitions = new Map<number, PartitionBook>()
  readonly #lastAcknowledged = new Map<string, number>()
  #sent = 0
  #received = 0
  #outOfOrder = 0
  #repeated = 0
  #reread = 0
  #errors = 0
  #longestPauseMs = 0

  #key(key: string): KeyBook {
    let book = this.#keys.get(key)
    if (book === undefined) {
      book = { acknowledged: 0, failed: new Set(), received: 0, ahead: new Set(), highest: -1 }
      this.#keys.set(key, book)
    }
    return book
  }

  #partition(partition: number): PartitionBook {
    let book = this.#partitions.get(partition)
    if (book === undefined) {
      book = { highest: -1n, rereadFrom: 0n, rereadTo: -1n }
      this.#partitions.set(partition, book)
    }
    return book
  }

  /**
   * The next sequences of these keys, each key at most once, were acknowledged.
   * @param lane whose acknowledgements follow each other: the longest pause is that of one lane
   */
  acknowledged(lane: string, keys: readonly string[], now: number): void {
    for (const key of keys) this.#key(key).acknowledged++
    this.#sent += keys.length
    const last = this.#lastAcknowledged.get(lane)
    if (last !== undefined) this.#longestPauseMs = Math.max(this.#longestPauseMs, now - last)
    this.#lastAcknowledged.set(lane, now)
  }

  /** The application was told that these were not written; they may have been all the same. */
  failed(keys: readonly string[]): void {
    for (const key of keys) {
      const book = this.#key(key)
      book.failed.add(book.acknowledged++)
    }
    this.#errors++
  }

  /** A consumer was given the partition, with this committed offset of its group. */
  assigned(partition: number, committed: bigint): void {
    const book = this.#partition(partition)
    book.rereadFrom = committed
    book.rereadTo = book.highest
  }

  received({ partition, offset, key, sequence }: Receipt): void {
    const book = this.#key(key)
    const log = this.#partition(partition)
    if (sequence < book.received || book.ahead.has(sequence)) this.#again(log, offset)
    else {
      this.#received++
      if (sequence < book.highest || offset < log.highest) this.#outOfOrder++
      book.highest = Math.max(book.highest, sequence)
      book.ahead.add(sequence)
      while (book.ahead.delete(book.received)) book.received++
    }
    if (offset > log.highest) log.highest = offset
  }

  #again(log: PartitionBook, offset: bigint): void {
    const excused = offset >= log.rereadFrom && offset <= log.rereadTo
    if (!excused) this.#repeated++
    else {
      this.#reread++
      log.rereadFrom = offset + 1n
    }
  }

  get lost(): number {
    let lost = 0
    for (const { acknowledged, failed, received, ahead } of this.#keys.values())
      for (let sequence = received; sequence < acknowledged; sequence++)
        if (!ahead.has(sequence) && !failed.has(sequence)) lost++
    return lost
  }

  verdict(): Verdict {
    return {
      sent: this.#sent,
      received: this.#received,
      lost: this.lost,
      outOfOrder: this.#outOfOrder,
      repeated: this.#repeated,
      reread: this.#reread,
      errors: this.#errors,
      longestPauseMs: Math.round(this.#longestPauseMs),
    }
  }
}

/** Nothing of what must not happen did, and the demo was no empty one. */
export const isClean = (verdict: Verdict): boolean =>
  verdict.sent > 0 &&
  verdict.received > 0 &&
  verdict.lost + verdict.outOfOrder + verdict.repeated + verdict.errors === 0

export function verdictText(verdict: Verdict): string {
  const { sent, received, lost, outOfOrder, repeated, reread, errors, longestPauseMs } = verdict
  const line =
    `verdict: sent ${sent}, received ${received}, lost ${lost}, out of order ${outOfOrder}, ` +
    `repeated ${repeated}, longest pause between two acks ${longestPauseMs} ms`
  const failures = errors === 0 ? '' : `; ${errors} sends failed`
  const own =
    reread === 0
      ? ''
      : `; kafkajs itself read ${reread} again from the committed offset after a rebalance`
  return line + failures + own
}
