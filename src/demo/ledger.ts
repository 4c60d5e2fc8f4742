import { Pauses, type LongestPause, type Period } from './pauses.ts'
import { Readings, type GroupFigures } from './readings.ts'

interface KeyBook {
  /** Acknowledged are all sequences below, but for the failed ones. */
  acknowledged: number
  readonly failed: Set<number>
}

export interface Books {
  readonly sent: number
  /** Sends that the application was told had failed. */
  readonly errors: number
  readonly pause: LongestPause
  readonly groups: readonly GroupBooks[]
}

export interface GroupBooks extends GroupFigures {
  readonly group: string
  /** Acknowledged, and not received. */
  readonly lost: number
}

/**
 * Keeps the books of the demo: every record that was acknowledged, every record that each group was
 * given, and what must not have happened. Pure. A record is (partition, key, sequence); one key's records
 * are sent one after the other, so that its sequences must arrive in order, each once.
 */
export class Ledger {
  readonly #keys = new Map<string, KeyBook>()
  readonly #groups: ReadonlyMap<string, Readings>
  readonly #pauses = new Pauses()
  #sent = 0
  #errors = 0

  constructor(groups: readonly string[]) {
    this.#groups = new Map(groups.map((group) => [group, new Readings()]))
  }

  #key(key: string): KeyBook {
    let book = this.#keys.get(key)
    if (book === undefined) {
      book = { acknowledged: 0, failed: new Set() }
      this.#keys.set(key, book)
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
    this.#pauses.seen(lane, now)
  }

  /** The application was told that these were not written; they may have been all the same. */
  failed(keys: readonly string[]): void {
    for (const key of keys) {
      const book = this.#key(key)
      book.failed.add(book.acknowledged++)
    }
    this.#errors++
  }

  /** Of one of the groups that were named at first. */
  group(name: string): Readings {
    const readings = this.#groups.get(name)
    if (readings === undefined) throw new Error(`the ledger has no group ${name}`)
    return readings
  }

  /** The pauses of each period are kept apart. */
  enter(period: Period): void {
    this.#pauses.enter(period)
    for (const readings of this.#groups.values()) readings.enter(period)
  }

  #lost(readings: Readings): number {
    let lost = 0
    for (const [key, { acknowledged, failed }] of this.#keys)
      for (let sequence = readings.receivedTo(key); sequence < acknowledged; sequence++)
        if (!readings.has(key, sequence) && !failed.has(sequence)) lost++
    return lost
  }

  get books(): Books {
    return {
      sent: this.#sent,
      errors: this.#errors,
      pause: this.#pauses.longest,
      groups: [...this.#groups].map(([group, readings]) => ({
        group,
        lost: this.#lost(readings),
        ...readings.figures,
      })),
    }
  }
}
