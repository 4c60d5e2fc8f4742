import type { ClusterName } from '../../ids.ts'
import { apis, type OffsetCommitRequest } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import type { RoutingTable } from '../table.ts'
import { placeOf, type PlannedTopic } from '../view.ts'
import {
  asClientsKnow,
  groupCoordinators,
  nativeCommit,
  offsetsPlace,
  onTarget,
  plannedOnTarget,
} from './groups.ts'
import { translated, type Translation } from './translation.ts'

type Topic = OffsetCommitRequest['topics'][number]

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
    const find = plannedOnTarget(now)
    return {
      throttleTimeMs: throttle(answers),
      topics: answers.flatMap(({ topics }, i) =>
        topics.map((topic) => {
          const planned = clusters[i] === 'target' ? find(topic) : undefined
          return planned === undefined ? topic : asClientsKnow(topic, planned)
        }),
      ),
    }
  })
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
