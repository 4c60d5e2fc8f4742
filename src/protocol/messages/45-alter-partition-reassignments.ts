/**
 * Changes the replicas of partitions (KIP-455).
 * Versions 0-1, all flexible. Brokers offer 0 (2.8, 3.9), 0-1 (4.3).
 *
 * v1: allowReplicationFactorChange (KIP-860).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const alterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            replicas: array('int32', '0+', { nullable: '0+', default: null }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof alterPartitionReassignments>
