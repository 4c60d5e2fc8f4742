/**
 * Moves the log start offset of partitions forward (KIP-107).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9, 4.3).
 *
 * v2: flexible.
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

export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            offset: int64('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            lowWatermark: int64('0+'),
            errorCode: int16('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof deleteRecords>
