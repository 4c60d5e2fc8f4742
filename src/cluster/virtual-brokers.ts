import { nodeId, slotNumber, type NodeId, type SlotNumber } from '../ids.ts'

/**
 * A virtual broker: what applications take for a broker. It listens on the bootstrap port + `slot` and
 * carries the node id of its home in the source cluster, so that everything that names a broker by id
 * (configurations, replica lists, log directories) passes through unchanged.
 */
export interface VirtualBroker {
  readonly slot: SlotNumber
  /** What clients see; also its home in the source, if it has one there. */
  readonly nodeId: NodeId
  /** Its home in the target; null while the target has fewer brokers. */
  readonly target: NodeId | null
}

/**
 * The virtual brokers once these brokers are known too. Those that exist keep their numbers and their
 * homes for good: clients remember addresses. New ones are numbered in the order of their node ids. There
 * are as many as the larger cluster has brokers; one without a home in the source carries an id behind
 * all others.
 */
export function growVirtualBrokers(
  existing: readonly VirtualBroker[],
  sourceIds: Iterable<NodeId>,
  targetIds: Iterable<NodeId> = [],
): readonly VirtualBroker[] {
  const brokers = [...existing]
  const sorted = (ids: Iterable<NodeId>): NodeId[] => [...new Set(ids)].sort((a, b) => a - b)
  const add = (id: NodeId): void => {
    brokers.push({ slot: slotNumber(brokers.length + 1), nodeId: id, target: null })
  }
  const shown = new Set(existing.map((broker) => broker.nodeId))
  for (const id of sorted(sourceIds)) if (!shown.has(id)) add(id)
  const settled = new Set(existing.map((broker) => broker.target))
  for (const id of sorted(targetIds)) {
    if (settled.has(id)) continue
    if (!brokers.some((broker) => broker.target === null)) {
      add(nodeId(Math.max(...brokers.map((broker) => broker.nodeId), 0) + 1))
    }
    const free = brokers.findIndex((broker) => broker.target === null)
    brokers[free] = { ...(brokers[free] as VirtualBroker), target: id }
  }
  const same =
    brokers.length === existing.length && brokers.every((broker, i) => broker === existing[i])
  return same ? existing : brokers
}
