/**
 * Brokers, topics, partitions and their leaders.
 * Versions 0-13, flexible from 9. Brokers offer 0-11 (2.8), 0-12 (3.9), 0-13 (4.3).
 *
 * v0: an empty list of topics means all of them; from v1 on that is null, and empty means none.
 * v1: rack, controllerId, isInternal. v2: clusterId (KIP-78). v3: throttle time. v4:
 * allowAutoTopicCreation.
 * v5: offlineReplicas (KIP-112). v7: leaderEpoch (KIP-320). v8: authorized operations (KIP-430).
 * v9: flexible.
 * v10: topicId in the response; v12: also in the request, with a null name (KIP-516).
 * v11: without cluster authorized operations, which DescribeCluster tells (KIP-700). v13:
 * errorCode at the top.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  string,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexible: '9+',
  request: {
    topics: array(
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', { nullable: '10+' }),
      },
      '0+',
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: array(
      {
        nodeId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('1+', { nullable: '1+', default: null, ignorable: true }),
      },
      '0+',
    ),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true }),
    topics: array(
      {
        errorCode: int16('0+'),
        name: string('0+', { nullable: '12+' }),
        topicId: uuid('10+', { ignorable: true }),
        isInternal: bool('1+', { ignorable: true }),
        partitions: array(
          {
            errorCode: int16('0+'),
            partitionIndex: int32('0+'),
            leaderId: int32('0+'),
            leaderEpoch: int32('7+', { default: -1, ignorable: true }),
            replicaNodes: array('int32', '0+'),
            isrNodes: array('int32', '0+'),
            offlineReplicas: array('int32', '5+', { ignorable: true }),
          },
          '0+',
        ),
        topicAuthorizedOperations: int32('8+', { default: -2147483648 }),
      },
      '0+',
    ),
    clusterAuthorizedOperations: int32('8-10', { default: -2147483648 }),
    errorCode: int16('13+', { ignorable: true }),
  },
})
export type MetadataRequest = RequestOf<typeof metadata>
export type MetadataResponse = ResponseOf<typeof metadata>
