/**
 * Partitions of topics, a page at a time (KIP-966).
 * Version 0, all flexible. Brokers offer 0 (3.9, 4.3).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array(
      {
        name: string('0+'),
      },
      '0+',
    ),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor: struct(
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      '0+',
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array(
      {
        errorCode: int16('0+'),
        name: string('0+', { nullable: '0+' }),
        topicId: uuid('0+', { ignorable: true }),
        isInternal: bool('0+', { ignorable: true }),
        partitions: array(
          {
            errorCode: int16('0+'),
            partitionIndex: int32('0+'),
            leaderId: int32('0+'),
            leaderEpoch: int32('0+', { default: -1, ignorable: true }),
            replicaNodes: array('int32', '0+'),
            isrNodes: array('int32', '0+'),
            eligibleLeaderReplicas: array('int32', '0+', { nullable: '0+', default: null }),
            lastKnownElr: array('int32', '0+', { nullable: '0+', default: null }),
            offlineReplicas: array('int32', '0+', { ignorable: true }),
          },
          '0+',
        ),
        topicAuthorizedOperations: int32('0+', { default: -2147483648 }),
      },
      '0+',
    ),
    nextCursor: struct(
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      '0+',
      { nullable: '0+', default: null },
    ),
  },
})
export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof describeTopicPartitions>
