/**
 * Adds a voter to the metadata quorum (KIP-853).
 * Versions 0-1, all flexible. Brokers offer 0 (3.9), 0-1 (4.3).
 *
 * v1: ackWhenCommitted.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  string,
  uint16,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const addRaftVoter = api({
  key: 80,
  name: 'AddRaftVoter',
  versions: '0-1',
  flexible: '0+',
  request: {
    clusterId: string('0+', { nullable: '0+' }),
    timeoutMs: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: array(
      {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      },
      '0+',
    ),
    ackWhenCommitted: bool('1+', { default: true }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
})
export type AddRaftVoterRequest = RequestOf<typeof addRaftVoter>
export type AddRaftVoterResponse = ResponseOf<typeof addRaftVoter>
