/**
 * Stores the offsets of a group as part of a transaction (KIP-98).
 * Versions 0-5, flexible from 3. Brokers offer 0-3 (2.8), 0-4 (3.9), 0-5 (4.3).
 *
 * v2: committedLeaderEpoch (KIP-320). v3: flexible; memberId, groupInstanceId, generationId
 * (KIP-447).
 * v4: TRANSACTION_ABORTABLE. v5: stands for AddOffsetsToTxn too (KIP-890).
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

export const txnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    groupId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    generationId: int32('3+', { default: -1 }),
    memberId: string('3+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            committedOffset: int64('0+'),
            committedLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
            committedMetadata: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
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
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type TxnOffsetCommitRequest = RequestOf<typeof txnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseOf<typeof txnOffsetCommit>
