/** How the applications begin; an ordinary time; and from the flip on. */
export type Period = 'start' | 'before' | 'cutover'

/**
 * The longest time between two things that follow each other in a lane: acknowledgements of a producer
 * for a partition, records of a partition at a group. Pure.
 */
export class Pauses {
  readonly #last = new Map<string, number>()
  readonly #longest: Record<Period, number> = { start: 0, before: 0, cutover: 0 }
  #period: Period = 'start'

  /** A pause counts in the period in which it ends. */
  enter(period: Period): void {
    this.#period = period
  }

  seen(lane: string, now: number): void {
    const pause = now - (this.#last.get(lane) ?? now)
    this.#longest[this.#period] = Math.max(this.#longest[this.#period], pause)
    this.#last.set(lane, now)
  }

  /** What comes next ends no pause: the application stood still by itself. */
  forget(): void {
    this.#last.clear()
  }

  get longest(): LongestPause {
    const { before, cutover } = this.#longest
    return { beforeMs: Math.round(before), cutoverMs: Math.round(cutover) }
  }
}

export interface LongestPause {
  readonly beforeMs: number
  readonly cutoverMs: number
}
