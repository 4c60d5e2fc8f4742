/**
 * Adds partitions to a transaction (KIP-98).
 * Versions 0-5, flexible from 3. Brokers offer 0-3 (2.8), 0-5 (3.9, 4.3).
 *
 * v2: PRODUCER_FENCED (KIP-588). v3: flexible.
 * v4: transactions in batches and verifyOnly, between brokers only (KIP-890). v5:
 * TRANSACTION_ABORTABLE.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: array(
      {
        transactionalId: string('4+'),
        producerId: int64('4+'),
        producerEpoch: int16('4+'),
        verifyOnly: bool('4+'),
        topics: array(
          {
            name: string('0+'),
            partitions: array('int32', '0+'),
          },
          '4+',
        ),
      },
      '4+',
    ),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array(
      {
        name: string('0+'),
        partitions: array('int32', '0+'),
      },
      '0-3',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string('4+'),
        topicResults: array(
          {
            name: string('0+'),
            resultsByPartition: array(
              {
                partitionIndex: int32('0+'),
                partitionErrorCode: int16('0+'),
              },
              '0+',
            ),
          },
          '4+',
        ),
      },
      '4+',
    ),
    resultsByTopicV3AndBelow: array(
      {
        name: string('0+'),
        resultsByPartition: array(
          {
            partitionIndex: int32('0+'),
            partitionErrorCode: int16('0+'),
          },
          '0+',
        ),
      },
      '0-3',
    ),
  },
})
export type AddPartitionsToTxnRequest = RequestOf<typeof addPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof addPartitionsToTxn>
