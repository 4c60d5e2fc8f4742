/**
 * Lists access control entries (KIP-140).
 * Versions 0-3, flexible from 2. Brokers offer 0-2 (2.8), 0-3 (3.9), 1-3 (4.3).
 *
 * v1: pattern type (KIP-290). v2: flexible. v3: resource type user (KIP-373).
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

export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: '0-3',
  flexible: '2+',
  request: {
    resourceTypeFilter: int8('0+'),
    resourceNameFilter: string('0+', { nullable: '0+' }),
    patternTypeFilter: int8('1+', { default: 3 }),
    principalFilter: string('0+', { nullable: '0+' }),
    hostFilter: string('0+', { nullable: '0+' }),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    resources: array(
      {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        patternType: int8('1+', { default: 3 }),
        acls: array(
          {
            principal: string('0+'),
            host: string('0+'),
            operation: int8('0+'),
            permissionType: int8('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DescribeAclsRequest = RequestOf<typeof describeAcls>
export type DescribeAclsResponse = ResponseOf<typeof describeAcls>
