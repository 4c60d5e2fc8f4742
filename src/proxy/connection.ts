import { assert, AssertionError } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import { type BufferPool, readBufferSizes } from './buffers.ts'
import { Queue } from './queue.ts'
import type { Transport, TransportOwner } from './transport.ts'

/** Who is told what a connection receives. */
export interface ConnectionHandler {
  connected(): void
  /**
   * Bytes `[start, end)` of `buffer` have arrived and are not consumed. Returns the new start; what is
   * left is presented again, in one piece with what follows it. The bytes stay as they are until every
   * write that refers to them is flushed.
   */
  received(buffer: Buffer, start: number, end: number): number
  /** The other side will send no more. */
  ended(): void
  /** The connection is gone; called once, last. */
  closed(error: Error | undefined): void
}

const shortReadsBeforeShrink = 8
/** Where a connection reads that has no room left because its handler is blocked; copied at once. */
const scratch = Buffer.allocUnsafeSlow(4 * 1024)

/**
 * One socket, read into a buffer of its own and written without copies.
 *
 * Backpressure has one rule: who writes names the connection that the bytes came from, and where the
 * kernel does not take them all, that one stops reading until it has. So at most one read buffer per
 * connection ever waits, and a slow reader stops nobody but those who write to it.
 *
 *     source reads -> handler -> write -> all taken?  yes: read on, into the same buffer
 *          ^                              no: the source is held until it is
 */
export class Connection implements TransportOwner {
  readonly #pool: BufferPool
  readonly #handler: ConnectionHandler
  #transport: Transport | undefined
  /** Unconsumed bytes are [#start, #end); the next read lands at #end, or in `scratch`. */
  #buffer: Buffer
  #start = 0
  #end = 0
  #shortReads = 0
  /** Buffers replaced while a write still referred to them. */
  #retired: Buffer[] | undefined
  /** How many other connections have unflushed bytes that came from here. */
  #holds = 0
  #blocked = false
  #reading = true
  #delivering = false
  #again = false
  #closed = false
  /** Whose bytes are not flushed here. */
  #waiting: Connection[] = []
  /** The sizes of writes that the kernel has not taken whole, oldest first. */
  readonly #unflushed = new Queue<number>()
  #unflushedBytes = 0
  #flushedLate = 0
  #writing = false

  constructor(pool: BufferPool, handler: ConnectionHandler) {
    this.#pool = pool
    this.#handler = handler
    const buffer = pool.acquire(readBufferSizes.idle)
    assert(buffer !== undefined, 'the smallest read buffer is always given')
    this.#buffer = buffer
  }

  /** Must follow the constructor: the transport asks for a read target while it is made. */
  attach(open: (owner: TransportOwner) => Transport): this {
    this.#transport = open(this)
    return this
  }

  get peer(): string {
    return this.#transport?.peer ?? 'unknown'
  }

  get closed(): boolean {
    return this.#closed
  }

  get blocked(): boolean {
    return this.#blocked
  }

  /** Bytes written and not yet taken by the kernel. */
  get unflushedBytes(): number {
    return this.#unflushedBytes
  }

  /** How many writes were not taken at once, and are by now: whether a slow peer gets on. */
  get flushedLate(): number {
    return this.#flushedLate
  }

  /** Bytes received and not consumed. */
  get unconsumedBytes(): number {
    return this.#end - this.#start
  }

  /** Sends `bytes`, which lie in `source`'s buffer, or were made because of what it received. */
  write(bytes: Uint8Array, source: Connection): void {
    const transport = this.#transport
    if (transport === undefined || this.#closed || bytes.length === 0) return
    if (this.#unflushed.length === 0) {
      this.#writing = true
      transport.write(bytes, this.#flushed)
      if (!this.#writing) return
      this.#writing = false
    } else {
      transport.write(bytes, this.#flushed)
    }
    this.#unflushed.push(bytes.length)
    this.#unflushedBytes += bytes.length
    if (this.#waiting.includes(source)) return
    this.#waiting.push(source)
    source.#hold()
  }

  /** The oldest write is with the kernel; within `write`, that is the one at hand. */
  readonly #flushed = (error?: Error | null): void => {
    if (error != null) this.destroy(error)
    if (this.#writing) {
      this.#writing = false
      return
    }
    this.#unflushedBytes -= this.#unflushed.shift() ?? 0
    this.#flushedLate++
    if (this.#unflushed.length > 0 || this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const source of waiting) source.#release()
  }

  /** Stops presenting bytes until `unblock`. */
  block(): void {
    this.#blocked = true
    this.#stop()
  }

  unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.#continue()
  }

  /** Whether it stands still: its handler is blocked, or what it received is not flushed elsewhere. */
  get stopped(): boolean {
    return !this.#reading
  }

  /** Flushes what is written, then closes. */
  end(): void {
    this.#transport?.socket.destroySoon()
  }

  destroy(error?: Error): void {
    this.#transport?.socket.destroy(error)
  }

  onConnect(): void {
    this.#handler.connected()
  }

  readTarget(): Uint8Array {
    if (this.#end === 0) return this.#buffer
    return this.#end === this.#buffer.length ? scratch : this.#buffer.subarray(this.#end)
  }

  onRead(length: number): boolean {
    if (this.#end === this.#buffer.length) {
      if (!this.#append(scratch.subarray(0, length))) return false
      this.#deliver()
    } else {
      const filled = this.#end + length === this.#buffer.length
      this.#shortReads = length < readBufferSizes.idle ? this.#shortReads + 1 : 0
      this.#end += length
      this.#deliver()
      if (filled) this.#grow()
    }
    this.#makeRoom()
    return this.#reading
  }

  onChunk(chunk: Buffer): boolean {
    if (this.#start === this.#end && !this.#blocked) {
      // The common case: a chunk is consumed where it lies.
      this.#delivering = true
      this.#again = false
      const consumed = this.#present(chunk, 0, chunk.length)
      this.#delivering = false
      if (!this.#blocked && this.#holds === 0) this.#reading = true
      if (consumed < chunk.length && !this.#append(chunk.subarray(consumed))) return false
      if (this.#again) this.#deliver()
    } else {
      if (!this.#append(chunk)) return false
      this.#deliver()
    }
    if (this.#start === this.#end && this.#holds === 0) this.#start = this.#end = 0
    return this.#reading
  }

  onEnd(): void {
    this.#handler.ended()
  }

  onClose(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const source of waiting) source.#release()
    this.#releaseRetired()
    this.#giveBack(this.#buffer)
    this.#handler.closed(error)
  }

  #deliver(): void {
    if (this.#blocked || this.#delivering || this.#closed || this.#start === this.#end) return
    this.#delivering = true
    do {
      this.#again = false
      this.#start = this.#present(this.#buffer, this.#start, this.#end)
      // A handler that was blocked and unblocked within one call gets the rest at once.
    } while (this.#again && !this.#blocked && this.#start < this.#end)
    this.#delivering = false
    if (!this.#blocked && this.#holds === 0) this.#reading = true
  }

  /** What a handler throws is a bug of ours: it ends this connection, and no other. */
  #present(buffer: Buffer, start: number, end: number): number {
    try {
      const consumed = this.#handler.received(buffer, start, end)
      assert(consumed >= start && consumed <= end, 'a handler consumed what was not there')
      return consumed
    } catch (error) {
      const bug =
        error instanceof AssertionError
          ? error
          : new AssertionError(String(error), { cause: error })
      this.destroy(bug)
      return end
    }
  }

  #continue(): void {
    if (this.#closed) return
    if (this.#delivering) {
      this.#again = true
      return
    }
    this.#deliver()
    if (this.#blocked || this.#holds > 0 || this.#transport === undefined) return
    this.#reading = true
    this.#transport.socket.resume()
  }

  #stop(): void {
    if (!this.#reading) return
    this.#reading = false
    if (!this.#delivering) this.#transport?.socket.pause()
  }

  #hold(): void {
    this.#holds++
    this.#stop()
  }

  #release(): void {
    this.#holds--
    if (this.#holds > 0) return
    this.#releaseRetired()
    this.#continue()
  }

  /** While bytes of this connection are not flushed elsewhere, nobody else may read into its buffers. */
  #giveBack(buffer: Buffer): void {
    if (this.#holds === 0) this.#pool.release(buffer)
    else this.#pool.forget(buffer)
  }

  #releaseRetired(): void {
    if (this.#retired === undefined) return
    for (const buffer of this.#retired) this.#giveBack(buffer)
    this.#retired = undefined
  }

  /** After each read: where the next one lands. Reading stands still while `#holds` or `#blocked`. */
  #makeRoom(): void {
    if (this.#closed) return
    const left = this.#end - this.#start
    if (left === 0) {
      this.#start = this.#end = 0
      if (
        this.#shortReads >= shortReadsBeforeShrink &&
        this.#buffer.length > readBufferSizes.idle
      ) {
        this.#replace(readBufferSizes.idle)
      }
      return
    }
    // A blocked handler wants nothing more now; `scratch` bridges a full buffer.
    if (this.#blocked || this.#end < this.#buffer.length) return
    if (this.#start > 0 && this.#holds === 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end)
      this.#start = 0
      this.#end = left
    } else if (!this.#replace(Math.max(left * 2, this.#buffer.length))) {
      this.destroy(noBufferLeft(left))
    }
  }

  /** A read filled the buffer: more is waiting, and a larger buffer needs fewer system calls. */
  #grow(): void {
    if (this.#start < this.#end) return
    if (this.#buffer.length < readBufferSizes.warm) this.#replace(readBufferSizes.warm)
    else if (this.#buffer.length < readBufferSizes.busy) this.#replace(readBufferSizes.busy)
  }

  #replace(bytes: number): boolean {
    if (this.#closed) return false
    const next = this.#pool.acquire(bytes)
    if (next === undefined) return false
    const left = this.#end - this.#start
    this.#buffer.copy(next, 0, this.#start, this.#end)
    if (this.#holds > 0) (this.#retired ??= []).push(this.#buffer)
    else this.#pool.release(this.#buffer)
    this.#buffer = next
    this.#start = 0
    this.#end = left
    this.#shortReads = 0
    return true
  }

  #append(chunk: Buffer): boolean {
    const left = this.#end - this.#start
    if (left === 0 && this.#holds === 0) this.#start = this.#end = 0
    if (this.#buffer.length - this.#end < chunk.length) {
      if (this.#holds === 0 && this.#buffer.length - left >= chunk.length) {
        this.#buffer.copyWithin(0, this.#start, this.#end)
        this.#start = 0
        this.#end = left
      } else if (!this.#replace(Math.max((left + chunk.length) * 2, this.#buffer.length))) {
        this.destroy(noBufferLeft(left))
        return false
      }
    }
    this.#end += chunk.copy(this.#buffer, this.#end)
    return true
  }
}

function noBufferLeft(present: number): CutoverError {
  return new CutoverError(
    'buffers_exhausted',
    `no read buffer is left for what follows ${present} bytes of one message: limits.bufferedBytes is in use`,
  )
}
