/**
 * State and members of share groups (KIP-932).
 * Version 1, all flexible. Brokers offer 1 (4.3). v0 was early access in 3.9 and 4.0, was removed
 * in 4.1, and is left out.
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

export const shareGroupDescribe = api({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: '1',
  flexible: '0+',
  request: {
    groupIds: array('string', '0+'),
    includeAuthorizedOperations: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    groups: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        groupId: string('0+'),
        groupState: string('0+'),
        groupEpoch: int32('0+'),
        assignmentEpoch: int32('0+'),
        assignorName: string('0+'),
        members: array(
          {
            memberId: string('0+'),
            rackId: string('0+', { nullable: '0+', default: null }),
            memberEpoch: int32('0+'),
            clientId: string('0+'),
            clientHost: string('0+'),
            subscribedTopicNames: array('string', '0+'),
            assignment: struct(
              {
                topicPartitions: array(
                  {
                    topicId: uuid('0+'),
                    topicName: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
              },
              '0+',
            ),
          },
          '0+',
        ),
        authorizedOperations: int32('0+', { default: -2147483648 }),
      },
      '0+',
    ),
  },
})
export type ShareGroupDescribeRequest = RequestOf<typeof shareGroupDescribe>
export type ShareGroupDescribeResponse = ResponseOf<typeof shareGroupDescribe>
