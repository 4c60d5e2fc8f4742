import type { MetadataScope, VirtualBroker } from '../../cluster/index.ts'
import type { ClusterName, NodeId } from '../../ids.ts'
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

/** A fact and whose it is; without a cluster, that of the broker which answered. */
export type ClusterFact = Fact & { readonly cluster?: ClusterName }

/** An answer that names brokers. It can be passed on once every one of `nodeIds` has an address here. */
export interface NamingAnswer {
  readonly facts: readonly ClusterFact[]
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

/** Where clients find a broker that they know by its virtual id, or undefined while it has no listener. */
export function virtualAddress(table: RoutingTable, id: NodeId): Address | undefined {
  const broker = table.slotOf.get(id)
  return broker === undefined ? undefined : addressOfSlot(table, broker)
}

/** As what clients know a broker of a cluster; undefined while it has no listener. */
export function virtualBroker(
  table: RoutingTable,
  cluster: ClusterName,
  id: NodeId,
): (Address & { readonly nodeId: NodeId }) | undefined {
  const broker = (cluster === 'source' ? table.slotOf : table.slotOfTarget).get(id)
  if (broker === undefined) return undefined
  return { ...addressOfSlot(table, broker), nodeId: broker.nodeId }
}

function addressOfSlot({ advertised }: RoutingTable, { slot }: VirtualBroker): Address {
  return { host: advertised.host, port: advertised.bootstrapPort + slot }
}
