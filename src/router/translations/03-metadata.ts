import { nodeId, type ClusterName } from '../../ids.ts'
import {
  apis,
  errorCodes,
  zeroUuid,
  type MetadataRequest,
  type MetadataResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { anyOf, type RoutingTable } from '../table.ts'
import { openSegment, virtualEpoch, writtenSegment, type Timeline } from '../timeline/index.ts'
import type { PlannedTopic } from '../view.ts'
import { showReplicas, shownBrokers, shownController, shownNode, shownNodes } from './nodes.ts'
import {
  byTargetName,
  clustersOfPlanned,
  clusterOfTopic,
  creatorOf,
  firstError,
  isParallel,
  isSourceOff,
  nativeName,
  translated,
  type ParallelTopic,
  type Translation,
} from './translation.ts'

type AskedTopic = NonNullable<MetadataRequest['topics']>[number]
type Topic = MetadataResponse['topics'][number]
type Partition = Topic['partitions'][number]
type Answers = readonly (readonly [ClusterName, MetadataResponse])[]

/**
 * Metadata, every version: behind the splice both clusters are asked, or the target alone once everything
 * has moved. Clients keep the cluster id, the topic ids and the node ids that they know.
 *
 * A topic that nobody has is created, if the client wishes so, in one cluster only. Before v4 clients
 * cannot refuse it, so that each topic is asked of the one that has it.
 */
export const translateMetadata: Translation = (table, request) => {
  const { view } = table
  if (!view.spliced && view.home === 'source') return undefined
  const api = apis.metadata
  const { version } = request
  const asked = bodyOf(api, request)
  const isEvery = asked.topics === null || (version === 0 && asked.topics.length === 0)
  const clusters: ClusterName[] = []
  const parts = (isSourceOff(view) ? ['target' as const] : (['source', 'target'] as const)).flatMap(
    (cluster) => {
      const topics = isEvery ? asked.topics : topicsFor(table, cluster, asked, version)
      // In v0, an empty list means every topic.
      if (version === 0 && !isEvery && topics?.length === 0) return []
      const mayCreate = asked.allowAutoTopicCreation && cluster === creatorOf(view)
      clusters.push(cluster)
      return [
        {
          to: anyOf(cluster),
          body: { ...asked, topics, allowAutoTopicCreation: version < 4 || mayCreate },
        },
      ]
    },
  )
  const pair = (answers: readonly MetadataResponse[]): Answers =>
    answers.map((answer, i) => [clusters[i] ?? 'source', answer])
  return translated(
    api,
    request,
    parts,
    (answers, now) => showMetadata(now, pair(answers), isEvery),
    (answers) => ({
      facts: pair(answers).map(([cluster, answer]) => ({
        kind: 'metadata',
        answer,
        scope: 'asked-topics',
        cluster,
      })),
      nodeIds: pair(answers)
        .filter(([cluster]) => cluster === 'source')
        .flatMap(([, { brokers }]) => brokers.map((broker) => nodeId(broker.nodeId))),
    }),
  )
}

/** What one cluster is asked of the topics that the client names, by its own names. */
function topicsFor(
  table: RoutingTable,
  cluster: ClusterName,
  { topics }: MetadataRequest,
  version: number,
): AskedTopic[] {
  const moved = byTargetName(table.view)
  return (topics ?? []).flatMap((topic) => {
    const name = topic.name ?? table.topicNames.get(topic.topicId)
    const planned = name === undefined ? undefined : table.view.topics.get(name)
    if (planned !== undefined) {
      if (!clustersOfPlanned(table.view, planned).includes(cluster)) return []
      return [{ topicId: zeroUuid, name: nativeName(planned, cluster) }]
    }
    if (cluster === 'target') {
      // What clients know by the target's name of a topic of the plan is none.
      if (!table.view.everyTopic || (name !== undefined && moved.has(name))) return []
    }
    if (version < 4 && name !== undefined && clusterOfTopic(table, name) !== cluster) return []
    return [topic]
  })
}

function showMetadata(table: RoutingTable, answers: Answers, isEvery: boolean): MetadataResponse {
  const { view } = table
  const home = answers.find(([cluster]) => cluster === view.home)?.[1]
  const all = answers.map(([, answer]) => answer)
  const any = home ?? all[0]
  return {
    throttleTimeMs: throttle(all),
    brokers: shownBrokers(table),
    clusterId: view.clusterId ?? any?.clusterId ?? null,
    controllerId: shownController(table, home?.controllerId ?? -1),
    topics: showTopics(table, answers, isEvery),
    clusterAuthorizedOperations: any?.clusterAuthorizedOperations ?? -2147483648,
    errorCode: firstError(all),
  }
}

/** Each topic once; that one cluster does not know it yields to what the other says. */
function showTopics(table: RoutingTable, answers: Answers, isEvery: boolean): Topic[] {
  const { view } = table
  const planned = byTargetName(view)
  const shown = new Map<string, Topic>()
  const halves = new Map<ParallelTopic, Halves>()
  for (const [cluster, answer] of answers) {
    for (const topic of answer.topics) {
      const name = topic.name ?? ''
      const mine = cluster === 'target' ? planned.get(name) : view.topics.get(name)
      if (mine !== undefined && isParallel(mine)) {
        halves.set(mine, { ...halves.get(mine), [cluster]: topic })
        continue
      }
      const next =
        mine === undefined
          ? showOther(table, cluster, topic, isEvery)
          : clustersOfPlanned(view, mine).includes(cluster)
            ? showPlanned(table, cluster, topic, mine)
            : undefined
      if (next === undefined) continue
      const key = next.name ?? next.topicId
      const before = shown.get(key)
      if (before === undefined || (isUnknown(before) && !isUnknown(next))) shown.set(key, next)
    }
  }
  for (const [topic, found] of halves) {
    const next = showParallel(table, topic, found)
    if (next !== undefined) shown.set(topic.name, next)
  }
  return [...shown.values()]
}

const isUnknown = ({ errorCode }: Topic): boolean =>
  errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION || errorCode === errorCodes.UNKNOWN_TOPIC_ID

/** A topic outside the plan. Those of the target are shown if that is where new ones are created. */
function showOther(
  table: RoutingTable,
  cluster: ClusterName,
  topic: Topic,
  isEvery: boolean,
): Topic | undefined {
  if (cluster === 'source') return topic
  if (!table.view.everyTopic) return undefined
  // A topic of the plan has this name for clients, and is another one.
  if (isEvery && topic.name !== null && table.view.topics.has(topic.name)) return undefined
  return {
    ...topic,
    partitions: topic.partitions.map((partition) => showReplicas(table, cluster, partition)),
  }
}

function showPlanned(
  table: RoutingTable,
  cluster: ClusterName,
  topic: Topic,
  { name, topicId, timelines }: PlannedTopic,
): Topic {
  const answered = partitionsOf(topic)
  return {
    ...topic,
    name,
    topicId: topicId ?? zeroUuid,
    partitions:
      topic.errorCode !== 0 && topic.partitions.length === 0
        ? []
        : timelines.map((timeline, i) => showPartition(table, cluster, answered, timeline, i)),
  }
}

/** What each cluster says of an unordered topic. */
type Halves = Readonly<Partial<Record<ClusterName, Topic>>>

/**
 * N + M partitions, never fewer: those of the source as it shows them, then those of the target. Who leads a
 * partition of a source that is off, or has no such topic any more, is the leader of where it is written to:
 * it answers that there is nothing to read.
 */
function showParallel(
  table: RoutingTable,
  { name, topicId, timelines, parallel }: ParallelTopic,
  { source, target }: Halves,
): Topic | undefined {
  const known = [source, target].find((half) => half !== undefined && half.errorCode === 0)
  const first = known ?? source ?? target
  if (first === undefined) return undefined
  // Whoever may not see it on the source may not see it at all.
  if (source !== undefined && source.errorCode !== 0 && !isUnknown(source)) {
    return { ...source, name, topicId: topicId ?? zeroUuid, partitions: [] }
  }
  if (known === undefined) return { ...first, name, topicId: topicId ?? zeroUuid, partitions: [] }
  const onSource = partitionsOf(source)
  const onTarget = partitionsOf(target)
  return {
    ...known,
    name,
    topicId: topicId ?? zeroUuid,
    partitions: timelines.map((timeline, i) => {
      if (i >= parallel.sourcePartitions) {
        return showPartition(table, 'target', onTarget, timeline, i)
      }
      const partition = onSource.get(i)
      if (partition !== undefined) return showReplicas(table, 'source', partition)
      const { partition: written } = writtenSegment(parallel, timelines, i)
      const standIn = onTarget.get(written)
      if (standIn === undefined) return leaderless(i)
      return { ...showReplicas(table, 'target', standIn), partitionIndex: i, leaderEpoch: -1 }
    }),
  }
}

const partitionsOf = (topic: Topic | undefined): ReadonlyMap<number, Partition> =>
  new Map((topic?.partitions ?? []).map((each) => [each.partitionIndex, each]))

const leaderless = (partitionIndex: number): Partition => ({
  errorCode: errorCodes.LEADER_NOT_AVAILABLE,
  partitionIndex,
  leaderId: -1,
  leaderEpoch: -1,
  replicaNodes: [],
  isrNodes: [],
  offlineReplicas: [],
})

function showPartition(
  table: RoutingTable,
  cluster: ClusterName,
  answered: ReadonlyMap<number, Partition>,
  timeline: Timeline,
  partitionIndex: number,
): Partition {
  const open = openSegment(timeline)
  const partition = answered.get(open.partition)
  if (partition === undefined) return leaderless(partitionIndex)
  return {
    ...showReplicas(table, cluster, partition),
    partitionIndex,
    leaderEpoch: virtualEpoch(open, partition.leaderEpoch),
    ...(table.view.leadersStay ? ledBefore(table, timeline) : {}),
  }
}

/** Who leads a partition on the source, where it begins there. Nothing, where nobody does. */
function ledBefore(table: RoutingTable, [first]: Timeline): Partial<Partition> {
  if (first.cluster !== 'source') return {}
  const known = table.source.topics.get(first.topic)?.partitions[first.partition]
  const leaderId = shownNode(table, 'source', known?.leader ?? -1)
  if (known === undefined || leaderId < 0) return {}
  const replicaNodes = shownNodes(table, 'source', known.replicas)
  const leaderEpoch = virtualEpoch(first, known.leaderEpoch)
  return { errorCode: 0, leaderId, leaderEpoch, replicaNodes, isrNodes: replicaNodes }
}
