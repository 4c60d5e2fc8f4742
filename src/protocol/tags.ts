import { DecodeError, EncodeError, located } from './codec-errors.ts'
import { Reader } from './reader.ts'
import type { Codec } from './scalars.ts'
import type { UnknownTag } from './schema.ts'
import type { Writer } from './writer.ts'

/**
 * The tagged fields at the end of a struct (KIP-482): their number, then for each its tag, its size
 * and its bytes, by rising tag. Those we do not know are kept as they are.
 */
export interface TaggedField {
  readonly name: string
  readonly tag: number
  readonly codec: Codec
  readonly isDefault: (value: unknown) => boolean
}

/** A tag and a size: the least that one tagged field takes. */
const tagBytesMin = 2

export function readTags(
  reader: Reader,
  fields: readonly TaggedField[],
  values: Record<string, unknown>,
): void {
  const unknownTags = readTagSection(reader, (tag, data) => {
    const field = fields.find((known) => known.tag === tag)
    if (field === undefined) return false
    try {
      values[field.name] = field.codec.decode(data)
      if (data.remaining > 0) throw new DecodeError(`${data.remaining} bytes follow the field`)
    } catch (error) {
      throw located(error, field.name)
    }
    return true
  })
  if (unknownTags.length > 0) values['unknownTags'] = unknownTags
}

/** Reads the section; `known` says whether it took the field. */
export function readTagSection(
  reader: Reader,
  known: (tag: number, data: Reader) => boolean,
): readonly UnknownTag[] {
  const count = reader.uvarint()
  if (count === 0) return []
  if (count * tagBytesMin > reader.remaining) {
    throw new DecodeError(`${count} tagged fields announced, ${reader.remaining} bytes left`)
  }
  const unknownTags: UnknownTag[] = []
  let last = -1
  for (let i = 0; i < count; i++) {
    const tag = reader.uvarint()
    if (tag <= last) throw new DecodeError(`tag ${tag} follows tag ${last}`)
    last = tag
    const data = reader.bytes(reader.uvarint())
    if (!known(tag, new Reader(data))) unknownTags.push({ tag, data })
  }
  return unknownTags
}

interface TagToWrite {
  readonly tag: number
  readonly write: () => void
}

export function writeTags(
  writer: Writer,
  fields: readonly TaggedField[],
  values: Record<string, unknown>,
): void {
  const tags: TagToWrite[] = []
  for (const { name, tag, codec, isDefault } of fields) {
    const value = values[name]
    if (isDefault(value)) continue
    const write = (): void => {
      try {
        codec.encode(writer, value)
      } catch (error) {
        throw located(error, name)
      }
    }
    tags.push({ tag, write })
  }
  const unknownTags = values['unknownTags']
  if (unknownTags !== undefined) {
    if (!Array.isArray(unknownTags) || !unknownTags.every(isUnknownTag)) {
      throw new EncodeError('a list of tags and their bytes wanted', 'unknownTags')
    }
    for (const { tag, data } of unknownTags) tags.push({ tag, write: () => writer.bytes(data) })
    tags.sort((a, b) => a.tag - b.tag)
  }
  writeTagSection(writer, tags)
}

function isUnknownTag(value: unknown): value is UnknownTag {
  return (
    typeof value === 'object' &&
    value !== null &&
    'tag' in value &&
    typeof value.tag === 'number' &&
    'data' in value &&
    Buffer.isBuffer(value.data)
  )
}

function writeTagSection(writer: Writer, tags: readonly TagToWrite[]): void {
  writer.uvarint(tags.length)
  let last = -1
  for (const { tag, write } of tags) {
    if (tag <= last) throw new EncodeError(`tag ${tag} is given twice`)
    last = tag
    writer.uvarint(tag)
    writer.sized(write)
  }
}

/** Writes the tagged fields of a header, none of which we know. */
export function writeUnknownTags(writer: Writer, tags: readonly UnknownTag[] = []): void {
  writeTags(writer, [], { unknownTags: tags })
}
