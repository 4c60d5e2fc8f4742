import type { Connection } from './connection.ts'
import type { Upstream } from './upstream.ts'

/**
 * Bytes on their way to one broker: frames that follow each other in the read buffer and go to the same
 * broker leave in one write. Whatever else is written to a broker flushes this first.
 */
export class Run {
  readonly #source: Connection
  #to: Upstream | undefined
  #buffer: Buffer | undefined
  #start = 0
  #end = 0

  constructor(source: Connection) {
    this.#source = source
  }

  /** Adds bytes `[start, end)` of the read buffer. */
  add(to: Upstream, buffer: Buffer, start: number, end: number): void {
    if (to !== this.#to || start !== this.#end) {
      this.flush()
      this.#to = to
      this.#buffer = buffer
      this.#start = start
    }
    this.#end = end
  }

  flush(): void {
    const to = this.#to
    if (to === undefined || this.#buffer === undefined) return
    this.#to = undefined
    to.write(this.#buffer.subarray(this.#start, this.#end), this.#source)
    this.#buffer = undefined
  }
}
