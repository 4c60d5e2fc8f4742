/**
 * Reads which SCRAM credentials users have (KIP-554).
 * Version 0, all flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import {
  api,
  array,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: {
    users: array(
      {
        name: string('0+'),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array(
      {
        user: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        credentialInfos: array(
          {
            mechanism: int8('0+'),
            iterations: int32('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DescribeUserScramCredentialsRequest = RequestOf<typeof describeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof describeUserScramCredentials>
