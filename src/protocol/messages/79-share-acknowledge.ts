/**
 * Acknowledges records of a share group (KIP-932).
 * Versions 1-2, all flexible. Brokers offer 1-2 (4.3). v0 was early access in 3.9 and 4.0, was
 * removed in 4.1, and is left out.
 *
 * v2: renewing (KIP-1222).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const shareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: '1-2',
  flexible: '0+',
  request: {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
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
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: array(
      {
        topicId: uuid('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+', default: null }),
            currentLeader: struct(
              {
                leaderId: int32('0+'),
                leaderEpoch: int32('0+'),
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
export type ShareAcknowledgeRequest = RequestOf<typeof shareAcknowledge>
export type ShareAcknowledgeResponse = ResponseOf<typeof shareAcknowledge>
