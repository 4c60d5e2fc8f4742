import type { MetadataScope } from '../../cluster/index.ts'
import type { NodeId } from '../../ids.ts'
import {
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type MetadataResponse,
} from '../../protocol/index.ts'
import type { CoordinatorKind, RequestFrame } from '../decision.ts'
import type { RoutingTable } from '../table.ts'

/** What an answer tells about its cluster, learned before the answer is passed on. */
export type Fact =
  | { readonly kind: 'metadata'; readonly answer: MetadataResponse; readonly scope: MetadataScope }
  | {
      readonly kind: 'coordinator'
      readonly of: CoordinatorKind
      readonly key: string
      readonly nodeId: NodeId
    }
  /** Some partition's leader is no longer where the table has it. */
  | { readonly kind: 'leaders-moved' }

/** An answer that names brokers. It can be passed on once every one of `nodeIds` has an address here. */
export interface NamingAnswer {
  readonly facts: readonly Fact[]
  readonly nodeIds: readonly NodeId[]
  /** The answer frame, with its length, in which every broker is a virtual one. */
  encode(table: RoutingTable): Buffer
}

/** Reads an answer (a frame without its length). Bytes that do not decode throw `DecodeError`. */
export type Rewriter = (request: RequestFrame, answer: Buffer) => NamingAnswer

export function decodeAnswer<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  request: RequestFrame,
  answer: Buffer,
): Decoded<S> {
  const { bodyOffset } = decodeResponseHeader(api, request.version, answer, 0)
  return decodeResponse(api, request.version, answer, bodyOffset)
}

export function encodeAnswer<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  request: RequestFrame,
  body: Encodable<S>,
): Buffer {
  return encodeResponse(api, request.version, request.correlationId, body)
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Where clients find a broker, or undefined while it has no virtual broker. */
export function virtualAddress(table: RoutingTable, id: NodeId): Address | undefined {
  const broker = table.slotOf.get(id)
  if (broker === undefined) return undefined
  return { host: table.advertised.host, port: table.advertised.bootstrapPort + broker.slot }
}
