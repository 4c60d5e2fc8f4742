import type { Topology, Topic, VersionRanges, VirtualBroker } from '../cluster/index.ts'
import { clusterNames, type ClusterName, type NodeId } from '../ids.ts'

/** One broker of one cluster. There is one object for each, so that identity is equality. */
export interface Destination {
  readonly cluster: ClusterName
  readonly nodeId: NodeId
}

/** Where a virtual partition is read and written. Null while it has no leader. */
export interface RoutedPartition {
  readonly read: Destination | null
  readonly write: Destination | null
  /** Followers that may serve a consumer in their rack (KIP-392). */
  readonly followers: readonly Destination[]
}

export interface RoutedTopic {
  readonly name: string
  /** The topology's topic that this was made from. */
  readonly origin: Topic
  readonly partitions: readonly (RoutedPartition | undefined)[]
}

/**
 * Everything that a routing decision rests on: immutable, replaced in one assignment between two turns
 * of the event loop, so that no request ever sees half of a change.
 */
export interface RoutingTable {
  /** Rises with every replacement. */
  readonly version: number
  readonly source: Topology
  readonly virtualBrokers: readonly VirtualBroker[]
  readonly slotOf: ReadonlyMap<NodeId, VirtualBroker>
  readonly advertised: { readonly host: string; readonly bootstrapPort: number }
  readonly topics: ReadonlyMap<string, RoutedTopic>
  /** What clients are offered; empty until the source has said what it knows. */
  readonly offered: VersionRanges
  readonly features: OfferedFeatures
}

export interface OfferedFeatures {
  readonly supported: readonly {
    readonly name: string
    readonly minVersion: number
    readonly maxVersion: number
  }[]
  readonly finalized: readonly {
    readonly name: string
    readonly minVersionLevel: number
    readonly maxVersionLevel: number
  }[]
  readonly finalizedEpoch: bigint
}

export const noFeatures: OfferedFeatures = { supported: [], finalized: [], finalizedEpoch: -1n }

const destinations: Record<ClusterName, Map<NodeId, Destination>> = {
  source: new Map(),
  target: new Map(),
}

export function destination(cluster: ClusterName, nodeId: NodeId): Destination {
  const known = destinations[cluster].get(nodeId)
  if (known !== undefined) return known
  const made = { cluster, nodeId }
  destinations[cluster].set(nodeId, made)
  return made
}

export type TableInput = Omit<RoutingTable, 'version' | 'topics' | 'slotOf'>

/** The next table. Topics that did not change are shared with `previous`. */
export function nextTable(previous: RoutingTable | undefined, input: TableInput): RoutingTable {
  const topics = new Map<string, RoutedTopic>()
  for (const topic of input.source.topics.values()) {
    const before = previous?.topics.get(topic.name)
    topics.set(topic.name, before?.origin === topic ? before : routedTopic(topic))
  }
  return {
    ...input,
    version: (previous?.version ?? 0) + 1,
    topics,
    slotOf:
      previous?.virtualBrokers === input.virtualBrokers
        ? previous.slotOf
        : new Map(input.virtualBrokers.map((broker) => [broker.nodeId, broker])),
  }
}

function routedTopic(topic: Topic): RoutedTopic {
  const [cluster] = clusterNames
  return {
    name: topic.name,
    origin: topic,
    partitions: topic.partitions.map((partition) => {
      if (partition === undefined) return undefined
      const leader = partition.leader < 0 ? null : destination(cluster, partition.leader)
      const followers = partition.replicas
        .filter((id) => id !== partition.leader)
        .map((id) => destination(cluster, id))
      return { read: leader, write: leader, followers }
    }),
  }
}
