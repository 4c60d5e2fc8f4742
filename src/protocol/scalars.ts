import { DecodeError, EncodeError } from './codec-errors.ts'
import type { Reader } from './reader.ts'
import type { ScalarName } from './schema.ts'
import type { Writer } from './writer.ts'

/** Reads and writes one type in one version. `minSize` is the fewest bytes that a value takes. */
export interface Codec<T = unknown> {
  readonly minSize: number
  decode(reader: Reader): T
  encode(writer: Writer, value: unknown): void
}

/** How a scalar is coded depends on these two and on nothing else. */
interface Form {
  /** KIP-482: lengths are unsigned varints of length + 1, and 0 is null. */
  readonly compact: boolean
  readonly nullable: boolean
}

function given(value: unknown, type: string): EncodeError {
  return new EncodeError(`${type} wanted, ${value === null ? 'null' : typeof value} given`)
}

function numeric(
  minSize: number,
  read: (reader: Reader) => number,
  write: (writer: Writer, value: number) => void,
): Codec {
  return {
    minSize,
    decode: read,
    encode(writer, value) {
      if (typeof value !== 'number') throw given(value, 'number')
      write(writer, value)
    },
  }
}

const fixed = {
  bool: {
    minSize: 1,
    decode: (reader) => reader.bool(),
    encode(writer, value) {
      if (typeof value !== 'boolean') throw given(value, 'boolean')
      writer.bool(value)
    },
  },
  int8: numeric(
    1,
    (reader) => reader.int8(),
    (writer, value) => writer.int8(value),
  ),
  int16: numeric(
    2,
    (reader) => reader.int16(),
    (writer, value) => writer.int16(value),
  ),
  uint16: numeric(
    2,
    (reader) => reader.uint16(),
    (writer, value) => writer.uint16(value),
  ),
  int32: numeric(
    4,
    (reader) => reader.int32(),
    (writer, value) => writer.int32(value),
  ),
  uint32: numeric(
    4,
    (reader) => reader.uint32(),
    (writer, value) => writer.uint32(value),
  ),
  float64: numeric(
    8,
    (reader) => reader.float64(),
    (writer, value) => writer.float64(value),
  ),
  int64: {
    minSize: 8,
    decode: (reader) => reader.int64(),
    encode(writer, value) {
      if (typeof value !== 'bigint') throw given(value, 'bigint')
      writer.int64(value)
    },
  },
  uuid: {
    minSize: 16,
    decode: (reader) => reader.uuid(),
    encode(writer, value) {
      if (typeof value !== 'string') throw given(value, 'uuid')
      writer.uuid(value)
    },
  },
} as const satisfies Partial<Record<ScalarName, Codec>>

/** A length, or -1 for null: int16 or int32 in old versions, a varint in compact ones. */
export interface LengthCodec {
  readonly minSize: number
  read(reader: Reader): number
  write(writer: Writer, length: number): void
}

const compactLength: LengthCodec = {
  minSize: 1,
  read: (reader) => reader.uvarint() - 1,
  write: (writer, length) => writer.uvarint(length + 1),
}
const int16Length: LengthCodec = {
  minSize: 2,
  read: (reader) => reader.int16(),
  write: (writer, length) => writer.int16(length),
}
const int32Length: LengthCodec = {
  minSize: 4,
  read: (reader) => reader.int32(),
  write: (writer, length) => writer.int32(length),
}

export const arrayLength = (compact: boolean): LengthCodec =>
  compact ? compactLength : int32Length

/** Reads a length that may say null; every other negative number is an error. */
export function readLength(reader: Reader, length: LengthCodec, nullable: boolean): number {
  const size = length.read(reader)
  if (size >= 0 || (size === -1 && nullable)) return size
  throw new DecodeError(size === -1 ? 'null is not allowed' : `length ${size} is negative`)
}

export function writeNull(writer: Writer, length: LengthCodec, nullable: boolean): void {
  if (!nullable) throw new EncodeError('null is not allowed')
  length.write(writer, -1)
}

function stringCodec({ compact, nullable }: Form): Codec {
  const length = compact ? compactLength : int16Length
  return {
    minSize: length.minSize,
    decode(reader) {
      const size = readLength(reader, length, nullable)
      return size === -1 ? null : reader.utf8(size)
    },
    encode(writer, value) {
      if (value === null) return writeNull(writer, length, nullable)
      if (typeof value !== 'string') throw given(value, 'string')
      writer.utf8(value, (size) => length.write(writer, size))
    },
  }
}

function bytesCodec({ compact, nullable }: Form): Codec {
  const length = arrayLength(compact)
  return {
    minSize: length.minSize,
    decode(reader) {
      const size = readLength(reader, length, nullable)
      return size === -1 ? null : reader.bytes(size)
    },
    encode(writer, value) {
      if (value === null) return writeNull(writer, length, nullable)
      if (!Buffer.isBuffer(value)) throw given(value, 'Buffer')
      length.write(writer, value.length)
      writer.bytes(value)
    },
  }
}

export function scalarCodec(name: ScalarName, form: Form): Codec {
  switch (name) {
    case 'string':
      return stringCodec(form)
    case 'bytes':
    case 'records':
      return bytesCodec(form)
    default:
      return fixed[name]
  }
}
