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
  plannedOnTarget,
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
  if (version < 5 && groups.every(({ groupId }) => placeOf(view, groupId) !== 'target')) {
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
    const joined = groups.map(({ groupId }) =>
      joinGroup(
        groupId,
        found.filter((group) => group.groupId === groupId),
      ),
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
  if (placeOf(view, group.groupId) !== 'target') return new Map([['source', {}]])
  const guest = { memberId: null, memberEpoch: -1 }
  if (group.topics === null) {
    const everyOfTarget = ['target', {}] as const
    return new Map(isSourceOff(view) ? [everyOfTarget] : [everyOfTarget, ['source', guest]])
  }
  const topicsOf = new Map<ClusterName, NonNullable<AskedGroup['topics']>[number][]>()
  for (const topic of group.topics) {
    const { cluster, planned } = offsetsPlace(table, topic)
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

const showTopic = (topic: FoundTopic, planned: PlannedTopic): FoundTopic => ({
  ...topic,
  partitions: topic.partitions.map((partition) => ({
    ...partition,
    committedOffset: shownCommit(planned, partition.partitionIndex, partition.committedOffset),
    committedLeaderEpoch: -1,
  })),
})

/** One group again; a topic that both clusters tell of is what the first one, the target, tells. */
function joinGroup(groupId: string, shares: readonly FoundGroup[]): FoundGroup {
  const topics = new Map<string, FoundTopic>()
  for (const topic of shares.flatMap((share) => share.topics)) {
    const key = `${topic.name} ${topic.topicId}`
    if (!topics.has(key)) topics.set(key, topic)
  }
  return { groupId, topics: [...topics.values()], errorCode: firstError(shares) }
}
