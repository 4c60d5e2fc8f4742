import type { ClusterName } from '../../ids.ts'
import {
  apis,
  errorCodes,
  zeroUuid,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { anyOf, type RoutingTable } from '../table.ts'
import { openSegment, virtualEpoch } from '../timeline/index.ts'
import type { PlannedTopic } from '../view.ts'
import { nameIn, shownNames } from './by-cluster.ts'
import { showReplicas, shownNodes } from './nodes.ts'
import {
  byTargetName,
  clusterOfTopic,
  isSourceOff,
  translated,
  type Translation,
} from './translation.ts'

type Cursor = NonNullable<DescribeTopicPartitionsRequest['cursor']>
type Topic = DescribeTopicPartitionsResponse['topics'][number]
type Partition = Topic['partitions'][number]
type Page = Pick<DescribeTopicPartitionsResponse, 'topics' | 'nextCursor'>

/** In this order they are paged through: all topics of the source first. */
const order: readonly ClusterName[] = ['source', 'target']

/**
 * DescribeTopicPartitions (KIP-966): each topic where it is, as Metadata shows it. A page goes through one
 * cluster after the other, each in the order of its own names: the topic of the cursor says where it stands.
 * Each cluster is asked by name, since an empty list means every topic, of the plan or not.
 */
export const translateDescribeTopicPartitions: Translation = (table, request) => {
  const { view } = table
  if (!view.spliced && view.home === 'source') return undefined
  const api = apis.describeTopicPartitions
  const asked = bodyOf(api, request)
  const isEvery = asked.topics.length === 0
  const names = isEvery ? table.topics.keys() : asked.topics.map(({ name }) => name)
  const dealt = deal(table, names)
  const { cursor } = asked
  const standsIn = cursor === null ? 'source' : placeOfName(table, cursor.topicName)
  const clusters = order
    .slice(order.indexOf(standsIn ?? 'source'))
    .filter((cluster) => dealt[cluster].length > 0)
  const parts = clusters.map((cluster) => ({
    to: anyOf(cluster),
    body: {
      ...asked,
      topics: dealt[cluster].map((name) => ({ name: nameIn(table, cluster, name) })),
      cursor: cursor === null || cluster !== standsIn ? null : nativeCursor(table, cluster, cursor),
    },
  }))
  return translated(api, request, parts, (answers, now) => {
    const pages = answers.map((answer, i) =>
      showPage(now, clusters[i] ?? 'source', answer, isEvery),
    )
    const page = joined(pages, asked.responsePartitionLimit)
    const unknown = isEvery ? [] : dealt.nowhere.map(unknownTopic)
    return { throttleTimeMs: throttle(answers), ...page, topics: [...page.topics, ...unknown] }
  })
}

/** The cluster that is asked about a name; undefined where none knows it by that. */
function placeOfName(table: RoutingTable, name: string): ClusterName | undefined {
  const { view } = table
  // As what only the target knows a topic of the plan.
  if (!view.topics.has(name) && byTargetName(view).has(name)) {
    return isSourceOff(view) ? undefined : 'source'
  }
  return clusterOfTopic(table, name)
}

function deal(
  table: RoutingTable,
  names: Iterable<string>,
): Readonly<Record<ClusterName | 'nowhere', readonly string[]>> {
  const dealt: Record<ClusterName | 'nowhere', string[]> = { source: [], target: [], nowhere: [] }
  for (const name of names) dealt[placeOfName(table, name) ?? 'nowhere'].push(name)
  return dealt
}

const nativeCursor = (table: RoutingTable, cluster: ClusterName, cursor: Cursor): Cursor => ({
  ...cursor,
  topicName: nameIn(table, cluster, cursor.topicName),
})

/** Goes on with the next cluster's page when one is at its end and the limit leaves room for all of it. */
function joined(pages: readonly Page[], limit: number): Page {
  let all: Page = { topics: [], nextCursor: null }
  for (const page of pages) {
    if (all.nextCursor !== null) return all
    const [first] = page.topics
    if (all.topics.length > 0 && sizeOf(all) + sizeOf(page) > limit && first?.name != null) {
      return { ...all, nextCursor: { topicName: first.name, partitionIndex: 0 } }
    }
    all = { topics: [...all.topics, ...page.topics], nextCursor: page.nextCursor }
  }
  return all
}

const sizeOf = ({ topics }: Page): number =>
  topics.reduce((sum, { partitions }) => sum + partitions.length, 0)

function showPage(
  table: RoutingTable,
  cluster: ClusterName,
  { topics, nextCursor }: Page,
  isEvery: boolean,
): Page {
  const shown = shownNames(table)
  return {
    topics: topics
      .filter(({ errorCode }) => !isEvery || !hiddenErrors.has(errorCode))
      .map((topic) => {
        const name = shown(cluster, topic.name ?? '')
        const planned = table.view.topics.get(name)
        return planned === undefined
          ? showOther(table, cluster, topic)
          : showPlanned(table, cluster, topic, planned)
      }),
    nextCursor:
      nextCursor === null
        ? null
        : { ...nextCursor, topicName: shown(cluster, nextCursor.topicName) },
  }
}

/** Who asks for every topic is not told of those that are gone, or that it may not see. */
const hiddenErrors: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
])

const showOther = (table: RoutingTable, cluster: ClusterName, topic: Topic): Topic =>
  cluster === 'source'
    ? topic
    : {
        ...topic,
        partitions: topic.partitions.map((partition) => showNodes(table, cluster, partition)),
      }

/** Only the partitions that clients know: the target may have more. */
function showPlanned(
  table: RoutingTable,
  cluster: ClusterName,
  topic: Topic,
  { name, topicId, timelines }: PlannedTopic,
): Topic {
  const answered = new Map(topic.partitions.map((each) => [each.partitionIndex, each]))
  return {
    ...topic,
    name,
    topicId: topicId ?? zeroUuid,
    partitions: timelines.flatMap((timeline, partitionIndex) => {
      const open = openSegment(timeline)
      const partition = answered.get(open.partition)
      if (partition === undefined) return []
      const leaderEpoch = virtualEpoch(open, partition.leaderEpoch)
      return [{ ...showNodes(table, cluster, partition), partitionIndex, leaderEpoch }]
    }),
  }
}

function showNodes(table: RoutingTable, cluster: ClusterName, partition: Partition): Partition {
  const { eligibleLeaderReplicas, lastKnownElr } = partition
  const shown = (ids: readonly number[] | null) => ids && shownNodes(table, cluster, ids)
  return {
    ...showReplicas(table, cluster, partition),
    eligibleLeaderReplicas: shown(eligibleLeaderReplicas),
    lastKnownElr: shown(lastKnownElr),
  }
}

const unknownTopic = (name: string): Topic => ({
  errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  name,
  topicId: zeroUuid,
  isInternal: false,
  partitions: [],
  topicAuthorizedOperations: -2147483648,
})
