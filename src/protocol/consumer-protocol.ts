import { readMessage, writeMessage } from './codec.ts'
import { DecodeError } from './codec-errors.ts'
import { Reader } from './reader.ts'
import {
  array,
  bytes,
  int32,
  message,
  string,
  type Decoded,
  type Encodable,
  type Fields,
  type Message,
} from './schema.ts'
import { Writer } from './writer.ts'

/**
 * What consumers of one group tell each other through the broker, to which it is opaque bytes: the
 * metadata of JoinGroup and the assignment of SyncGroup, protocol type `consumer`.
 *
 * v1 owned partitions (KIP-429), v2 generation (KIP-792), v3 rack (KIP-881). A version that we do
 * not know reads as the last one we do, as in the Java client; what follows it is kept.
 */
export const consumerProtocolSubscription = message('ConsumerProtocolSubscription', '0-3', 'none', {
  topics: array('string', '0+'),
  userData: bytes('0+', { nullable: '0+', default: null }),
  ownedPartitions: array({ topic: string('1+'), partitions: array('int32', '1+') }, '1+', {
    ignorable: true,
  }),
  generationId: int32('2+', { default: -1, ignorable: true }),
  rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
})

export const consumerProtocolAssignment = message('ConsumerProtocolAssignment', '0-3', 'none', {
  assignedPartitions: array({ topic: string('0+'), partitions: array('int32', '0+') }, '0+'),
  userData: bytes('0+', { nullable: '0+', default: null }),
})

export type ConsumerSubscription = Decoded<typeof consumerProtocolSubscription.fields>
export type ConsumerAssignment = Decoded<typeof consumerProtocolAssignment.fields>

/** A payload of a group protocol: a version, a message, and what a later version may have added. */
export interface Payload<F extends Fields> {
  readonly version: number
  readonly message: Decoded<F>
  readonly rest: Buffer
}

function decodePayload<F extends Fields>(schema: Message<F>, payload: Buffer): Payload<F> {
  const reader = new Reader(payload)
  const version = reader.int16()
  if (version < 0) throw new DecodeError(`version ${version} is negative`)
  const message = readMessage(schema, Math.min(version, schema.versions.max), reader)
  return { version, message, rest: reader.bytes(reader.remaining) }
}

function encodePayload<F extends Fields>(
  schema: Message<F>,
  version: number,
  body: Encodable<F>,
  rest: Buffer | undefined,
): Buffer {
  const writer = new Writer()
  writer.int16(version)
  writeMessage(schema, Math.min(version, schema.versions.max), writer, body)
  if (rest !== undefined) writer.bytes(rest)
  return writer.written()
}

export const decodeSubscription = (
  payload: Buffer,
): Payload<typeof consumerProtocolSubscription.fields> =>
  decodePayload(consumerProtocolSubscription, payload)

export const encodeSubscription = (
  version: number,
  body: Encodable<typeof consumerProtocolSubscription.fields>,
  rest?: Buffer,
): Buffer => encodePayload(consumerProtocolSubscription, version, body, rest)

/** An empty payload, the assignment of a member that got none, is a DecodeError: ask before. */
export const decodeAssignment = (
  payload: Buffer,
): Payload<typeof consumerProtocolAssignment.fields> =>
  decodePayload(consumerProtocolAssignment, payload)

export const encodeAssignment = (
  version: number,
  body: Encodable<typeof consumerProtocolAssignment.fields>,
  rest?: Buffer,
): Buffer => encodePayload(consumerProtocolAssignment, version, body, rest)
