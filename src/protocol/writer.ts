import { EncodeError } from './codec-errors.ts'

const uuidPattern = /^[A-Za-z0-9_-]{22}$/
const stringBytesMax = 0x7fff

function checkInteger(value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new EncodeError(`${value} is not an integer from ${min} to ${max}`)
  }
}

/** Writes Kafka's primitives into one buffer that doubles when it is full. */
export class Writer {
  private buffer: Buffer
  private length = 0

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(Math.max(capacity, 16))
  }

  /** Bytes written so far. */
  get position(): number {
    return this.length
  }

  /** What was written: a view, valid until the next write. */
  written(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  /** Makes room for `size` bytes and returns where they start. */
  private take(size: number): number {
    const start = this.length
    if (start + size > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, start + size))
      this.buffer.copy(grown, 0, 0, start)
      this.buffer = grown
    }
    this.length = start + size
    return start
  }

  bool(value: boolean): void {
    const at = this.take(1)
    this.buffer[at] = value ? 1 : 0
  }

  int8(value: number): void {
    checkInteger(value, -0x80, 0x7f)
    const at = this.take(1)
    this.buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    checkInteger(value, -0x8000, 0x7fff)
    const at = this.take(2)
    this.buffer.writeInt16BE(value, at)
  }

  uint16(value: number): void {
    checkInteger(value, 0, 0xffff)
    const at = this.take(2)
    this.buffer.writeUInt16BE(value, at)
  }

  int32(value: number): void {
    checkInteger(value, -0x80000000, 0x7fffffff)
    const at = this.take(4)
    this.buffer.writeInt32BE(value, at)
  }

  uint32(value: number): void {
    checkInteger(value, 0, 0xffffffff)
    const at = this.take(4)
    this.buffer.writeUInt32BE(value, at)
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new EncodeError(`${value} is above 64 bits`)
    const at = this.take(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    const at = this.take(8)
    this.buffer.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    if (!uuidPattern.test(value)) throw new EncodeError(`not a uuid in base64url: ${value}`)
    const at = this.take(16)
    this.buffer.write(value, at, 16, 'base64url')
  }

  bytes(value: Buffer): void {
    const at = this.take(value.length)
    value.copy(this.buffer, at)
  }

  /** The bytes of a string, after `writeLength` has written how many they are. */
  utf8(value: string, writeLength: (size: number) => void): void {
    const size = Buffer.byteLength(value)
    if (size > stringBytesMax) {
      throw new EncodeError(`string of ${size} bytes, ${stringBytesMax} allowed`)
    }
    writeLength(size)
    const at = this.take(size)
    this.buffer.write(value, at, size, 'utf8')
  }

  uvarint(value: number): void {
    checkInteger(value, 0, 0x7fffffff)
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  varint(value: number): void {
    checkInteger(value, -0x80000000, 0x7fffffff)
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  varlong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest))
  }

  private byte(value: number): void {
    const at = this.take(1)
    this.buffer[at] = value
  }

  /** Writes `write`'s bytes after a varint of their number: how a tagged field is framed. */
  sized(write: () => void): void {
    const start = this.length
    write()
    const size = this.length - start
    this.uvarint(size)
    const prefix = Buffer.from(this.buffer.subarray(start + size, this.length))
    this.buffer.copyWithin(start + prefix.length, start, start + size)
    prefix.copy(this.buffer, start)
  }

  /** Replaces four bytes that were written before, such as a frame's length. */
  patchInt32(at: number, value: number): void {
    this.buffer.writeInt32BE(value, at)
  }

  patchUint32(at: number, value: number): void {
    this.buffer.writeUInt32BE(value, at)
  }
}
