/**
 * Creates a delegation token (KIP-48).
 * Versions 0-3, flexible from 2. Brokers offer 0-2 (2.8), 0-3 (3.9), 1-3 (4.3).
 *
 * v2: flexible. v3: for another owner (KIP-373).
 */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const createDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array(
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      '0+',
    ),
    maxLifetimeMs: int64('0+'),
  },
  response: {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64('0+'),
    expiryTimestampMs: int64('0+'),
    maxTimestampMs: int64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
})
export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationToken>
export type CreateDelegationTokenResponse = ResponseOf<typeof createDelegationToken>
