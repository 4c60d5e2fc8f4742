/**
 * Numbers and names that must never be confused, branded so that the compiler keeps them apart.
 */
declare const brand: unique symbol
type Branded<T, B extends string> = T & { readonly [brand]: B }

/** A broker's id within one cluster. */
export type NodeId = Branded<number, 'NodeId'>
/** A virtual broker's number: 1 for the first, for good. It listens on the bootstrap port + this. */
export type SlotNumber = Branded<number, 'SlotNumber'>

export const nodeId = (value: number): NodeId => value as NodeId
export const slotNumber = (value: number): SlotNumber => value as SlotNumber

/** The two clusters of a migration. */
export const clusterNames = ['source', 'target'] as const
export type ClusterName = (typeof clusterNames)[number]
