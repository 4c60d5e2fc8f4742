/**
 * Stores the offsets of a group.
 * Versions 0-10, flexible from 8. Brokers offer 0-8 (2.8), 0-9 (3.9), 2-10 (4.3).
 *
 * v1: generation and member; a timestamp, in v1 alone. v2: retentionTimeMs, until v4 (KIP-211).
 * v3: throttle time.
 * v6: committedLeaderEpoch (KIP-320). v7: groupInstanceId (KIP-345). v8: flexible.
 * v9: member epoch of the consumer protocol; STALE_MEMBER_EPOCH, GROUP_ID_NOT_FOUND (KIP-848).
 * v10: topics by id.
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

export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '0-10',
  flexible: '8+',
  request: {
    groupId: string('0+'),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1n, ignorable: true }),
    topics: array(
      {
        name: string('0-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            committedOffset: int64('0+'),
            committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
            commitTimestamp: int64('1', { default: -1n }),
            committedMetadata: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array(
      {
        name: string('0-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
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
export type OffsetCommitRequest = RequestOf<typeof offsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof offsetCommit>
