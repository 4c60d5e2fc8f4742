/**
 * Adds partitions to topics (KIP-195).
 * Versions 0-3, flexible from 2. Brokers offer 0-3 (2.8, 3.9, 4.3).
 *
 * v2: flexible. v3: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array(
      {
        name: string('0+'),
        count: int32('0+'),
        assignments: array(
          {
            brokerIds: array('int32', '0+'),
          },
          '0+',
          { nullable: '0+' },
        ),
      },
      '0+',
    ),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array(
      {
        name: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      },
      '0+',
    ),
  },
})
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>
