/**
 * Removes a broker that is gone from a KRaft cluster (KIP-631).
 * Version 0, all flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import { api, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const unregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
})
export type UnregisterBrokerRequest = RequestOf<typeof unregisterBroker>
export type UnregisterBrokerResponse = ResponseOf<typeof unregisterBroker>
