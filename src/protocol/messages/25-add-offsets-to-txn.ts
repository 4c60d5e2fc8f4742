/**
 * Adds the offsets of a group to a transaction (KIP-98).
 * Versions 0-4, flexible from 3. Brokers offer 0-3 (2.8), 0-4 (3.9, 4.3).
 *
 * v2: PRODUCER_FENCED (KIP-588). v3: flexible. v4: TRANSACTION_ABORTABLE (KIP-890).
 */
import { api, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const addOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    groupId: string('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
})
export type AddOffsetsToTxnRequest = RequestOf<typeof addOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseOf<typeof addOffsetsToTxn>
