import type { Random } from './random.ts'

interface Timer {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** When a run begins, on the clock of records and journals. */
export const epochMs = 1_700_000_000_000

/** How many of the last events a failing run shows. */
const eventsShown = 200

/**
 * Time that passes when nobody has anything else to do, and a memory of what happened. Promises settle
 * between two events: the order of events is the seed's alone.
 */
export class Scheduler {
  readonly random: Random
  /** Shows every event as it happens. */
  verbose = false
  #now = 0
  #order = 0
  readonly #heap: Timer[] = []
  readonly #events: string[] = []
  #stopped = false

  constructor(random: Random) {
    this.random = random
  }

  /** ms since the run began */
  now = (): number => this.#now

  /** ms since the epoch */
  wallClock = (): number => epochMs + Math.floor(this.#now)

  get events(): readonly string[] {
    return this.#events.slice(-eventsShown)
  }

  note(what: string): void {
    const line = `${this.#now.toFixed(1).padStart(9)}  ${what}`
    if (this.verbose) console.log(line)
    this.#events.push(line)
    if (this.#events.length > 10 * eventsShown) this.#events.splice(0, 9 * eventsShown)
  }

  /** @returns what takes it back */
  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + ms, order: this.#order++, run }
    this.#push(timer)
    return () => {
      timer.run = undefined
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  stop(): void {
    this.#stopped = true
  }

  /** @returns whether it was stopped before the time was over */
  async run(untilMs: number): Promise<boolean> {
    while (!this.#stopped) {
      await settled()
      const timer = this.#pop()
      if (timer === undefined || timer.at > untilMs) return false
      this.#now = timer.at
      timer.run?.()
    }
    return true
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  #pop(): Timer | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) {
        child++
      }
      if (!isBefore(heap[child] as Timer, last)) break
      heap[at] = heap[child] as Timer
      at = child
    }
    heap[at] = last
    return first
  }
}

/** Behind every promise that can settle now: a turn of the event loop would do, and costs several times as much. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

const isBefore = (a: Timer, b: Timer): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order)
