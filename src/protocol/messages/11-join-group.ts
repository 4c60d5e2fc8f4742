/**
 * Joins a classic group: waits until every member has, then tells the leader who they are.
 * Versions 0-9, flexible from 6. Brokers offer 0-7 (2.8), 0-9 (3.9, 4.3).
 *
 * v1: rebalanceTimeoutMs (KIP-62). v2: throttle time. v4: MEMBER_ID_REQUIRED first (KIP-394).
 * v5: groupInstanceId (KIP-345). v6: flexible. v7: protocolType in the response (KIP-559).
 * v8: reason (KIP-800). v9: skipAssignment (KIP-814).
 */
import {
  api,
  array,
  bool,
  bytes,
  int16,
  int32,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string('0+'),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string('0+'),
    protocols: array(
      {
        name: string('0+'),
        metadata: bytes('0+'),
      },
      '0+',
    ),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16('0+'),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string('0+'),
    skipAssignment: bool('9+'),
    memberId: string('0+'),
    members: array(
      {
        memberId: string('0+'),
        groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
        metadata: bytes('0+'),
      },
      '0+',
    ),
  },
})
export type JoinGroupRequest = RequestOf<typeof joinGroup>
export type JoinGroupResponse = ResponseOf<typeof joinGroup>
