/**
 * The end offset of a leader epoch: how a consumer notices truncation (KIP-101, KIP-320).
 * Versions 0-4, flexible from 4. Brokers offer 0-4 (2.8, 3.9), 2-4 (4.3).
 *
 * v1: leaderEpoch in the response. v2: currentLeaderEpoch, throttle time. v3: replicaId (KIP-392).
 * v4: flexible.
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

export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '0-4',
  flexible: '4+',
  request: {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array(
      {
        topic: string('0+'),
        partitions: array(
          {
            partition: int32('0+'),
            currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
            leaderEpoch: int32('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array(
      {
        topic: string('0+'),
        partitions: array(
          {
            errorCode: int16('0+'),
            partition: int32('0+'),
            leaderEpoch: int32('1+', { default: -1, ignorable: true }),
            endOffset: int64('0+', { default: -1n }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof offsetForLeaderEpoch>
