/**
 * The groups that this broker coordinates.
 * Versions 0-5, flexible from 3. Brokers offer 0-4 (2.8), 0-5 (3.9, 4.3).
 *
 * v1: throttle time. v3: flexible. v4: states (KIP-518). v5: types (KIP-848).
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array('string', '4+'),
    typesFilter: array('string', '5+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array(
      {
        groupId: string('0+'),
        protocolType: string('0+'),
        groupState: string('4+', { ignorable: true }),
        groupType: string('5+', { ignorable: true }),
      },
      '0+',
    ),
  },
})
export type ListGroupsRequest = RequestOf<typeof listGroups>
export type ListGroupsResponse = ResponseOf<typeof listGroups>
