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

/** ShareFetch: versions 0-2. */
export const shareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: '0-2',
  flexible: '0+',
  request: {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('0+', { default: 2147483647 }),
    maxRecords: int32('1+'),
    batchSize: int32('1+'),
    shareAcquireMode: int8('2+', { ignorable: true }),
    isRenewAck: bool('2+'),
    topics: array(
      {
        topicId: uuid('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            partitionMaxBytes: int32('0'),
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
    acquisitionLockTimeoutMs: int32('1+'),
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
            records: records('0+', { nullable: '0' }),
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
