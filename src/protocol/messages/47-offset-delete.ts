/**
 * Deletes committed offsets of a group (KIP-496). Never flexible.
 * Version 0, not flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: {
    groupId: string('0+'),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array(
      {
        name: string('0+'),
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
export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof offsetDelete>
