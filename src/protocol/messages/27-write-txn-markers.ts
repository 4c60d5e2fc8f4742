/**
 * Writes the end of a transaction into partitions: between brokers, and for aborting a hanging one
 * (KIP-664).
 * Versions 0-2, flexible from 1. Brokers offer 0-1 (2.8, 3.9), 1-2 (4.3).
 *
 * v1: flexible. v2: transactionVersion (KIP-1228).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '0-2',
  flexible: '1+',
  request: {
    markers: array(
      {
        producerId: int64('0+'),
        producerEpoch: int16('0+'),
        transactionResult: bool('0+'),
        topics: array(
          {
            name: string('0+'),
            partitionIndexes: array('int32', '0+'),
          },
          '0+',
        ),
        coordinatorEpoch: int32('0+'),
        transactionVersion: int8('2+', { ignorable: true }),
      },
      '0+',
    ),
  },
  response: {
    markers: array(
      {
        producerId: int64('0+'),
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
      '0+',
    ),
  },
})
export type WriteTxnMarkersRequest = RequestOf<typeof writeTxnMarkers>
export type WriteTxnMarkersResponse = ResponseOf<typeof writeTxnMarkers>
