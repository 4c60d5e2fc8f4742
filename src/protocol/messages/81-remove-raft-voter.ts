/**
 * Removes a voter from the metadata quorum (KIP-853).
 * Version 0, all flexible. Brokers offer 0 (3.9, 4.3).
 */
import { api, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts'

export const removeRaftVoter = api({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: '0',
  flexible: '0+',
  request: {
    clusterId: string('0+', { nullable: '0+' }),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
})
export type RemoveRaftVoterRequest = RequestOf<typeof removeRaftVoter>
export type RemoveRaftVoterResponse = ResponseOf<typeof removeRaftVoter>
