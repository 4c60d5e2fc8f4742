/**
 * Renews a delegation token (KIP-48).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9), 1-2 (4.3).
 *
 * v2: flexible.
 */
import { api, bytes, int16, int32, int64, type RequestOf, type ResponseOf } from '../schema.ts'

export const renewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: {
    hmac: bytes('0+'),
    renewPeriodMs: int64('0+'),
  },
  response: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
})
export type RenewDelegationTokenRequest = RequestOf<typeof renewDelegationToken>
export type RenewDelegationTokenResponse = ResponseOf<typeof renewDelegationToken>
