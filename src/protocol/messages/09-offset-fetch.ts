/**
 * The committed offsets of one group, from v8 on of several.
 * Versions 0-10, flexible from 6. Brokers offer 0-7 (2.8), 0-9 (3.9), 1-10 (4.3).
 *
 * v0: read from ZooKeeper. v1: from the offsets topic. v2: null topics means all; errorCode at the
 * top.
 * v3: throttle time. v5: committedLeaderEpoch (KIP-320). v6: flexible. v7: requireStable
 * (KIP-447).
 * v8: a list of groups in place of one (KIP-709). v9: memberId, memberEpoch (KIP-848). v10: topics
 * by id.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '0-10',
  flexible: '6+',
  request: {
    groupId: string('0-7'),
    topics: array(
      {
        name: string('0-7'),
        partitionIndexes: array('int32', '0-7'),
      },
      '0-7',
      { nullable: '2-7' },
    ),
    groups: array(
      {
        groupId: string('8+'),
        memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
        memberEpoch: int32('9+', { default: -1, ignorable: true }),
        topics: array(
          {
            name: string('8-9', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitionIndexes: array('int32', '8+'),
          },
          '8+',
          { nullable: '8+' },
        ),
      },
      '8+',
    ),
    requireStable: bool('7+'),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array(
      {
        name: string('0-7'),
        partitions: array(
          {
            partitionIndex: int32('0-7'),
            committedOffset: int64('0-7'),
            committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
            metadata: string('0-7', { nullable: '0-7' }),
            errorCode: int16('0-7'),
          },
          '0-7',
        ),
      },
      '0-7',
    ),
    errorCode: int16('2-7', { ignorable: true }),
    groups: array(
      {
        groupId: string('8+'),
        topics: array(
          {
            name: string('8-9', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitions: array(
              {
                partitionIndex: int32('8+'),
                committedOffset: int64('8+'),
                committedLeaderEpoch: int32('8+', { default: -1, ignorable: true }),
                metadata: string('8+', { nullable: '8+' }),
                errorCode: int16('8+'),
              },
              '8+',
            ),
          },
          '8+',
        ),
        errorCode: int16('8+'),
      },
      '8+',
    ),
  },
})
export type OffsetFetchRequest = RequestOf<typeof offsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof offsetFetch>
