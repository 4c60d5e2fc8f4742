/**
 * Offsets from which share groups go on (KIP-932).
 * Versions 0-1, all flexible. Brokers offer 0-1 (4.3).
 *
 * v1: lag (KIP-1226).
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  string,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: '0-1',
  flexible: '0+',
  request: {
    groups: array(
      {
        groupId: string('0+'),
        topics: array(
          {
            topicName: string('0+'),
            partitions: array('int32', '0+'),
          },
          '0+',
          { nullable: '0+' },
        ),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    groups: array(
      {
        groupId: string('0+'),
        topics: array(
          {
            topicName: string('0+'),
            topicId: uuid('0+'),
            partitions: array(
              {
                partitionIndex: int32('0+'),
                startOffset: int64('0+'),
                leaderEpoch: int32('0+'),
                lag: int64('1+', { default: -1n, ignorable: true }),
                errorCode: int16('0+'),
                errorMessage: string('0+', { nullable: '0+', default: null }),
              },
              '0+',
            ),
          },
          '0+',
        ),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      },
      '0+',
    ),
  },
})
export type DescribeShareGroupOffsetsRequest = RequestOf<typeof describeShareGroupOffsets>
export type DescribeShareGroupOffsetsResponse = ResponseOf<typeof describeShareGroupOffsets>
