import { assert } from '../assert.ts'
import { DecodeError, EncodeError, located } from './codec-errors.ts'
import { Reader } from './reader.ts'
import { arrayLength, readLength, scalarCodec, writeNull, type Codec } from './scalars.ts'
import {
  defaultsOf,
  type Decoded,
  type Encodable,
  type Field,
  type Fields,
  type Message,
  type Type,
} from './schema.ts'
import { readTags, writeTags, type TaggedField } from './tags.ts'
import { includes } from './versions.ts'
import type { Writer } from './writer.ts'

/**
 * Compiles declarations: one codec per message and version, made when first needed and kept.
 * Declarations do not refer to themselves, so that their nesting bounds that of every message.
 */

/** A struct's fields by name, before the types of its declaration are given to it. */
export type Values = Record<string, unknown>

interface Target {
  readonly version: number
  readonly flexible: boolean
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeCodec(type: Type, nullable: boolean, target: Target): Codec {
  switch (type.kind) {
    case 'scalar':
      return scalarCodec(type.name, { compact: target.flexible, nullable })
    case 'array':
      return arrayCodec(typeCodec(type.element, false, target), nullable, target.flexible)
    case 'struct': {
      const codec = structCodec(type.fields, target)
      return nullable ? nullableStruct(codec) : codec
    }
  }
}

function arrayCodec(element: Codec, nullable: boolean, compact: boolean): Codec {
  const length = arrayLength(compact)
  const elementSize = Math.max(element.minSize, 1)
  return {
    minSize: length.minSize,
    decode(reader) {
      const count = readLength(reader, length, nullable)
      if (count === -1) return null
      if (count * elementSize > reader.remaining) {
        throw new DecodeError(`${count} elements announced, ${reader.remaining} bytes left`)
      }
      const values: unknown[] = []
      try {
        while (values.length < count) values.push(element.decode(reader))
      } catch (error) {
        throw located(error, `[${values.length}]`)
      }
      return values
    },
    encode(writer, value) {
      if (value === null) return writeNull(writer, length, nullable)
      if (!Array.isArray(value)) throw new EncodeError(`array wanted, ${typeof value} given`)
      length.write(writer, value.length)
      let index = 0
      try {
        for (; index < value.length; index++) element.encode(writer, value[index])
      } catch (error) {
        throw located(error, `[${index}]`)
      }
    },
  }
}

/** A struct that may be null is led by a byte: -1 for null, 1 for what follows. */
function nullableStruct(codec: Codec): Codec {
  return {
    minSize: 1,
    decode(reader) {
      const mark = reader.int8()
      if (mark === -1) return null
      // Kafka reads every other byte as "present"; we could not write those back as they were.
      if (mark !== 1) throw new DecodeError(`${mark} is neither -1 (null) nor 1 (present)`)
      return codec.decode(reader)
    },
    encode(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) codec.encode(writer, value)
    },
  }
}

/** Kafka writes a tagged field, and insists on a missing one, only if its value is not the default. */
export function isDefault(value: unknown, standard: unknown): boolean {
  if (value === undefined || value === standard) return true
  if (Buffer.isBuffer(value)) return Buffer.isBuffer(standard) && value.equals(standard)
  if (Array.isArray(value)) {
    return Array.isArray(standard) && value.length === 0 && standard.length === 0
  }
  if (!isValues(value) || !isValues(standard)) return false
  const names = new Set([...Object.keys(value), ...Object.keys(standard)])
  return [...names].every((name) => isDefault(value[name], standard[name]))
}

interface PlainField {
  readonly name: string
  readonly codec: Codec
  readonly default: unknown
}

function structCodec(fields: Fields, target: Target): Codec<Values> {
  const plain: PlainField[] = []
  const tagged: TaggedField[] = []
  const missing: { readonly name: string; readonly default: unknown }[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!includes(field.versions, target.version)) {
      if (!field.ignorable) missing.push({ name, default: field.default })
      continue
    }
    const codec = fieldCodec(field, target)
    if (includes(field.tagged, target.version)) {
      assert(target.flexible, `${name} is tagged in version ${target.version}, which has no tags`)
      tagged.push({ name, tag: field.tag, codec, isDefault: (v) => isDefault(v, field.default) })
    } else {
      plain.push({ name, codec, default: field.default })
    }
  }
  tagged.sort((a, b) => a.tag - b.tag)
  const template = defaultsOf(fields)
  const minSize = plain.reduce((sum, field) => sum + field.codec.minSize, target.flexible ? 1 : 0)

  return {
    minSize,
    decode(reader) {
      // A copy of one template gives the values of all versions one hidden class.
      const values: Values = { ...template }
      let at = ''
      try {
        for (const { name, codec } of plain) {
          at = name
          values[name] = codec.decode(reader)
        }
      } catch (error) {
        throw located(error, at)
      }
      if (target.flexible) readTags(reader, tagged, values)
      return values
    },
    encode(writer, values) {
      if (!isValues(values)) throw new EncodeError(`struct wanted, ${typeof values} given`)
      for (const field of missing) {
        if (isDefault(values[field.name], field.default)) continue
        throw new EncodeError(`version ${target.version} lacks the field`, field.name)
      }
      let at = ''
      try {
        for (const { name, codec, default: standard } of plain) {
          at = name
          const value = values[name]
          codec.encode(writer, value === undefined ? standard : value)
        }
      } catch (error) {
        throw located(error, at)
      }
      if (target.flexible) writeTags(writer, tagged, values)
    },
  }
}

function fieldCodec(field: Field, target: Target): Codec {
  return typeCodec(field.type, includes(field.nullable, target.version), target)
}

const compiled = new WeakMap<Message, Map<number, Codec<Values>>>()

function codecOf(message: Message, version: number): Codec<Values> {
  const codecs = compiled.get(message) ?? new Map<number, Codec<Values>>()
  const known = codecs.get(version)
  if (known !== undefined) return known
  const flexible = includes(message.flexible, version)
  const codec = structCodec(message.fields, { version, flexible })
  compiled.set(message, codecs.set(version, codec))
  return codec
}

const unknownVersion = (message: Message, version: number): string =>
  `${message.name} has no version ${version}: ${message.versions.min} to ${message.versions.max} are known`

/** Decodes one struct and leaves the reader behind it. */
export function readMessage<F extends Fields>(
  message: Message<F>,
  version: number,
  reader: Reader,
): Decoded<F> {
  if (!includes(message.versions, version)) throw new DecodeError(unknownVersion(message, version))
  // The one place where what was compiled from a declaration meets the type inferred from it.
  return codecOf(message, version).decode(reader) as Decoded<F>
}

/** Decodes a struct that must fill the buffer to its end. */
export function decodeMessage<F extends Fields>(
  message: Message<F>,
  version: number,
  buffer: Buffer,
  offset: number,
): Decoded<F> {
  const reader = new Reader(buffer, offset)
  const values = readMessage(message, version, reader)
  if (reader.remaining > 0) {
    throw new DecodeError(`${reader.remaining} bytes follow ${message.name} version ${version}`)
  }
  return values
}

export function writeMessage<F extends Fields>(
  message: Message<F>,
  version: number,
  writer: Writer,
  values: Encodable<F>,
): void {
  if (!includes(message.versions, version)) throw new EncodeError(unknownVersion(message, version))
  codecOf(message, version).encode(writer, values)
}
