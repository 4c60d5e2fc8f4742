import { CutoverError } from '../errors.ts'
import type { Connection } from './connection.ts'

export interface StallLimits {
  readonly unfinishedRequestTimeoutMs: number
  readonly unreadAnswerTimeoutMs: number
}

/** Notices a client that stands still: in the middle of a request, or with answers that it does not read. */
export class Stalls {
  readonly #limits: StallLimits
  #receivedAt = performance.now()
  #unreadSince: number | undefined
  #unreadBytes = 0

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
    const unread = downstream.unflushedBytes
    if (unread === 0 || unread !== this.#unreadBytes) {
      this.#unreadBytes = unread
      this.#unreadSince = unread === 0 ? undefined : now
    } else if (now - (this.#unreadSince ?? now) > unreadAnswerTimeoutMs) {
      return new CutoverError(
        'client_idle',
        `an application left ${unread} bytes of answers unread for ${unreadAnswerTimeoutMs} ms (limits.unreadAnswerTimeout)`,
      )
    }
    return undefined
  }
}
