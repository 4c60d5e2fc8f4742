/**
 * The brokers of the cluster, its id and controller (KIP-700).
 * Versions 0-2, all flexible. Brokers offer 0 (2.8), 0-1 (3.9), 0-2 (4.3).
 *
 * v1: endpointType (KIP-919). v2: fenced brokers (KIP-1073).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool('0+'),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: array(
      {
        brokerId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('0+', { nullable: '0+', default: null }),
        isFenced: bool('2+'),
      },
      '0+',
    ),
    clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
  },
})
export type DescribeClusterRequest = RequestOf<typeof describeCluster>
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>
