/**
 * Sets the offsets of a share group (KIP-932).
 * Version 0, all flexible. Brokers offer 0 (4.3).
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

export const alterShareGroupOffsets = api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string('0+'),
    topics: array(
      {
        topicName: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            startOffset: int64('0+'),
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
    responses: array(
      {
        topicName: string('0+'),
        topicId: uuid('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+', default: null }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type AlterShareGroupOffsetsRequest = RequestOf<typeof alterShareGroupOffsets>
export type AlterShareGroupOffsetsResponse = ResponseOf<typeof alterShareGroupOffsets>
