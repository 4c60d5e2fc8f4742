/**
 * The changes of replicas that are under way (KIP-455).
 * Version 0, all flexible. Brokers offer 0 (2.8, 3.9, 4.3).
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const listPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    topics: array(
      {
        name: string('0+'),
        partitionIndexes: array('int32', '0+'),
      },
      '0+',
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: array(
      {
        name: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            replicas: array('int32', '0+'),
            addingReplicas: array('int32', '0+'),
            removingReplicas: array('int32', '0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof listPartitionReassignments>
