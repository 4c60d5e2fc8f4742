import { decodeMessage, writeMessage } from './codec.ts'
import { DecodeError } from './codec-errors.ts'
import { apiByKey } from './messages/index.ts'
import { Reader } from './reader.ts'
import {
  isFlexible,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type UnknownTag,
} from './schema.ts'
import { readTagSection, writeUnknownTags } from './tags.ts'
import { Writer } from './writer.ts'

/**
 * Whole frames: a length, a header, a body.
 *
 *     request   length int32 | key int16 | version int16 | correlation int32 | client id | [tags] | body
 *     response  length int32 | correlation int32 | [tags] | body
 *
 * Request header v0 has no client id (ControlledShutdown v0 alone), v1 has one, v2 (flexible
 * versions) adds tags; the client id stays an old-style string in v2 (KIP-482). Response header v1
 * (flexible) has tags, except that of ApiVersions, which a client must be able to read before it
 * knows the broker (KIP-511). Where decoding takes a frame, that is without its length.
 */

const controlledShutdownKey = 7
const apiVersionsKey = 18
const lengthBytes = 4

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Where the body starts in the buffer. */
  readonly bodyOffset: number
  readonly unknownTags?: readonly UnknownTag[]
}

export interface ResponseHeader {
  readonly correlationId: number
  readonly bodyOffset: number
  readonly unknownTags?: readonly UnknownTag[]
}

function requestHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 | 2 {
  if (apiKey === controlledShutdownKey && apiVersion === 0) return 0
  const api = apiByKey(apiKey)
  // Header v1 and v2 agree up to the tags, so that an API we do not know can at least be named.
  return api !== undefined && isFlexible(api, apiVersion, 'request') ? 2 : 1
}

/** An unknown API yields a header too; its body offset may then be short of the header's tags. */
export function decodeRequestHeader(frame: Buffer, offset: number): RequestHeader {
  const reader = new Reader(frame, offset)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const headerVersion = requestHeaderVersion(apiKey, apiVersion)
  const clientId = headerVersion === 0 ? null : readClientId(reader)
  const unknownTags = headerVersion === 2 ? readTagSection(reader, () => false) : []
  const header = { apiKey, apiVersion, correlationId, clientId, bodyOffset: reader.offset }
  return unknownTags.length === 0 ? header : { ...header, unknownTags }
}

function readClientId(reader: Reader): string | null {
  const size = reader.int16()
  if (size < -1) throw new DecodeError(`length ${size} is negative`, 'clientId')
  return size === -1 ? null : reader.utf8(size)
}

/** @param offset of the body: `bodyOffset` of the header. The body must end where the buffer does. */
export function decodeRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  buffer: Buffer,
  offset: number,
): Decoded<Q> {
  return decodeMessage(api.request, version, buffer, offset)
}

/** The complete frame, with its length. */
export function encodeRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  header: Pick<RequestHeader, 'correlationId' | 'clientId' | 'unknownTags'>,
  body: Encodable<Q>,
): Buffer {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else writer.utf8(header.clientId, (size) => writer.int16(size))
  if (isFlexible(api, version, 'request')) writeUnknownTags(writer, header.unknownTags)
  writeMessage(api.request, version, writer, body)
  return framed(writer)
}

const hasResponseTags = (api: Api, version: number): boolean =>
  api.key !== apiVersionsKey && isFlexible(api, version, 'response')

export function decodeResponseHeader(
  api: Api,
  version: number,
  frame: Buffer,
  offset: number,
): ResponseHeader {
  const reader = new Reader(frame, offset)
  const correlationId = reader.int32()
  const unknownTags = hasResponseTags(api, version) ? readTagSection(reader, () => false) : []
  const header = { correlationId, bodyOffset: reader.offset }
  return unknownTags.length === 0 ? header : { ...header, unknownTags }
}

/**
 * @param offset of the body: `bodyOffset` of the header. A broker that does not know the version of
 * an ApiVersions request answers in version 0 with UNSUPPORTED_VERSION (KIP-511).
 */
export function decodeResponse<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  buffer: Buffer,
  offset: number,
): Decoded<S> {
  return decodeMessage(api.response, version, buffer, offset)
}

/** The complete frame, with its length. */
export function encodeResponse<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  correlationId: number,
  body: Encodable<S>,
  headerTags?: readonly UnknownTag[],
): Buffer {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasResponseTags(api, version)) writeUnknownTags(writer, headerTags)
  writeMessage(api.response, version, writer, body)
  return framed(writer)
}

function framed(writer: Writer): Buffer {
  writer.patchInt32(0, writer.position - lengthBytes)
  return writer.written()
}
