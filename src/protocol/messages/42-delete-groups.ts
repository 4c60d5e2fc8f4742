/**
 * Deletes empty groups (KIP-229).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9, 4.3).
 *
 * v2: flexible.
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: {
    groupsNames: array('string', '0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array(
      {
        groupId: string('0+'),
        errorCode: int16('0+'),
      },
      '0+',
    ),
  },
})
export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof deleteGroups>
