import { assert } from '../assert.ts'
import type { Partition, Topic, Topology, VersionRanges, VirtualBroker } from '../cluster/index.ts'
import { nodeId, type ClusterName, type NodeId } from '../ids.ts'
import {
  laneOf,
  openSegment,
  writtenSegment,
  type Segment,
  type Timeline,
} from './timeline/index.ts'
import type { PlannedTopic, View } from './view.ts'

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
  /** How it is read. Null while that needs no translation: the source's offsets are what clients see. */
  readonly timeline: Timeline | null
  /** How it is written. Null while that needs no translation. */
  readonly writing: Writing | null
  /** Whether what is produced waits: a splice is being agreed on. */
  readonly held: boolean
}

/** Where what is produced to a partition is written, and as what it is known there. */
export interface Writing {
  readonly segment: Segment
  /** Of producer ids: a partition of a cluster never meets one id with two histories. */
  readonly namespace: number
  /** What clients read of the partition: there its earlier batches lie. */
  readonly history: Timeline
}

export interface RoutedTopic {
  readonly name: string
  /** What this was made from. */
  readonly origins: Origins
  readonly partitions: readonly (RoutedPartition | undefined)[]
}

export interface Origins {
  readonly source: Topic | undefined
  readonly target: Topic | undefined
  readonly planned: PlannedTopic | undefined
  readonly held: boolean
}

/**
 * Everything that a routing decision rests on: immutable, replaced in one assignment between two turns
 * of the event loop, so that no request ever sees half of a change.
 */
export interface RoutingTable {
  /** Rises with every replacement. */
  readonly version: number
  readonly source: Topology
  /** Empty without a target. */
  readonly target: Topology
  readonly view: View
  readonly virtualBrokers: readonly VirtualBroker[]
  /** By the node id that clients see. */
  readonly slotOf: ReadonlyMap<NodeId, VirtualBroker>
  /** By the broker's node id on the target. */
  readonly slotOfTarget: ReadonlyMap<NodeId, VirtualBroker>
  readonly advertised: { readonly host: string; readonly bootstrapPort: number }
  readonly topics: ReadonlyMap<string, RoutedTopic>
  /** By topic id, as clients know both. */
  readonly topicNames: ReadonlyMap<string, string>
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

/** Any broker of a cluster. */
export const anyOf = (cluster: ClusterName): Destination => destination(cluster, anyBrokerId)
export const anyBrokerId = nodeId(-1)

/** In a cluster, the home of the virtual broker that was asked, or any broker where it has none. */
export const homeOf = (cluster: ClusterName): Destination => destination(cluster, homeBrokerId)
export const homeBrokerId = nodeId(-2)

export type TableInput = Omit<
  RoutingTable,
  'version' | 'topics' | 'topicNames' | 'slotOf' | 'slotOfTarget'
>

/** The next table. Topics that did not change are shared with `previous`. */
export function nextTable(previous: RoutingTable | undefined, input: TableInput): RoutingTable {
  const slots = slotMaps(previous, input.virtualBrokers)
  return {
    ...input,
    ...slots,
    version: (previous?.version ?? 0) + 1,
    topics: routedTopics(previous, input),
    topicNames: topicNames(input),
  }
}

function slotMaps(previous: RoutingTable | undefined, brokers: readonly VirtualBroker[]) {
  if (previous?.virtualBrokers === brokers) {
    return { slotOf: previous.slotOf, slotOfTarget: previous.slotOfTarget }
  }
  const slotOfTarget = new Map<NodeId, VirtualBroker>()
  for (const broker of brokers) if (broker.target !== null) slotOfTarget.set(broker.target, broker)
  return { slotOf: new Map(brokers.map((broker) => [broker.nodeId, broker])), slotOfTarget }
}

/** The source's ids stay what clients know; behind a splice of everything, new topics have the target's. */
function topicNames({ source, target, view }: TableInput): ReadonlyMap<string, string> {
  if (view.topics.size === 0) return source.topicNames
  const names = new Map(view.spliced && view.everyTopic ? target.topicNames : [])
  for (const { targetName } of view.topics.values()) {
    const id = target.topics.get(targetName)?.topicId
    if (id != null) names.delete(id)
  }
  for (const [id, name] of source.topicNames) names.set(id, name)
  for (const { name, topicId } of view.topics.values()) {
    if (topicId !== null) names.set(topicId, name)
  }
  return names
}

/**
 * Every topic that clients can see: the source's, the plan's even when the source is gone, and, behind
 * a splice of everything, those that exist on the target only.
 */
function routedTopics(
  previous: RoutingTable | undefined,
  { source, target, view }: TableInput,
): ReadonlyMap<string, RoutedTopic> {
  const topics = new Map<string, RoutedTopic>()
  const add = (name: string, origins: Origins): void => {
    const before = previous?.topics.get(name)
    topics.set(
      name,
      before !== undefined && sameOrigins(before.origins, origins)
        ? before
        : routedTopic(name, origins),
    )
  }
  for (const topic of source.topics.values()) {
    if (view.topics.has(topic.name)) continue
    add(topic.name, { source: topic, target: undefined, planned: undefined, held: false })
  }
  for (const planned of view.topics.values()) {
    add(planned.name, {
      source: source.topics.get(planned.name),
      target: target.topics.get(planned.targetName),
      planned,
      held: view.held,
    })
  }
  if (!view.spliced || !view.everyTopic) return topics
  const moved = new Set([...view.topics.values()].map(({ targetName }) => targetName))
  for (const topic of target.topics.values()) {
    if (topics.has(topic.name) || moved.has(topic.name)) continue
    add(topic.name, { source: undefined, target: topic, planned: undefined, held: false })
  }
  return topics
}

function sameOrigins(a: Origins, b: Origins): boolean {
  return (
    a.source === b.source && a.target === b.target && a.planned === b.planned && a.held === b.held
  )
}

function routedTopic(name: string, origins: Origins): RoutedTopic {
  const { source, target, planned } = origins
  if (planned !== undefined) {
    const partitions = planned.timelines.map((_, partition) => plannedPartition(origins, partition))
    return { name, origins, partitions }
  }
  const cluster = source === undefined ? 'target' : 'source'
  const { partitions } = source ?? target ?? { partitions: [] }
  return {
    name,
    origins,
    partitions: partitions.map((partition): RoutedPartition | undefined => {
      if (partition === undefined) return undefined
      const at = placed(cluster, partition)
      return { ...at, write: at.read, timeline: null, writing: null, held: false }
    }),
  }
}

/** A partition of the plan, also where its cluster does not tell of it: what is asked of it waits. */
function plannedPartition(
  { source, target, planned, held }: Origins,
  index: number,
): RoutedPartition {
  const timeline = planned?.timelines[index]
  assert(planned !== undefined && timeline !== undefined, 'a topic of the plan has its timelines')
  const at = ({ cluster, partition }: Segment) =>
    placed(cluster, (cluster === 'source' ? source : target)?.partitions[partition])
  const reading = openSegment(timeline)
  const writing = writingOf(planned, timeline, index)
  const isMoved = timeline.length > 1 || reading.cluster === 'target'
  return {
    ...at(reading),
    write: at(writing?.segment ?? reading).read,
    timeline: isMoved ? timeline : null,
    writing,
    held,
  }
}

function writingOf(
  { parallel, timelines }: PlannedTopic,
  history: Timeline,
  partition: number,
): Writing | null {
  if (parallel !== undefined) {
    const segment = writtenSegment(parallel, timelines, partition)
    return { segment, namespace: 1 + laneOf(parallel, partition), history }
  }
  const splices = history.length - 1
  return splices === 0 ? null : { segment: openSegment(history), namespace: splices, history }
}

function placed(
  cluster: ClusterName,
  partition: Partition | undefined,
): Pick<RoutedPartition, 'read' | 'followers'> {
  if (partition === undefined) return { read: null, followers: [] }
  return {
    read: partition.leader < 0 ? null : destination(cluster, partition.leader),
    followers: partition.replicas
      .filter((id) => id !== partition.leader)
      .map((id) => destination(cluster, id)),
  }
}

/** The known leader of a partition on a cluster, by that cluster's names. */
export function leaderOf(
  table: RoutingTable,
  at: { readonly cluster: ClusterName; readonly topic: string; readonly partition: number },
): Destination | undefined {
  const leader = table[at.cluster].topics.get(at.topic)?.partitions[at.partition]?.leader
  return leader === undefined || leader < 0 ? undefined : destination(at.cluster, leader)
}
