/**
 * Changes the SCRAM credentials of users (KIP-554).
 * Version 0, all flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const alterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: {
    deletions: array(
      {
        name: string('0+'),
        mechanism: int8('0+'),
      },
      '0+',
    ),
    upsertions: array(
      {
        name: string('0+'),
        mechanism: int8('0+'),
        iterations: int32('0+'),
        salt: bytes('0+'),
        saltedPassword: bytes('0+'),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array(
      {
        user: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      '0+',
    ),
  },
})
export type AlterUserScramCredentialsRequest = RequestOf<typeof alterUserScramCredentials>
export type AlterUserScramCredentialsResponse = ResponseOf<typeof alterUserScramCredentials>
