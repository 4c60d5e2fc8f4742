/**
 * Gives a producer its id and epoch; for a transactional id, ends what an earlier producer left
 * open.
 * Versions 0-6, flexible from 2. Brokers offer 0-4 (2.8), 0-5 (3.9, 4.3).
 *
 * v2: flexible. v3: an existing id and epoch to go on with (KIP-360). v4: PRODUCER_FENCED
 * (KIP-588).
 * v5: TRANSACTION_ABORTABLE (KIP-890). v6: two-phase commit (KIP-939), which 4.3 offers only among
 * its unstable versions.
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

export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-6',
  flexible: '2+',
  request: {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1n }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+'),
    keepPreparedTxn: bool('6+'),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1n }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1n }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
})
export type InitProducerIdRequest = RequestOf<typeof initProducerId>
export type InitProducerIdResponse = ResponseOf<typeof initProducerId>
