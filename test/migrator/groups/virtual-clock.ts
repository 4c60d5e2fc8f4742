import type { MoveClock } from '../../../src/migrator/groups/index.ts'

/** Time that passes when nobody has anything else to do. */
export class VirtualClock implements MoveClock {
  #now = 0
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()
  /** Called whenever time has passed. */
  passed: (now: number) => void = () => {}

  now(): number {
    return this.#now
  }

  wallClock(): number {
    return 1_700_000_000_000 + this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = () => reject(new Error('aborted'))
      if (signal.aborted) return give()
      const cancel = this.after(ms, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = () => {
        cancel()
        give()
      }
      signal.addEventListener('abort', onAbort)
    })
  }

  /** Lets time pass until the promise is settled; throws when nothing is left that could settle it. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => (isOver = true)
    work.then(over, over)
    for (;;) {
      // All that is asked of fake clusters is answered within a turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve))
      if (isOver) return work
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined) throw new Error('nothing is going to happen any more')
      this.#timers.delete(next)
      this.#now = next.at
      next.run()
      this.passed(this.#now)
    }
  }
}
