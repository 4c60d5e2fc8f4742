/**
 * Chooses a SASL mechanism.
 * Versions 0-1, not flexible. Brokers offer 0-1 (2.8, 3.9, 4.3).
 *
 * v0: the tokens follow as bare frames. v1: they follow in SaslAuthenticate (KIP-152). Never
 * flexible (KAFKA-9577).
 */
import { api, array, int16, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: {
    mechanism: string('0+'),
  },
  response: {
    errorCode: int16('0+'),
    mechanisms: array('string', '0+'),
  },
})
export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>
