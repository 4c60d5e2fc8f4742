import type { CutoverError } from '../errors.ts'

/** Those who wait for a cluster to become known. */
export class Discovery {
  #waiters: (() => void)[] = []

  /** Resolves at the next `tell`; rejects if there is none in time. */
  wait(timeoutMs: number, failure: () => CutoverError): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(failure()), timeoutMs)
      this.#waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** More is known now. */
  tell(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
