/**
 * Appends record batches to partitions. With acks=0 there is no response at all.
 * Versions 0-13, flexible from 9. Brokers offer 0-9 (2.8), 0-11 (3.9), 3-13 (4.3).
 *
 * v1: throttle time. v2: logAppendTimeMs; message format v1.
 * v3: transactionalId and record batches v2 (KIP-98); one batch per partition from here on.
 * v4: KAFKA_STORAGE_ERROR may be answered (KIP-112). v5: logStartOffset.
 * v7: zstd (KIP-110). v8: recordErrors and errorMessage (KIP-467). v9: flexible.
 * v10: current leader and its address as tagged fields (KIP-951).
 * v11: TRANSACTION_ABORTABLE may be answered. v12: in a transaction, stands for AddPartitionsToTxn
 * too (KIP-890).
 * v13: topics by id, not by name (KIP-516).
 * Brokers 4.x list v0-2 in ApiVersions for librdkafka's sake and refuse them (KAFKA-18659).
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  records,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const produce = api({
  key: 0,
  name: 'Produce',
  versions: '0-13',
  flexible: '9+',
  request: {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array(
      {
        name: string('0-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitionData: array(
          {
            index: int32('0+'),
            records: records('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    responses: array(
      {
        name: string('0-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitionResponses: array(
          {
            index: int32('0+'),
            errorCode: int16('0+'),
            baseOffset: int64('0+'),
            logAppendTimeMs: int64('2+', { default: -1n, ignorable: true }),
            logStartOffset: int64('5+', { default: -1n, ignorable: true }),
            recordErrors: array(
              {
                batchIndex: int32('8+'),
                batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
              },
              '8+',
              { ignorable: true },
            ),
            errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
            currentLeader: struct(
              {
                leaderId: int32('10+', { default: -1 }),
                leaderEpoch: int32('10+', { default: -1 }),
              },
              '10+',
              { tag: 0, tagged: '10+' },
            ),
          },
          '0+',
        ),
      },
      '0+',
    ),
    throttleTimeMs: int32('1+', { ignorable: true }),
    nodeEndpoints: array(
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      '10+',
      { tag: 0, tagged: '10+' },
    ),
  },
})
export type ProduceRequest = RequestOf<typeof produce>
export type ProduceResponse = ResponseOf<typeof produce>
