import { assert } from '../assert.ts'

/** An idle connection reads into the smallest buffer, a busy one into the largest. */
export const readBufferSizes = { idle: 4 * 1024, warm: 64 * 1024, busy: 1024 * 1024 } as const

const pooledBytesMax = 32 * 1024 * 1024

/**
 * Read buffers, all of them together below one budget, the usual sizes kept for reuse.
 *
 * A buffer's data starts 64 bytes behind a page boundary: glibc gives big blocks 16 bytes behind one,
 * and two page-aligned buffers copied into each other run at half speed (4 KiB aliasing).
 */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>(
    Object.values(readBufferSizes).map((size) => [size, []]),
  )
  readonly #bytesMax: number
  #bytesInUse = 0
  #bytesFree = 0

  /** @param bytesMax what all connections together may hold, the smallest size not counted */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What is in use now, in bytes, the smallest size not counted. */
  get bytesInUse(): number {
    return this.#bytesInUse
  }

  /**
   * A buffer of at least `bytes`, or undefined when that would exceed the budget. The smallest size is
   * always given: the limit on connections bounds it.
   */
  acquire(bytes: number): Buffer | undefined {
    const size = sizeFor(bytes)
    if (size > readBufferSizes.idle) {
      if (this.#bytesInUse + size > this.#bytesMax) return undefined
      this.#bytesInUse += size
    }
    const pooled = this.#free.get(size)?.pop()
    if (pooled !== undefined) {
      this.#bytesFree -= size
      return pooled
    }
    if (size === readBufferSizes.idle) return Buffer.allocUnsafeSlow(size)
    return Buffer.allocUnsafeSlow(size + 48).subarray(48)
  }

  release(buffer: Buffer): void {
    this.forget(buffer)
    const free = this.#free.get(buffer.length)
    if (free === undefined || this.#bytesFree + buffer.length > pooledBytesMax) return
    this.#bytesFree += buffer.length
    free.push(buffer)
  }

  /** Keeps no free buffers: called when the proxy is idle. */
  trim(): void {
    for (const free of this.#free.values()) free.length = 0
    this.#bytesFree = 0
  }

  /** Gives the budget back and leaves the memory to the garbage collector: somebody may still read it. */
  forget(buffer: Buffer): void {
    if (buffer.length > readBufferSizes.idle) this.#bytesInUse -= buffer.length
    assert(this.#bytesInUse >= 0, 'a buffer was released twice')
  }
}

function sizeFor(bytes: number): number {
  for (const size of Object.values(readBufferSizes)) if (size >= bytes) return size
  return bytes
}
