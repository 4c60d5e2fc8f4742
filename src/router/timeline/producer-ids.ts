/**
 * Producer ids that clients see are one namespace, in which an id never meets a history that is not its
 * own: a broker that sees the epoch and sequence of another producer under the same id takes the batch
 * for a duplicate and drops it silently. Every cluster numbers from 0, so:
 *
 *     native = shown + 2^52 x namespace: the splices that the partition has been through, or its lane
 *     shown  = issued + 2^50 x (splices that the issuing cluster was behind)
 *
 * Nothing is stored. Brokers do not check that an idempotent producer's id was ever issued (KIP-98).
 */
const perNamespace = 1n << 52n
const perIssuer = 1n << 50n

/** As how many producers one may be known in a cluster: ids are positive int64. */
export const namespacesMax = 2_047

/** Under which id a partition's cluster knows a producer; -1, no idempotence, stays so. */
export function nativeProducerId(namespace: number, shown: bigint): bigint {
  return shown < 0n ? shown : shown + perNamespace * BigInt(namespace)
}

/** How a client is told an id that a cluster issued behind `splices` splices. */
export function shownProducerId(issued: bigint, splices: number): bigint {
  return issued < 0n ? issued : issued + perIssuer * BigInt(splices)
}
