/**
 * The producers that partitions remember (KIP-664).
 * Version 0, all flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array(
      {
        name: string('0+'),
        partitionIndexes: array('int32', '0+'),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+', default: null }),
            activeProducers: array(
              {
                producerId: int64('0+'),
                producerEpoch: int32('0+'),
                lastSequence: int32('0+', { default: -1 }),
                lastTimestamp: int64('0+', { default: -1n }),
                coordinatorEpoch: int32('0+'),
                currentTxnStartOffset: int64('0+', { default: -1n }),
              },
              '0+',
            ),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DescribeProducersRequest = RequestOf<typeof describeProducers>
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>
