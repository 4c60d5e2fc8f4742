import { nodeId, type NodeId } from '../ids.ts'
import { zeroUuid, type MetadataResponse } from '../protocol/index.ts'

/** What one cluster said of itself: an immutable snapshot, replaced as a whole when it changes. */
export interface Topology {
  readonly clusterId: string | null
  /** -1 while unknown. */
  readonly controllerId: NodeId
  readonly brokers: ReadonlyMap<NodeId, Broker>
  readonly topics: ReadonlyMap<string, Topic>
  readonly topicNames: ReadonlyMap<string, string>
}

export interface Broker {
  readonly nodeId: NodeId
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface Topic {
  readonly name: string
  /** Null where brokers have no topic ids (before 2.8). */
  readonly topicId: string | null
  /** By partition number; a gap means that the partition is not known. */
  readonly partitions: readonly (Partition | undefined)[]
}

export interface Partition {
  /** -1 while there is none. */
  readonly leader: NodeId
  readonly leaderEpoch: number
  readonly replicas: readonly NodeId[]
}

export const emptyTopology: Topology = {
  clusterId: null,
  controllerId: nodeId(-1),
  brokers: new Map(),
  topics: new Map(),
  topicNames: new Map(),
}

/** Whether a Metadata answer lists every topic of the cluster, or only those it was asked for. */
export type MetadataScope = 'every-topic' | 'asked-topics'

/**
 * The snapshot after one more Metadata answer; the same object when it told nothing new. A leader with a
 * lower epoch than the known one comes from a broker that lags behind and is not believed (KIP-320).
 */
export function learnMetadata(
  known: Topology,
  answer: MetadataResponse,
  scope: MetadataScope,
): Topology {
  const brokers = learnBrokers(known.brokers, answer.brokers)
  let topics: Map<string, Topic> | undefined
  let topicNames: Map<string, string> | undefined
  const change = (): Map<string, Topic> => (topics ??= new Map(known.topics))
  const changeNames = (): Map<string, string> => (topicNames ??= new Map(known.topicNames))
  const forget = (name: string): void => {
    const topicId = known.topics.get(name)?.topicId
    change().delete(name)
    if (topicId != null) changeNames().delete(topicId)
  }
  const seen = new Set<string>()
  for (const answered of answer.topics) {
    if (answered.name === null) continue
    seen.add(answered.name)
    if (answered.errorCode !== 0 && answered.partitions.length === 0) {
      // 3 is UNKNOWN_TOPIC_OR_PARTITION: it was deleted. Other errors say nothing about it.
      if (answered.errorCode === 3 && known.topics.has(answered.name)) forget(answered.name)
      continue
    }
    const before = known.topics.get(answered.name)
    const after = learnTopic(before, answered.name, answered)
    if (after === before) continue
    change().set(answered.name, after)
    if (after.topicId !== null && after.topicId !== before?.topicId) {
      if (before?.topicId != null) changeNames().delete(before.topicId)
      changeNames().set(after.topicId, after.name)
    }
  }
  if (scope === 'every-topic') {
    for (const name of known.topics.keys()) if (!seen.has(name)) forget(name)
  }
  const clusterId = answer.clusterId ?? known.clusterId
  const controllerId = answer.controllerId >= 0 ? nodeId(answer.controllerId) : known.controllerId
  if (
    brokers === known.brokers &&
    topics === undefined &&
    clusterId === known.clusterId &&
    controllerId === known.controllerId
  ) {
    return known
  }
  return {
    clusterId,
    controllerId,
    brokers,
    topics: topics ?? known.topics,
    topicNames: topicNames ?? known.topicNames,
  }
}

type AnsweredBroker = MetadataResponse['brokers'][number]
type AnsweredTopic = MetadataResponse['topics'][number]

function learnBrokers(
  known: ReadonlyMap<NodeId, Broker>,
  answered: readonly AnsweredBroker[],
): ReadonlyMap<NodeId, Broker> {
  const same =
    known.size === answered.length &&
    answered.every((broker) => {
      const before = known.get(nodeId(broker.nodeId))
      return (
        before?.host === broker.host && before.port === broker.port && before.rack === broker.rack
      )
    })
  // A broker that is still starting may answer before it knows anybody.
  if (same || answered.length === 0) return known
  return new Map(
    answered.map(({ nodeId: id, host, port, rack }) => [
      nodeId(id),
      { nodeId: nodeId(id), host, port, rack },
    ]),
  )
}

function learnTopic(before: Topic | undefined, name: string, answered: AnsweredTopic): Topic {
  const topicId = answered.topicId === zeroUuid ? (before?.topicId ?? null) : answered.topicId
  const recreated = before !== undefined && before.topicId !== null && topicId !== before.topicId
  const partitions: (Partition | undefined)[] = []
  let changed = before === undefined || topicId !== before.topicId
  for (const partition of answered.partitions) {
    const index = partition.partitionIndex
    const known = recreated ? undefined : before?.partitions[index]
    const next = learnPartition(known, partition)
    partitions[index] = next
    if (next !== known) changed = true
  }
  if (before !== undefined && before.partitions.length !== partitions.length) changed = true
  return changed || before === undefined ? { name, topicId, partitions } : before
}

function learnPartition(
  known: Partition | undefined,
  answered: AnsweredTopic['partitions'][number],
): Partition {
  if (known !== undefined) {
    if (answered.leaderEpoch >= 0 && answered.leaderEpoch < known.leaderEpoch) return known
    const same =
      known.leader === answered.leaderId &&
      known.leaderEpoch === answered.leaderEpoch &&
      known.replicas.length === answered.replicaNodes.length &&
      known.replicas.every((id, i) => id === answered.replicaNodes[i])
    if (same) return known
  }
  return {
    leader: nodeId(answered.leaderId),
    leaderEpoch: answered.leaderEpoch,
    replicas: answered.replicaNodes.map(nodeId),
  }
}
