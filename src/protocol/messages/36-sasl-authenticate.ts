/**
 * One step of a SASL exchange (KIP-152).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9, 4.3).
 *
 * v1: sessionLifetimeMs (KIP-368). v2: flexible.
 */
import { api, bytes, int16, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: {
    authBytes: bytes('0+'),
  },
  response: {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { ignorable: true }),
  },
})
export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof saslAuthenticate>
