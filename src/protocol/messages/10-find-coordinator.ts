/**
 * Which broker coordinates a group or a transactional id.
 * Versions 0-6, flexible from 3. Brokers offer 0-3 (2.8), 0-6 (3.9, 4.3).
 *
 * v1: keyType (0 group, 1 transaction), throttle time, errorMessage. v3: flexible.
 * v4: a list of keys in place of one (KIP-699). v5: TRANSACTION_ABORTABLE (KIP-890).
 * v6: keyType 2, a share group's "groupId:topicId:partition" (KIP-932).
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

export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: array('string', '4+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array(
      {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', { nullable: '4+', ignorable: true }),
      },
      '4+',
    ),
  },
})
export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof findCoordinator>
