import { assert } from '../assert.ts'
import { includes, noVersions, versionRange, type VersionRange } from './versions.ts'

/**
 * The language in which messages are declared: once for all versions, as data. The types of a
 * message's values are inferred from its declaration; `codec.ts` compiles it for one version.
 */

/** What a scalar is in TypeScript. int64 is a bigint; a uuid is Kafka's own base64url text. */
export interface ScalarTypes {
  readonly bool: boolean
  readonly int8: number
  readonly int16: number
  readonly uint16: number
  readonly int32: number
  readonly uint32: number
  readonly int64: bigint
  readonly float64: number
  readonly string: string
  readonly bytes: Buffer
  /** Record batches: a view into the frame, never a copy. */
  readonly records: Buffer
  readonly uuid: string
}
export type ScalarName = keyof ScalarTypes

/** The id of "no topic": Kafka's Uuid.ZERO_UUID. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

export type Type =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'array'; readonly element: Type }
  | { readonly kind: 'struct'; readonly fields: Fields }

export interface FieldOptions<T> {
  /** The versions in which the field may be null. */
  readonly nullable?: string
  /** Number of a tagged field (KIP-482), and the versions in which it is one. */
  readonly tag?: number
  readonly tagged?: string
  /** The value where the version lacks the field, if it is not zero, empty or false. */
  readonly default?: T | null
  /** A version that lacks the field drops its value silently; otherwise only the default may be dropped. */
  readonly ignorable?: true
}

declare const shape: unique symbol

/** `Out` is what decoding yields, `In` what encoding takes; a field not `Required` may be left out. */
export interface Field<Out = unknown, In = unknown, Required extends boolean = boolean> {
  readonly type: Type
  readonly versions: VersionRange
  readonly nullable: VersionRange
  readonly tagged: VersionRange
  readonly tag: number
  readonly default: unknown
  readonly ignorable: boolean
  /** Exists in types only. */
  readonly [shape]?: { readonly out: Out; readonly in: In; readonly required: Required }
}
export type Fields = Readonly<Record<string, Field>>

/** A tagged field that this version of the declaration does not know, kept for re-encoding. */
export interface UnknownTag {
  readonly tag: number
  readonly data: Buffer
}

interface MayHoldUnknownTags {
  readonly unknownTags?: readonly UnknownTag[]
}

type ShapeOf<F> =
  F extends Field<infer Out, infer In, infer Required>
    ? { readonly out: Out; readonly in: In; readonly required: Required }
    : never
type RequiredNames<F extends Fields> = {
  [K in keyof F]: ShapeOf<F[K]>['required'] extends true ? K : never
}[keyof F]

/** A decoded struct: every field is there, with its default where the version lacks it. */
export type Decoded<F extends Fields> = MayHoldUnknownTags & {
  readonly [K in keyof F]: ShapeOf<F[K]>['out']
}

/**
 * A struct to encode. A field with an explicit default, or that some version lacks, may be left
 * out; everything decoded can be encoded again.
 */
export type Encodable<F extends Fields> = MayHoldUnknownTags & {
  readonly [K in RequiredNames<F>]: ShapeOf<F[K]>['in']
} & { readonly [K in Exclude<keyof F, RequiredNames<F>>]?: ShapeOf<F[K]>['in'] }

type OrNull<O, T> = O extends { readonly nullable: string } ? T | null : T
type IsRequired<V, O> = O extends { readonly default: unknown }
  ? false
  : V extends '0+'
    ? true
    : false

/** An element of an array: a scalar by its name, or the fields of a struct. */
export type Element = ScalarName | Fields
type OutOf<E extends Element> = E extends ScalarName
  ? ScalarTypes[E]
  : E extends Fields
    ? Decoded<E>
    : never
type InOf<E extends Element> = E extends ScalarName
  ? ScalarTypes[E]
  : E extends Fields
    ? Encodable<E>
    : never

const zeros: ScalarTypes = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0n,
  float64: 0,
  string: '',
  bytes: Buffer.alloc(0),
  records: Buffer.alloc(0),
  uuid: zeroUuid,
}

/** The value of a struct none of whose fields was given. It is shared, hence frozen. */
export function defaultsOf(fields: Fields): Readonly<Record<string, unknown>> {
  return Object.freeze(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default])),
  )
}

function zeroOf(type: Type, nullable: boolean): unknown {
  switch (type.kind) {
    case 'scalar':
      // Kafka has no empty record set to default to.
      return type.name === 'records' && nullable ? null : zeros[type.name]
    case 'array':
      return Object.freeze([])
    case 'struct':
      return defaultsOf(type.fields)
  }
}

function field<Out, In, Required extends boolean>(
  type: Type,
  versions: string,
  options: FieldOptions<unknown> = {},
): Field<Out, In, Required> {
  const nullable = options.nullable === undefined ? noVersions : versionRange(options.nullable)
  const tagged = options.tagged === undefined ? noVersions : versionRange(options.tagged)
  assert(
    (options.tag === undefined) === (tagged === noVersions),
    'a tag and its versions go together',
  )
  return {
    type,
    versions: versionRange(versions),
    nullable,
    tagged,
    tag: options.tag ?? -1,
    default:
      options.default === undefined ? zeroOf(type, nullable !== noVersions) : options.default,
    ignorable: options.ignorable === true,
  }
}

const scalar =
  <const N extends ScalarName>(name: N) =>
  <const V extends string, const O extends FieldOptions<ScalarTypes[N]>>(
    versions: V,
    options?: O,
  ): Field<OrNull<O, ScalarTypes[N]>, OrNull<O, ScalarTypes[N]>, IsRequired<V, O>> =>
    field({ kind: 'scalar', name }, versions, options)

export const bool = scalar('bool')
export const int8 = scalar('int8')
export const int16 = scalar('int16')
export const uint16 = scalar('uint16')
export const int32 = scalar('int32')
export const uint32 = scalar('uint32')
export const int64 = scalar('int64')
export const float64 = scalar('float64')
export const string = scalar('string')
export const bytes = scalar('bytes')
export const records = scalar('records')
export const uuid = scalar('uuid')

const typeOf = (element: Element): Type =>
  typeof element === 'string'
    ? { kind: 'scalar', name: element }
    : { kind: 'struct', fields: element }

/** `array('int32', '0+')` or `array({ name: string('0+') }, '0+')`. */
export const array = <
  const E extends Element,
  const V extends string,
  const O extends FieldOptions<null>,
>(
  element: E,
  versions: V,
  options?: O,
): Field<OrNull<O, readonly OutOf<E>[]>, OrNull<O, readonly InOf<E>[]>, IsRequired<V, O>> =>
  field({ kind: 'array', element: typeOf(element) }, versions, options)

export const struct = <
  const F extends Fields,
  const V extends string,
  const O extends FieldOptions<null>,
>(
  fields: F,
  versions: V,
  options?: O,
): Field<OrNull<O, Decoded<F>>, OrNull<O, Encodable<F>>, IsRequired<V, O>> =>
  field({ kind: 'struct', fields }, versions, options)

/** A top-level struct with the versions in which it exists. */
export interface Message<F extends Fields = Fields> {
  readonly name: string
  readonly versions: VersionRange
  readonly flexible: VersionRange
  readonly fields: F
}

export const message = <const F extends Fields>(
  name: string,
  versions: string,
  flexible: string,
  fields: F,
): Message<F> => ({
  name,
  versions: versionRange(versions),
  flexible: versionRange(flexible),
  fields,
})

/** A request and its response. */
export interface Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionRange
  readonly request: Message<Q>
  readonly response: Message<S>
}

export const api = <const Q extends Fields, const S extends Fields>(declaration: {
  readonly key: number
  readonly name: string
  readonly versions: string
  readonly flexible: string
  readonly request: Q
  readonly response: S
}): Api<Q, S> => {
  const { key, name, versions, flexible } = declaration
  return {
    key,
    name,
    versions: versionRange(versions),
    request: message(`${name}Request`, versions, flexible, declaration.request),
    response: message(`${name}Response`, versions, flexible, declaration.response),
  }
}

export type RequestOf<A extends Api> = Decoded<A['request']['fields']>
export type ResponseOf<A extends Api> = Decoded<A['response']['fields']>
/** What `encodeRequest` and `encodeResponse` take: see `Encodable`. */
export type RequestInput<A extends Api> = Encodable<A['request']['fields']>
export type ResponseInput<A extends Api> = Encodable<A['response']['fields']>

/** Whether the version uses compact lengths and tagged fields (KIP-482). */
export const isFlexible = (of: Api, version: number, part: 'request' | 'response'): boolean =>
  includes(of[part].flexible, version)
