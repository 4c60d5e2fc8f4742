/** Cuts the bytes of a connection into frames. Holds at most one frame and what came with it. */
const lengthBytes = 4

export class FramesIn {
  #chunks: Buffer[] = []
  #size = 0
  readonly #frameBytesMax: number

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next frame without its length; undefined until it is whole; 'invalid' beyond all limits. */
  take(): Buffer | undefined | 'invalid' {
    if (this.#size < lengthBytes) return undefined
    const length = this.#head(lengthBytes).readInt32BE(0)
    if (length < 0 || length > this.#frameBytesMax) return 'invalid'
    if (this.#size < lengthBytes + length) return undefined
    const all = this.#head(lengthBytes + length)
    const rest = all.subarray(lengthBytes + length)
    this.#chunks[0] = rest
    if (rest.length === 0) this.#chunks.shift()
    this.#size -= lengthBytes + length
    return all.subarray(lengthBytes, lengthBytes + length)
  }

  /** The first chunk, made to hold at least these bytes. */
  #head(size: number): Buffer {
    let first = this.#chunks[0]
    if (first !== undefined && first.length >= size) return first
    first = Buffer.concat(this.#chunks)
    this.#chunks = [first]
    return first
  }
}
