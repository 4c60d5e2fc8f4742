import { performance } from 'node:perf_hooks'
import { CutoverError } from '../errors.ts'
import type { Connection } from './connection.ts'

export interface StallLimits {
  readonly unfinishedRequestTimeoutMs: number
  readonly unreadAnswerTimeoutMs: number
}

/** Measures how long a peer has taken nothing of what waits for it. */
export class Standstill {
  #since: number | undefined
  #flushedLate = 0

  /** @returns milliseconds since it last took something; 0 when nothing waits */
  lastsMs(now: number, { unflushedBytes, flushedLate }: Connection): number {
    if (unflushedBytes === 0) this.#since = undefined
    else if (this.#since === undefined || flushedLate !== this.#flushedLate) this.#since = now
    this.#flushedLate = flushedLate
    return now - (this.#since ?? now)
  }
}

/** Notices a client that stands still: in the middle of a request, or with answers that it does not read. */
export class Stalls {
  readonly #limits: StallLimits
  #receivedAt = performance.now()
  readonly #unread = new Standstill()

  constructor(limits: StallLimits) {
    this.#limits = limits
  }

  received(now: number): void {
    this.#receivedAt = now
  }

  /** @param unfinished whether a request has begun and is not whole */
  find(now: number, downstream: Connection, unfinished: boolean): CutoverError | undefined {
    const { unfinishedRequestTimeoutMs, unreadAnswerTimeoutMs } = this.#limits
    if (unfinished && !downstream.stopped && now - this.#receivedAt > unfinishedRequestTimeoutMs) {
      return new CutoverError(
        'client_idle',
        `an application left a request unfinished for ${unfinishedRequestTimeoutMs} ms (limits.unfinishedRequestTimeout)`,
      )
    }
    if (this.#unread.lastsMs(now, downstream) > unreadAnswerTimeoutMs) {
      return new CutoverError(
        'client_idle',
        `an application left ${downstream.unflushedBytes} bytes of answers unread for ${unreadAnswerTimeoutMs} ms (limits.unreadAnswerTimeout)`,
      )
    }
    return undefined
  }
}
