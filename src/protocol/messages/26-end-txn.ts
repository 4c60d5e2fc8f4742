/**
 * Commits or aborts a transaction (KIP-98).
 * Versions 0-5, flexible from 3. Brokers offer 0-3 (2.8), 0-4 (3.9), 0-5 (4.3).
 *
 * v2: PRODUCER_FENCED (KIP-588). v3: flexible. v4: TRANSACTION_ABORTABLE. v5: a new epoch for
 * every transaction (KIP-890).
 */
import {
  api,
  bool,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerId: int64('5+', { default: -1n, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
})
export type EndTxnRequest = RequestOf<typeof endTxn>
export type EndTxnResponse = ResponseOf<typeof endTxn>
