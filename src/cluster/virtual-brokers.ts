import { slotNumber, type NodeId, type SlotNumber } from '../ids.ts'

/**
 * A virtual broker: what applications take for a broker. It listens on the bootstrap port + `slot` and
 * carries the node id of its home in the source cluster, so that everything that names a broker by id
 * (configurations, replica lists, log directories) passes through unchanged.
 */
export interface VirtualBroker {
  readonly slot: SlotNumber
  readonly nodeId: NodeId
}

/**
 * The virtual brokers once `nodeIds` are known too. Those that exist keep their numbers for good: clients
 * remember addresses. New ones are numbered in the order of their node ids.
 */
export function growVirtualBrokers(
  existing: readonly VirtualBroker[],
  nodeIds: Iterable<NodeId>,
): readonly VirtualBroker[] {
  const known = new Set(existing.map((broker) => broker.nodeId))
  const added = [...new Set(nodeIds)].filter((id) => !known.has(id)).sort((a, b) => a - b)
  if (added.length === 0) return existing
  return [
    ...existing,
    ...added.map((id, i) => ({ slot: slotNumber(existing.length + 1 + i), nodeId: id })),
  ]
}
