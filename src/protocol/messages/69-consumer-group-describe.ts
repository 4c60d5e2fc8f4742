/**
 * State and members of groups of the consumer protocol (KIP-848).
 * Versions 0-1, all flexible. Brokers offer 0 (3.9), 0-1 (4.3).
 *
 * v1: memberType (KIP-1099).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: '0-1',
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
            instanceId: string('0+', { nullable: '0+', default: null }),
            rackId: string('0+', { nullable: '0+', default: null }),
            memberEpoch: int32('0+'),
            clientId: string('0+'),
            clientHost: string('0+'),
            subscribedTopicNames: array('string', '0+'),
            subscribedTopicRegex: string('0+', { nullable: '0+', default: null }),
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
            targetAssignment: struct(
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
            memberType: int8('1+', { default: -1, ignorable: true }),
          },
          '0+',
        ),
        authorizedOperations: int32('0+', { default: -2147483648 }),
      },
      '0+',
    ),
  },
})
export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>
export type ConsumerGroupDescribeResponse = ResponseOf<typeof consumerGroupDescribe>
