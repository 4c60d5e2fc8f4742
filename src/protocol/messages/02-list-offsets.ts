/**
 * Finds an offset by timestamp, or by a special one: -1 latest, -2 earliest, and those below.
 * Versions 0-11, flexible from 6. Brokers offer 0-6 (2.8), 0-9 (3.9), 1-11 (4.3).
 *
 * v0: up to maxNumOffsets offsets, of segment starts. v1: one offset and its timestamp (KIP-79).
 * v2: isolationLevel (KIP-98), throttle time. v4: currentLeaderEpoch, leaderEpoch (KIP-320).
 * v5: OFFSET_NOT_AVAILABLE. v6: flexible. v7: -3 max timestamp (KIP-734). v8: -4 earliest local
 * (KIP-405).
 * v9: -5 last tiered (KIP-1005). v10: timeoutMs (KIP-1075). v11: -6 earliest pending upload
 * (KIP-1023).
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-11',
  flexible: '6+',
  request: {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
            timestamp: int64('0+'),
            maxNumOffsets: int32('0', { default: 1 }),
          },
          '0+',
        ),
      },
      '0+',
    ),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            oldStyleOffsets: array('int64', '0'),
            timestamp: int64('1+', { default: -1n }),
            offset: int64('1+', { default: -1n }),
            leaderEpoch: int32('4+', { default: -1 }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type ListOffsetsRequest = RequestOf<typeof listOffsets>
export type ListOffsetsResponse = ResponseOf<typeof listOffsets>
