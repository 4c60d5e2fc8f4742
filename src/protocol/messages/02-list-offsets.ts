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

/** ListOffsets: versions 0-11. */
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
