import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

/** ListPartitionReassignments: versions 0. */
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
