import { errorCodes, type FetchResponse } from '../../protocol/index.ts'

type Topic = FetchResponse['responses'][number]
type Partition = Topic['partitions'][number]

/** A partition that has nothing at its end, where it is asked. Never null: librdkafka takes that for an error. */
export const emptyPartition = (partitionIndex: number, end: bigint): Partition => ({
  partitionIndex,
  errorCode: 0,
  highWatermark: end,
  lastStableOffset: end,
  logStartOffset: -1n,
  divergingEpoch: { epoch: -1, endOffset: -1n },
  currentLeader: { leaderId: -1, leaderEpoch: -1 },
  snapshotId: { endOffset: -1n, epoch: -1 },
  abortedTransactions: null,
  preferredReadReplica: -1,
  records: Buffer.alloc(0),
})

/** One of which clients are to look for its leader, and see what else its topic has got. */
export const refusedTopic = (topic: string, topicId: string, partition: number): Topic => ({
  topic,
  topicId,
  partitions: [{ ...emptyPartition(partition, -1n), errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER }],
})
