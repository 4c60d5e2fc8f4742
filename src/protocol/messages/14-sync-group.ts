/**
 * The leader of a classic group hands in the assignment; every member gets its own.
 * Versions 0-5, flexible from 4. Brokers offer 0-5 (2.8, 3.9, 4.3).
 *
 * v1: throttle time. v3: groupInstanceId (KIP-345). v4: flexible. v5: protocolType, protocolName
 * (KIP-559).
 */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: array(
      {
        memberId: string('0+'),
        assignment: bytes('0+'),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+'),
  },
})
export type SyncGroupRequest = RequestOf<typeof syncGroup>
export type SyncGroupResponse = ResponseOf<typeof syncGroup>
