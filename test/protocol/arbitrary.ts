import fc from 'fast-check'
import type { Field, Fields, Message, ScalarName, Type } from '../../src/protocol/schema.ts'
import { includes } from '../../src/protocol/versions.ts'

/** Arbitrary values of a message in one version: what decoding such a version could yield. */
interface Target {
  readonly version: number
  readonly flexible: boolean
}
export type Values = Record<string, unknown>

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
const scalars: Record<ScalarName, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  string: fc.string({ unit: 'grapheme', maxLength: 20 }),
  bytes,
  records: bytes,
  uuid: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((array) => Buffer.from(array).toString('base64url')),
}

function ofType(type: Type, target: Target): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'scalar':
      return scalars[type.name]
    case 'array':
      return fc.array(ofType(type.element, target), { maxLength: 3 })
    case 'struct':
      return ofStruct(type.fields, target)
  }
}

function ofField(field: Field, target: Target): fc.Arbitrary<unknown> {
  if (!includes(field.versions, target.version)) return fc.constant(field.default)
  const value = ofType(field.type, target)
  return includes(field.nullable, target.version) ? fc.option(value, { freq: 4 }) : value
}

const unknownTags = fc.uniqueArray(
  fc.record({ tag: fc.integer({ min: 100, max: 0x7fffffff }), data: bytes }),
  { minLength: 1, maxLength: 2, selector: ({ tag }) => tag, comparator: (a, b) => a === b },
)

function ofStruct(fields: Fields, target: Target): fc.Arbitrary<Values> {
  const known = fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, ofField(field, target)]),
    ),
  )
  if (!target.flexible) return known
  const tags = fc.option(
    unknownTags.map((list) => list.toSorted((a, b) => a.tag - b.tag)),
    { nil: undefined, freq: 8 },
  )
  return fc
    .tuple(known, tags)
    .map(([values, list]) => (list === undefined ? values : { ...values, unknownTags: list }))
}

export const arbitraryMessage = (message: Message, version: number): fc.Arbitrary<Values> =>
  ofStruct(message.fields, { version, flexible: includes(message.flexible, version) })
