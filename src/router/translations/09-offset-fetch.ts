import type { ClusterName } from '../../ids.ts'
import {
  apis,
  zeroUuid,
  type Encodable,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import type { Destination, RoutingTable } from '../table.ts'
import { placeOf, type PlannedTopic } from '../view.ts'
import {
  asClientsKnow,
  groupCoordinators,
  offsetsPlace,
  onTarget,
  parallelNamed,
  plannedOnTarget,
  readsBoth,
  shownCommit,
} from './groups.ts'
import { firstError, isSourceOff, translated, type Translation } from './translation.ts'

type AskedGroup = OffsetFetchRequest['groups'][number]
type FoundGroup = OffsetFetchResponse['groups'][number]
type FoundTopic = FoundGroup['topics'][number]

/** What one coordinator is asked of one group. */
interface Share {
  readonly to: Destination
  readonly group: AskedGroup
}

/**
 * OffsetFetch, every version: from where the offsets of each topic are kept, without leader epochs for
 * what moves. The target keeps its own offsets of the plan's topics; clients are shown theirs.
 */
export const translateOffsetFetch: Translation = (table, request, coordinators) => {
  const api = apis.offsetFetch
  const { version } = request
  const { view } = table
  if (view.topics.size === 0) return undefined
  const asked = bodyOf(api, request)
  const groups = version >= 8 ? asked.groups : [oneGroup(asked)]
  const isPlain = version < 5 && !readsBoth(view)
  if (isPlain && groups.every(({ groupId }) => placeOf(view, groupId) !== 'target')) {
    return undefined
  }
  const shares: Share[] = []
  for (const group of groups) {
    const dealt = dealOut(table, group)
    const to = groupCoordinators(coordinators, group.groupId, dealt.keys())
    if ('kind' in to) return to
    for (const [cluster, destination] of to) {
      shares.push({ to: destination, group: { ...group, ...dealt.get(cluster) } })
    }
  }
  const destinations = [...new Set(shares.map(({ to }) => to))]
  const parts = destinations.map((to) => ({
    to,
    body: bodyFor(
      asked,
      version,
      shares.filter((share) => share.to === to).map(({ group }) => group),
    ),
  }))
  return translated(api, request, parts, (answers, now) => {
    const found = answers.flatMap((answer, i) =>
      (version >= 8 ? answer.groups : [foundGroup(groups[0]?.groupId ?? '', answer)]).map((group) =>
        showGroup(now, destinations[i]?.cluster ?? 'source', group),
      ),
    )
    const throttleTimeMs = throttle(answers)
    const joined = groups.map((group) =>
      joinGroup(now, group.groupId, [
        ...found.filter(({ groupId }) => groupId === group.groupId),
        endedOf(now, group),
      ]),
    )
    if (version >= 8) return { throttleTimeMs, groups: joined }
    return { throttleTimeMs, topics: joined[0]?.topics ?? [], errorCode: joined[0]?.errorCode ?? 0 }
  })
}

/** Before v8 (KIP-709): one group, without member. */
function oneGroup({ groupId, topics }: OffsetFetchRequest): AskedGroup {
  const named = topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null
  return { groupId, memberId: null, memberEpoch: -1, topics: named }
}

function bodyFor(
  asked: OffsetFetchRequest,
  version: number,
  groups: readonly AskedGroup[],
): Encodable<typeof apis.offsetFetch.request.fields> {
  const [first] = groups
  if (version >= 8 || first === undefined) return { ...asked, groups }
  return { ...asked, topics: first.topics }
}

const foundGroup = (groupId: string, { topics, errorCode }: OffsetFetchResponse): FoundGroup => ({
  groupId,
  errorCode,
  topics: topics.map((topic) => ({ ...topic, topicId: zeroUuid })),
})

/** What each cluster is asked of a group; it has members in the one where it lives only. */
function dealOut(
  table: RoutingTable,
  group: AskedGroup,
): ReadonlyMap<ClusterName, Partial<AskedGroup>> {
  const { view } = table
  const guest = { memberId: null, memberEpoch: -1 }
  if (placeOf(view, group.groupId) !== 'target') {
    if (!readsBoth(view)) return new Map([['source', {}]])
    if (group.topics === null) {
      return new Map<ClusterName, Partial<AskedGroup>>([
        ['source', {}],
        ['target', guest],
      ])
    }
    const onSource = group.topics.flatMap((topic) => sourceHalf(table, topic))
    const ofTarget = group.topics.flatMap((topic) => targetHalf(table, topic))
    if (ofTarget.length === 0) return new Map([['source', {}]])
    return new Map<ClusterName, Partial<AskedGroup>>([
      ['source', { topics: onSource }],
      ['target', { ...guest, topics: ofTarget }],
    ])
  }
  if (group.topics === null) {
    const everyOfTarget = ['target', {}] as const
    return new Map(isSourceOff(view) ? [everyOfTarget] : [everyOfTarget, ['source', guest]])
  }
  const topicsOf = new Map<ClusterName, NonNullable<AskedGroup['topics']>[number][]>()
  for (const topic of group.topics) {
    const { cluster, planned } = offsetsPlace(table, topic)
    if (planned?.parallel !== undefined) {
      topicsOf.set('target', [...(topicsOf.get('target') ?? []), ...targetHalf(table, topic)])
      continue
    }
    const mine = planned === undefined ? topic : onTarget(table, topic, planned)
    if (!topicsOf.get(cluster)?.push(mine)) topicsOf.set(cluster, [mine])
  }
  const dealt = new Map<ClusterName, Partial<AskedGroup>>()
  const target = topicsOf.get('target')
  const source = topicsOf.get('source')
  if (target !== undefined || source === undefined) dealt.set('target', { topics: target ?? [] })
  if (source !== undefined) dealt.set('source', { ...guest, topics: source })
  return dealt
}

type AskedTopic = NonNullable<AskedGroup['topics']>[number]

/** What the source keeps of a topic: of an unordered one, its own partitions. */
function sourceHalf(table: RoutingTable, topic: AskedTopic): readonly AskedTopic[] {
  const planned = parallelNamed(table, topic)
  if (planned === undefined) return [topic]
  const { sourcePartitions } = planned.parallel
  const partitionIndexes = topic.partitionIndexes.filter((index) => index < sourcePartitions)
  return partitionIndexes.length === 0 ? [] : [{ ...topic, partitionIndexes }]
}

/** What the target keeps of an unordered topic, by its own numbers. */
function targetHalf(table: RoutingTable, topic: AskedTopic): readonly AskedTopic[] {
  const planned = parallelNamed(table, topic)
  if (planned === undefined) return []
  const { sourcePartitions } = planned.parallel
  const partitionIndexes = topic.partitionIndexes
    .filter((index) => index >= sourcePartitions)
    .map((index) => index - sourcePartitions)
  if (partitionIndexes.length === 0) return []
  return [{ ...onTarget(table, topic, planned), partitionIndexes }]
}

/** A group that has moved has read the source to its end, and keeps nothing of it. */
function endedOf(table: RoutingTable, { groupId, topics }: AskedGroup): FoundGroup {
  const isMoved = placeOf(table.view, groupId) === 'target'
  const ended = (isMoved ? (topics ?? []) : []).flatMap((topic): FoundTopic[] => {
    const planned = parallelNamed(table, topic)
    if (planned === undefined) return []
    const partitions = topic.partitionIndexes
      .filter((index) => index < planned.parallel.sourcePartitions)
      .map((partitionIndex) => ({ ...noOffset, partitionIndex }))
    return partitions.length === 0 ? [] : [{ ...topic, partitions }]
  })
  return { groupId, topics: ended, errorCode: 0 }
}

const noOffset = { committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }

/** What a cluster keeps of a group, as clients see it. */
function showGroup(table: RoutingTable, cluster: ClusterName, group: FoundGroup): FoundGroup {
  const { view } = table
  const isMoved = placeOf(view, group.groupId) === 'target'
  const find = plannedOnTarget(table)
  return {
    ...group,
    topics: group.topics.flatMap((topic): FoundTopic[] => {
      if (cluster === 'target') {
        const planned = find(topic)
        // Until it moves, the target keeps no more of a group than what it reads there of unordered topics.
        if (!isMoved && planned?.parallel === undefined) return []
        return [planned === undefined ? topic : showTopic(asClientsKnow(topic, planned), planned)]
      }
      const planned = view.topics.get(nameOf(table, topic))
      if (planned === undefined) return [topic]
      // What the source keeps of the plan's topics for a group that has moved is out of date.
      return isMoved ? [] : [withoutEpochs(topic)]
    }),
  }
}

const nameOf = (table: RoutingTable, { name, topicId }: FoundTopic): string =>
  name === '' ? (table.topicNames.get(topicId) ?? '') : name

const withoutEpochs = (topic: FoundTopic): FoundTopic => ({
  ...topic,
  partitions: topic.partitions.map((partition) => ({ ...partition, committedLeaderEpoch: -1 })),
})

function showTopic(topic: FoundTopic, planned: PlannedTopic): FoundTopic {
  const first = planned.parallel?.sourcePartitions ?? 0
  return {
    ...topic,
    partitions: topic.partitions.map(({ partitionIndex: native, ...partition }) => ({
      ...partition,
      partitionIndex: first + native,
      committedOffset: shownCommit(planned, first + native, partition.committedOffset),
      committedLeaderEpoch: -1,
    })),
  }
}

/**
 * One group again. A topic that both clusters tell of is what the first one, the target, tells; of an
 * unordered one each has its partitions.
 */
function joinGroup(
  table: RoutingTable,
  groupId: string,
  shares: readonly FoundGroup[],
): FoundGroup {
  const topics = new Map<string, FoundTopic>()
  for (const topic of shares.flatMap((share) => share.topics)) {
    const key = nameOf(table, topic) || topic.topicId
    const before = topics.get(key)
    if (before === undefined) topics.set(key, topic)
    else if (parallelNamed(table, topic) !== undefined) {
      topics.set(key, { ...before, partitions: [...before.partitions, ...topic.partitions] })
    }
  }
  return { groupId, topics: [...topics.values()], errorCode: firstError(shares) }
}
