import type { ClusterName } from '../../ids.ts'
import { zeroUuid } from '../../protocol/index.ts'
import type { CoordinatorLookup, Decision } from '../decision.ts'
import type { Destination, RoutingTable } from '../table.ts'
import { segmentIn, toNative, toVirtual, type Segment } from '../timeline/index.ts'
import type { PlannedTopic, View } from '../view.ts'
import { byTargetName, clusterOfTopic, isParallel, type ParallelTopic } from './translation.ts'

/** A topic as group APIs name it: by name, or, from some version on, by id alone. */
export interface NamedTopic {
  readonly name: string
  readonly topicId: string
}

/** Where the offsets of a topic are kept, of a group that lives on the target. */
export interface OffsetsPlace {
  readonly cluster: ClusterName
  readonly planned: PlannedTopic | undefined
}

/** A topic that no one knows is the target's: it says so. */
export function offsetsPlace(table: RoutingTable, { name, topicId }: NamedTopic): OffsetsPlace {
  const known = name === '' ? table.topicNames.get(topicId) : name
  if (known === undefined) return { cluster: 'target', planned: undefined }
  const planned = table.view.topics.get(known)
  return planned === undefined
    ? { cluster: clusterOfTopic(table, known), planned }
    : { cluster: 'target', planned }
}

/** As the target knows a topic of the plan. */
export function onTarget<T extends NamedTopic>(
  table: RoutingTable,
  topic: T,
  { targetName }: PlannedTopic,
): T {
  return {
    ...topic,
    name: targetName,
    topicId: table.target.topics.get(targetName)?.topicId ?? zeroUuid,
  }
}

/** Finds the topic of the plan that the target means. */
export function plannedOnTarget(
  table: RoutingTable,
): (topic: NamedTopic) => PlannedTopic | undefined {
  const planned = byTargetName(table.view)
  return ({ name, topicId }) =>
    planned.get(name === '' ? (table.target.topicNames.get(topicId) ?? '') : name)
}

export function asClientsKnow<T extends NamedTopic>(topic: T, planned: PlannedTopic): T {
  return { ...topic, name: planned.name, topicId: planned.topicId ?? zeroUuid }
}

/** The stretch of a partition in which the target's offsets lie. */
const onTargetSegment = (planned: PlannedTopic, partition: number): Segment | undefined => {
  const timeline = planned.timelines[partition]
  return timeline === undefined ? undefined : segmentIn(timeline, 'target')
}

/** What the target is told of a position: one in front of what it has is where that begins. */
export function nativeCommit(planned: PlannedTopic, partition: number, offset: bigint): bigint {
  const segment = onTargetSegment(planned, partition)
  if (segment === undefined || offset < 0n) return offset
  const native = toNative(segment, offset)
  return native < segment.start ? segment.start : native
}

/** A position that the target keeps, as clients see it; -1, none, stays so. */
export function shownCommit(planned: PlannedTopic, partition: number, offset: bigint): bigint {
  const segment = onTargetSegment(planned, partition)
  if (segment === undefined || offset < 0n) return offset
  return toVirtual(segment, offset < segment.start ? segment.start : offset)
}

/** Whether both clusters are read of some topic: its groups have offsets on both. */
export const readsBoth = ({ spliced, topics }: View): boolean =>
  spliced && [...topics.values()].some(({ parallel }) => parallel !== undefined)

/** The topic of the plan that clients mean, if it is an unordered one. */
export function parallelNamed(
  { topicNames, view }: RoutingTable,
  { name, topicId }: NamedTopic,
): ParallelTopic | undefined {
  const planned = view.topics.get(name === '' ? (topicNames.get(topicId) ?? '') : name)
  return planned !== undefined && isParallel(planned) ? planned : undefined
}

/** The coordinators of a group in these clusters, or what must be asked first. */
export function groupCoordinators(
  coordinators: CoordinatorLookup,
  group: string,
  clusters: Iterable<ClusterName>,
): ReadonlyMap<ClusterName, Destination> | Extract<Decision, { kind: 'ask' }> {
  const known = new Map<ClusterName, Destination>()
  for (const cluster of clusters) {
    const to = coordinators('group', group, cluster)
    if (to === undefined) {
      return { kind: 'ask', question: { kind: 'coordinator', of: 'group', keys: [group], cluster } }
    }
    known.set(cluster, to)
  }
  return known
}
