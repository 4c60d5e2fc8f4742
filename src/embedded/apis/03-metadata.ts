import { apis, errorCodes, zeroUuid, type MetadataRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import type { Partition, Topic } from '../state.ts'
import { endpoint } from './endpoints.ts'
import { operations } from './operations.ts'

/**
 * Metadata, versions 0-13. Null topics (v0: none) mean all. v4: creating a missing topic can be
 * declined. v10 brings topic ids, v12 asks by them. Brokers that are down are left out.
 *
 * A topic that is created by being asked for is LEADER_NOT_AVAILABLE in this answer and there in the
 * next, as with real brokers.
 */
export const metadata = handler(apis.metadata, { min: 0, max: 13 }, (request, call) => {
  const { state } = call.shared
  const asksAll = request.topics === null || (call.apiVersion === 0 && request.topics.length === 0)
  const topics = asksAll
    ? [...state.topics.values()].map((topic) => described(call, request, topic))
    : (request.topics ?? []).map((asked) => answerTopic(call, request, asked))
  const cluster = request.includeClusterAuthorizedOperations
  return {
    brokers: state.live.map((broker) => endpoint(broker)),
    clusterId: state.clusterId,
    controllerId: state.controllerId,
    topics,
    ...(cluster ? { clusterAuthorizedOperations: operations.cluster } : {}),
  }
})

interface Asked {
  readonly topicId: string
  readonly name: string | null
}

function answerTopic(call: Call, request: MetadataRequest, { name, topicId }: Asked) {
  const { shared, apiVersion } = call
  if (name === null || (apiVersion >= 12 && topicId !== zeroUuid)) {
    const topic = shared.state.topicById(topicId)
    if (topic !== undefined) return described(call, request, topic)
    const missing = { errorCode: errorCodes.UNKNOWN_TOPIC_ID, topicId, partitions: [] }
    return { ...missing, name: apiVersion >= 12 ? null : '' }
  }
  const topic = shared.state.topics.get(name)
  if (topic !== undefined) return described(call, request, topic)
  return { errorCode: missingTopic(call, request, name), name, partitions: [] }
}

function missingTopic({ shared }: Call, request: MetadataRequest, name: string): number {
  const wanted = {
    name,
    partitions: shared.defaultPartitions,
    replicas: Math.min(shared.defaultReplicas, shared.state.brokers.size),
  }
  const refused = shared.state.refuseTopic(wanted)
  if (refused !== undefined) return refused.errorCode
  if (!shared.autoCreateTopics || !request.allowAutoTopicCreation)
    return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  shared.state.createTopic({ ...wanted, id: shared.newUuid() })
  return errorCodes.LEADER_NOT_AVAILABLE
}

function described(call: Call, request: MetadataRequest, topic: Topic) {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    partitions: topic.partitions.map((partition) => describedPartition(call, partition)),
    ...(request.includeTopicAuthorizedOperations
      ? { topicAuthorizedOperations: operations.topic }
      : {}),
  }
}

function describedPartition({ shared }: Call, partition: Partition) {
  return {
    errorCode: partition.leader < 0 ? errorCodes.LEADER_NOT_AVAILABLE : errorCodes.NONE,
    partitionIndex: partition.index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.inSync,
    offlineReplicas: partition.replicas.filter((nodeId) => !shared.state.isUp(nodeId)),
  }
}
