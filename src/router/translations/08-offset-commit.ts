import type { ClusterName } from '../../ids.ts'
import { apis, type OffsetCommitRequest, type OffsetCommitResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { joinTopics } from '../splits/partitions.ts'
import type { RoutingTable } from '../table.ts'
import { placeOf, type PlannedTopic } from '../view.ts'
import {
  asClientsKnow,
  groupCoordinators,
  nativeCommit,
  offsetsPlace,
  onTarget,
  parallelNamed,
  plannedOnTarget,
  readsBoth,
} from './groups.ts'
import { isParallel, translated, type ParallelTopic, type Translation } from './translation.ts'

type Topic = OffsetCommitRequest['topics'][number]
type Answered = OffsetCommitResponse['topics'][number]

/**
 * OffsetCommit, every version: no leader epoch is ever stored, since it would be compared with another
 * cluster's (KIP-320). A group on the source commits the offsets that clients see. One that has moved
 * commits the target's own, so that who comes there without us resumes at the same record; of topics that
 * did not move, the source keeps its offsets, as of a group without members.
 */
export const translateOffsetCommit: Translation = (table, request, coordinators) => {
  const api = apis.offsetCommit
  const isMoved = (group: string): boolean => placeOf(table.view, group) === 'target'
  const asked = bodyOf(api, request)
  if (!isMoved(asked.groupId) && !tellsEpochs(asked)) return undefined
  const topicsOf = isMoved(asked.groupId)
    ? dealOut(table, asked.topics)
    : new Map([['source' as const, asked.topics.map(withoutEpochs)]])
  const to = groupCoordinators(coordinators, asked.groupId, topicsOf.keys())
  if ('kind' in to) return to
  const clusters = [...to.keys()]
  const parts = [...to].map(([cluster, destination]) => {
    const topics = topicsOf.get(cluster) ?? []
    const isGuest = cluster === 'source' && isMoved(asked.groupId)
    return { to: destination, body: { ...asked, ...(isGuest ? nobody : {}), topics } }
  })
  return translated(api, request, parts, (answers, now) => {
    const shown = answers.flatMap(({ topics }, i) =>
      clusters[i] === 'target' ? shownCommits(now, topics) : topics,
    )
    const ended = isMoved(asked.groupId) ? asked.topics.flatMap((each) => endedOf(now, each)) : []
    return { throttleTimeMs: throttle(answers), topics: joinedCommits(now, [...shown, ...ended]) }
  })
}

/** What the target answers, as clients know its topics and partitions. */
export function shownCommits(table: RoutingTable, topics: readonly Answered[]): Answered[] {
  const find = plannedOnTarget(table)
  return topics.map((topic) => {
    const planned = find(topic)
    if (planned === undefined) return topic
    const first = planned.parallel?.sourcePartitions ?? 0
    return asClientsKnow(
      {
        ...topic,
        partitions: topic.partitions.map((each) => ({
          ...each,
          partitionIndex: first + each.partitionIndex,
        })),
      },
      planned,
    )
  })
}

/** Of an unordered topic that its group has left behind on the source, nothing is kept: it is read. */
function endedOf(table: RoutingTable, topic: Topic): Answered[] {
  const planned = parallelNamed(table, topic)
  if (planned === undefined) return []
  const partitions = topic.partitions
    .filter(({ partitionIndex }) => partitionIndex < planned.parallel.sourcePartitions)
    .map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 }))
  const { name, topicId } = topic
  return partitions.length === 0 ? [] : [{ name, topicId, partitions }]
}

/** Each topic once: clusters answer for their partitions of it. */
export function joinedCommits(table: RoutingTable, topics: readonly Answered[]): Answered[] {
  return joinTopics(
    [topics],
    ({ name, topicId }) => (name === '' ? (table.topicNames.get(topicId) ?? topicId) : name),
    ({ partitions }) => partitions,
    (topic, partitions) => ({ ...topic, partitions }),
  )
}

/** What is committed for a group on the source that reads unordered topics: it has offsets in both clusters. */
export interface ParallelCommit {
  /** By the names of the source. */
  readonly source: readonly Topic[]
  /** By the names, numbers and offsets of the target. */
  readonly target: readonly Topic[]
}

/**
 * Parts the commit of a group on the source; undefined if nothing of it is the target's. Whether its member
 * is one, only the source knows: it goes first.
 */
export function partedCommit(
  table: RoutingTable,
  { groupId, topics }: OffsetCommitRequest,
): ParallelCommit | undefined {
  if (!readsBoth(table.view) || placeOf(table.view, groupId) === 'target') return undefined
  const target = topics.flatMap((topic) => {
    const planned = parallelNamed(table, topic)
    return planned === undefined ? [] : targetHalf(table, topic, planned)
  })
  if (target.length === 0) return undefined
  const source = topics.flatMap((topic) => {
    const planned = parallelNamed(table, topic)
    if (planned === undefined) return [withoutEpochs(topic)]
    const partitions = topic.partitions.filter(
      ({ partitionIndex }) => partitionIndex < planned.parallel.sourcePartitions,
    )
    return partitions.length === 0 ? [] : [withoutEpochs({ ...topic, partitions })]
  })
  return { source, target }
}

/** The target's partitions of an unordered topic, as it knows them. */
function targetHalf(table: RoutingTable, topic: Topic, planned: ParallelTopic): Topic[] {
  const { sourcePartitions } = planned.parallel
  const mine = topic.partitions.filter(({ partitionIndex }) => partitionIndex >= sourcePartitions)
  if (mine.length === 0) return []
  const { partitions, ...named } = native(
    table,
    withoutEpochs({ ...topic, partitions: mine }),
    planned,
  )
  return [
    {
      ...named,
      partitions: partitions.map((each) => ({
        ...each,
        partitionIndex: each.partitionIndex - sourcePartitions,
      })),
    },
  ]
}

/** Who commits for a group that has no members there. */
const nobody = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }

const tellsEpochs = ({ topics }: OffsetCommitRequest): boolean =>
  topics.some(({ partitions }) =>
    partitions.some(({ committedLeaderEpoch }) => committedLeaderEpoch >= 0),
  )

const withoutEpochs = (topic: Topic): Topic => ({
  ...topic,
  partitions: topic.partitions.map((partition) => ({ ...partition, committedLeaderEpoch: -1 })),
})

/** The topics of a moved group, each where its offsets are kept. Without any, the target says so. */
function dealOut(table: RoutingTable, topics: readonly Topic[]): Map<ClusterName, Topic[]> {
  const dealt = new Map<ClusterName, Topic[]>()
  for (const topic of topics) {
    const { cluster, planned } = offsetsPlace(table, topic)
    if (planned !== undefined && isParallel(planned)) {
      dealt.set('target', [...(dealt.get('target') ?? []), ...targetHalf(table, topic, planned)])
      continue
    }
    const bare = withoutEpochs(topic)
    const mine = planned === undefined ? bare : native(table, bare, planned)
    if (!dealt.get(cluster)?.push(mine)) dealt.set(cluster, [mine])
  }
  return dealt.size > 0 ? dealt : new Map([['target', []]])
}

function native(table: RoutingTable, topic: Topic, planned: PlannedTopic): Topic {
  return {
    ...onTarget(table, topic, planned),
    partitions: topic.partitions.map((partition) => ({
      ...partition,
      committedOffset: nativeCommit(planned, partition.partitionIndex, partition.committedOffset),
    })),
  }
}
