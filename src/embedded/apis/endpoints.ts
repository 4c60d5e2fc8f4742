import { errorCodes } from '../../protocol/index.ts'
import type { Call } from '../shared.ts'
import type { BrokerState, Partition, Topic } from '../state.ts'

/** Answers to "who leads this?" and "who is that?", shared by several handlers. */
export type Led =
  | { readonly kind: 'led'; readonly partition: Partition }
  | { readonly kind: 'refused'; readonly errorCode: number; readonly partition?: Partition }

/**
 * The partition, if the asked broker leads it; `currentLeaderEpoch` is what the client believes, -1
 * for no opinion (KIP-320).
 */
export function ledPartition(
  { shared, nodeId }: Call,
  topic: Topic | undefined,
  index: number,
  currentLeaderEpoch = -1,
): Led {
  const partition = topic?.partitions[index]
  if (partition === undefined)
    return { kind: 'refused', errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  // A broker that holds no replica never checks epochs: it does not know them.
  const isReplica = partition.replicas.includes(nodeId)
  if (isReplica && currentLeaderEpoch >= 0 && currentLeaderEpoch !== partition.leaderEpoch) {
    const isOld = currentLeaderEpoch < partition.leaderEpoch
    const errorCode = isOld ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
    return { kind: 'refused', errorCode, partition }
  }
  if (partition.leader !== nodeId || !shared.state.isUp(nodeId))
    return { kind: 'refused', errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER, partition }
  return { kind: 'led', partition }
}

export const endpoint = ({ nodeId, host, port }: BrokerState) => ({ nodeId, host, port })

/** KIP-951: who leads now, for a client that asked the wrong broker. */
export function leaderHints({ shared }: Call, leaders: ReadonlySet<number | undefined>) {
  return shared.state.live.filter(({ nodeId }) => leaders.has(nodeId)).map(endpoint)
}

/** By id in the versions that have ids, else by name. */
export function findTopic(
  { shared }: Call,
  byId: boolean,
  { name, topicId }: { readonly name: string; readonly topicId: string },
): Topic | undefined {
  return byId ? shared.state.topicById(topicId) : shared.state.topics.get(name)
}
