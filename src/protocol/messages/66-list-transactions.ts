/**
 * The transactions that this broker coordinates (KIP-664).
 * Versions 0-2, all flexible. Brokers offer 0-1 (3.9), 0-2 (4.3).
 *
 * v1: durationFilter (KIP-994). v2: transactionalIdPattern (KIP-1152).
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

export const listTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: array('string', '0+'),
    producerIdFilters: array('int64', '0+'),
    durationFilter: int64('1+', { default: -1n }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('string', '0+'),
    transactionStates: array(
      {
        transactionalId: string('0+'),
        producerId: int64('0+'),
        transactionState: string('0+'),
      },
      '0+',
    ),
  },
})
export type ListTransactionsRequest = RequestOf<typeof listTransactions>
export type ListTransactionsResponse = ResponseOf<typeof listTransactions>
