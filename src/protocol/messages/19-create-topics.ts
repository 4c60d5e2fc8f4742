/**
 * Creates topics.
 * Versions 0-7, flexible from 5. Brokers offer 0-7 (2.8, 3.9), 2-7 (4.3).
 *
 * v1: validateOnly, errorMessage. v2: throttle time. v4: -1 takes the broker's default count
 * (KIP-464).
 * v5: flexible; what was created is told (KIP-525). v6: THROTTLING_QUOTA_EXCEEDED (KIP-599). v7:
 * topicId (KIP-516).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '0-7',
  flexible: '5+',
  request: {
    topics: array(
      {
        name: string('0+'),
        numPartitions: int32('0+'),
        replicationFactor: int16('0+'),
        assignments: array(
          {
            partitionIndex: int32('0+'),
            brokerIds: array('int32', '0+'),
          },
          '0+',
        ),
        configs: array(
          {
            name: string('0+'),
            value: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+'),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array(
      {
        name: string('0+'),
        topicId: uuid('7+', { ignorable: true }),
        errorCode: int16('0+'),
        errorMessage: string('1+', { nullable: '1+', ignorable: true }),
        topicConfigErrorCode: int16('5+', { tag: 0, tagged: '5+', ignorable: true }),
        numPartitions: int32('5+', { default: -1, ignorable: true }),
        replicationFactor: int16('5+', { default: -1, ignorable: true }),
        configs: array(
          {
            name: string('5+'),
            value: string('5+', { nullable: '5+' }),
            readOnly: bool('5+'),
            configSource: int8('5+', { default: -1, ignorable: true }),
            isSensitive: bool('5+'),
          },
          '5+',
          { nullable: '5+', ignorable: true },
        ),
      },
      '0+',
    ),
  },
})
export type CreateTopicsRequest = RequestOf<typeof createTopics>
export type CreateTopicsResponse = ResponseOf<typeof createTopics>
