/**
 * Lists delegation tokens (KIP-48).
 * Versions 0-3, flexible from 2. Brokers offer 0-2 (2.8), 0-3 (3.9), 1-3 (4.3).
 *
 * v2: flexible. v3: who requested the token (KIP-373).
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

export const describeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: {
    owners: array(
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
  response: {
    errorCode: int16('0+'),
    tokens: array(
      {
        principalType: string('0+'),
        principalName: string('0+'),
        tokenRequesterPrincipalType: string('3+'),
        tokenRequesterPrincipalName: string('3+'),
        issueTimestamp: int64('0+'),
        expiryTimestamp: int64('0+'),
        maxTimestamp: int64('0+'),
        tokenId: string('0+'),
        hmac: bytes('0+'),
        renewers: array(
          {
            principalType: string('0+'),
            principalName: string('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
    throttleTimeMs: int32('0+'),
  },
})
export type DescribeDelegationTokenRequest = RequestOf<typeof describeDelegationToken>
export type DescribeDelegationTokenResponse = ResponseOf<typeof describeDelegationToken>
