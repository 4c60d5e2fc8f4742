/**
 * Joins, stays in and leaves a group of the consumer protocol, and carries its assignment
 * (KIP-848).
 * Versions 0-1, all flexible. Brokers offer 0 (3.9), 0-1 (4.3).
 *
 * v1: subscribedTopicRegex; the client makes its own member id (KIP-1082).
 */
import {
  api,
  array,
  int16,
  int32,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    subscribedTopicNames: array('string', '0+', { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string('0+', { nullable: '0+', default: null }),
    topicPartitions: array(
      {
        topicId: uuid('0+'),
        partitions: array('int32', '0+'),
      },
      '0+',
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct(
      {
        topicPartitions: array(
          {
            topicId: uuid('0+'),
            partitions: array('int32', '0+'),
          },
          '0+',
        ),
      },
      '0+',
      { nullable: '0+', default: null },
    ),
  },
})
export type ConsumerGroupHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof consumerGroupHeartbeat>
