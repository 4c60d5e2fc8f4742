/**
 * Members leave a classic group.
 * Versions 0-5, flexible from 4. Brokers offer 0-4 (2.8), 0-5 (3.9, 4.3).
 *
 * v1: throttle time. v3: a list of members, with groupInstanceId (KIP-345). v4: flexible. v5:
 * reason (KIP-800).
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+', default: null }),
        reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
      },
      '3+',
    ),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+' }),
        errorCode: int16('3+'),
      },
      '3+',
    ),
  },
})
export type LeaveGroupRequest = RequestOf<typeof leaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof leaveGroup>
