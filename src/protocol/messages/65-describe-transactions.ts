/**
 * State of transactions by transactional id (KIP-664).
 * Version 0, all flexible. Brokers offer 0 (3.9, 4.3).
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

export const describeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  request: {
    transactionalIds: array('string', '0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    transactionStates: array(
      {
        errorCode: int16('0+'),
        transactionalId: string('0+'),
        transactionState: string('0+'),
        transactionTimeoutMs: int32('0+'),
        transactionStartTimeMs: int64('0+'),
        producerId: int64('0+'),
        producerEpoch: int16('0+'),
        topics: array(
          {
            topic: string('0+'),
            partitions: array('int32', '0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>
export type DescribeTransactionsResponse = ResponseOf<typeof describeTransactions>
