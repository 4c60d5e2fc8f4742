import type { Topology } from '../cluster/index.ts'
import type { ClusterName, NodeId } from '../ids.ts'
import type { Api, Decoded, Encodable, Fields } from '../protocol/index.ts'

/** Which broker is asked. */
export type Asked =
  | 'any'
  | 'controller'
  | { readonly group: string }
  | { readonly transaction: string }
  | { readonly nodeId: NodeId }

/**
 * One cluster as the migrator asks it: with the sidecar's own identity, over connections of its own, one
 * request at a time to each broker. Failures are `CutoverError`; error codes inside answers are the
 * caller's to read.
 */
export interface Cluster {
  readonly name: ClusterName
  readonly topology: Topology
  /** Asks for the brokers and topics anew. */
  refresh(): Promise<void>
  /** The highest version of an API, at most `known`, that every broker offers; undefined: not offered. */
  version(apiKey: number, known: number): number | undefined
  /** Asks for the coordinator of a group or transactional id anew at the next request. */
  forgetCoordinator(of: 'group' | 'transaction', key: string): void
  /** @param version the highest that the caller understands; what is offered decides. */
  ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    asked: Asked,
  ): Promise<Decoded<S>>
}
