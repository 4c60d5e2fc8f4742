/**
 * Reads and acquires records of a share group, and acknowledges earlier ones (KIP-932).
 * Versions 1-2, all flexible. Brokers offer 1-2 (4.3). v0 was early access in 3.9 and 4.0, was
 * removed in 4.1, and is left out.
 *
 * v2: shareAcquireMode (KIP-1206), renewing (KIP-1222).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const shareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: '1-2',
  flexible: '0+',
  request: {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('0+', { default: 2147483647 }),
    maxRecords: int32('0+'),
    batchSize: int32('0+'),
    shareAcquireMode: int8('2+', { ignorable: true }),
    isRenewAck: bool('2+'),
    topics: array(
      {
        topicId: uuid('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            acknowledgementBatches: array(
              {
                firstOffset: int64('0+'),
                lastOffset: int64('0+'),
                acknowledgeTypes: array('int8', '0+'),
              },
              '0+',
            ),
          },
          '0+',
        ),
      },
      '0+',
    ),
    forgottenTopicsData: array(
      {
        topicId: uuid('0+'),
        partitions: array('int32', '0+'),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('0+'),
    responses: array(
      {
        topicId: uuid('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+', default: null }),
            acknowledgeErrorCode: int16('0+'),
            acknowledgeErrorMessage: string('0+', { nullable: '0+', default: null }),
            currentLeader: struct(
              {
                leaderId: int32('0+'),
                leaderEpoch: int32('0+'),
              },
              '0+',
            ),
            records: records('0+'),
            acquiredRecords: array(
              {
                firstOffset: int64('0+'),
                lastOffset: int64('0+'),
                deliveryCount: int16('0+'),
              },
              '0+',
            ),
          },
          '0+',
        ),
      },
      '0+',
    ),
    nodeEndpoints: array(
      {
        nodeId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('0+', { nullable: '0+', default: null }),
      },
      '0+',
    ),
  },
})
export type ShareFetchRequest = RequestOf<typeof shareFetch>
export type ShareFetchResponse = ResponseOf<typeof shareFetch>
