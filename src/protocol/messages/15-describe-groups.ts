/**
 * State, protocol and members of classic groups.
 * Versions 0-6, flexible from 5. Brokers offer 0-5 (2.8, 3.9), 0-6 (4.3).
 *
 * v1: throttle time. v3: authorized operations (KIP-430). v4: groupInstanceId (KIP-345). v5:
 * flexible.
 * v6: GROUP_ID_NOT_FOUND and errorMessage, in place of a state Dead (KIP-1043).
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

export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: array('string', '0+'),
    includeAuthorizedOperations: bool('3+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('6+', { nullable: '6+', default: null }),
        groupId: string('0+'),
        groupState: string('0+'),
        protocolType: string('0+'),
        protocolData: string('0+'),
        members: array(
          {
            memberId: string('0+'),
            groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
            clientId: string('0+'),
            clientHost: string('0+'),
            memberMetadata: bytes('0+'),
            memberAssignment: bytes('0+'),
          },
          '0+',
        ),
        authorizedOperations: int32('3+', { default: -2147483648 }),
      },
      '0+',
    ),
  },
})
export type DescribeGroupsRequest = RequestOf<typeof describeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof describeGroups>
