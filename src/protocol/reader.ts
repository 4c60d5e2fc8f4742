import { DecodeError } from './codec-errors.ts'

/** Kafka refuses longer strings in every version, also where a compact length could say more. */
const stringBytesMax = 0x7fff

/**
 * Reads Kafka's primitives from a buffer, between a position and an end. Nothing is copied: byte
 * ranges are subarrays. Every length is compared with what remains before it is used.
 */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  offset: number

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    if (offset < 0 || end > buffer.length || offset > end) {
      throw new DecodeError(
        `range ${offset}-${end} is outside of a buffer of ${buffer.length} bytes`,
      )
    }
    this.buffer = buffer
    this.offset = offset
    this.end = end
  }

  get remaining(): number {
    return this.end - this.offset
  }

  /** Moves on by `size` bytes and returns where they start. */
  private take(size: number): number {
    const start = this.offset
    if (size > this.end - start) {
      throw new DecodeError(`${size} bytes wanted at ${start}, ${this.end - start} left`)
    }
    this.offset = start + size
    return start
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  /** 22 characters, as Kafka's tools print a topic id. */
  uuid(): string {
    const start = this.take(16)
    return this.buffer.toString('base64url', start, start + 16)
  }

  bytes(size: number): Buffer {
    if (size < 0) throw new DecodeError(`length ${size} is negative`)
    const start = this.take(size)
    return this.buffer.subarray(start, start + size)
  }

  /** Malformed UTF-8 becomes U+FFFD, as in the Java broker. */
  utf8(size: number): string {
    if (size < 0) throw new DecodeError(`length ${size} is negative`)
    if (size > stringBytesMax) {
      throw new DecodeError(`string of ${size} bytes, ${stringBytesMax} allowed`)
    }
    const start = this.take(size)
    return this.buffer.toString('utf8', start, start + size)
  }

  /** Unsigned LEB128 of at most 5 bytes and 31 bits: every use of it in Kafka is a length or a tag. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0x7fffffff) throw new DecodeError(`varint ${value} is above 2^31 - 1`)
        return value
      }
    }
    throw new DecodeError('varint is longer than 5 bytes')
  }

  /** Zigzag LEB128 of at most 5 bytes: the lengths and deltas inside a record. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffffffff) throw new DecodeError('varint is above 32 bits')
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
    }
    throw new DecodeError('varint is longer than 5 bytes')
  }

  /** Zigzag LEB128 of at most 10 bytes: the timestamp delta of a record. */
  varlong(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value > 0xffffffffffffffffn) throw new DecodeError('varlong is above 64 bits')
        return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)
      }
    }
    throw new DecodeError('varlong is longer than 10 bytes')
  }
}
