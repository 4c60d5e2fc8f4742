/**
 * A classic member says that it lives, and learns that the group rebalances.
 * Versions 0-4, flexible from 4. Brokers offer 0-4 (2.8, 3.9, 4.3).
 *
 * v1: throttle time. v3: groupInstanceId (KIP-345). v4: flexible.
 */
import { api, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  },
})
export type HeartbeatRequest = RequestOf<typeof heartbeat>
export type HeartbeatResponse = ResponseOf<typeof heartbeat>
