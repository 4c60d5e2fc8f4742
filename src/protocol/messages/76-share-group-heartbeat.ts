/**
 * Joins, stays in and leaves a share group (KIP-932).
 * Version 1, all flexible. Brokers offer 1 (4.3). v0 was early access in 3.9 and 4.0, was removed
 * in 4.1, and is left out.
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

export const shareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: '1',
  flexible: '0+',
  request: {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    rackId: string('0+', { nullable: '0+', default: null }),
    subscribedTopicNames: array('string', '0+', { nullable: '0+', default: null }),
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
export type ShareGroupHeartbeatRequest = RequestOf<typeof shareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = ResponseOf<typeof shareGroupHeartbeat>
