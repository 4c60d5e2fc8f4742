/**
 * State and members of streams groups (KIP-1071).
 * Version 0, all flexible. Brokers offer 0 (4.3).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  struct,
  uint16,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const streamsGroupDescribe = api({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: '0',
  flexible: '0+',
  request: {
    groupIds: array('string', '0+'),
    includeAuthorizedOperations: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    groups: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        groupId: string('0+'),
        groupState: string('0+'),
        groupEpoch: int32('0+'),
        assignmentEpoch: int32('0+'),
        topology: struct(
          {
            epoch: int32('0+'),
            subtopologies: array(
              {
                subtopologyId: string('0+'),
                sourceTopics: array('string', '0+'),
                repartitionSinkTopics: array('string', '0+'),
                stateChangelogTopics: array(
                  {
                    name: string('0+'),
                    partitions: int32('0+'),
                    replicationFactor: int16('0+'),
                    topicConfigs: array(
                      {
                        key: string('0+'),
                        value: string('0+'),
                      },
                      '0+',
                    ),
                  },
                  '0+',
                ),
                repartitionSourceTopics: array(
                  {
                    name: string('0+'),
                    partitions: int32('0+'),
                    replicationFactor: int16('0+'),
                    topicConfigs: array(
                      {
                        key: string('0+'),
                        value: string('0+'),
                      },
                      '0+',
                    ),
                  },
                  '0+',
                ),
              },
              '0+',
              { nullable: '0+', default: null },
            ),
          },
          '0+',
          { nullable: '0+', default: null },
        ),
        members: array(
          {
            memberId: string('0+'),
            memberEpoch: int32('0+'),
            instanceId: string('0+', { nullable: '0+', default: null }),
            rackId: string('0+', { nullable: '0+', default: null }),
            clientId: string('0+'),
            clientHost: string('0+'),
            topologyEpoch: int32('0+'),
            processId: string('0+'),
            userEndpoint: struct(
              {
                host: string('0+'),
                port: uint16('0+'),
              },
              '0+',
              { nullable: '0+', default: null },
            ),
            clientTags: array(
              {
                key: string('0+'),
                value: string('0+'),
              },
              '0+',
            ),
            taskOffsets: array(
              {
                subtopologyId: string('0+'),
                partition: int32('0+'),
                offset: int64('0+'),
              },
              '0+',
            ),
            taskEndOffsets: array(
              {
                subtopologyId: string('0+'),
                partition: int32('0+'),
                offset: int64('0+'),
              },
              '0+',
            ),
            assignment: struct(
              {
                activeTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
                standbyTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
                warmupTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
              },
              '0+',
            ),
            targetAssignment: struct(
              {
                activeTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
                standbyTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
                warmupTasks: array(
                  {
                    subtopologyId: string('0+'),
                    partitions: array('int32', '0+'),
                  },
                  '0+',
                ),
              },
              '0+',
            ),
            isClassic: bool('0+'),
          },
          '0+',
        ),
        authorizedOperations: int32('0+', { default: -2147483648 }),
      },
      '0+',
    ),
  },
})
export type StreamsGroupDescribeRequest = RequestOf<typeof streamsGroupDescribe>
export type StreamsGroupDescribeResponse = ResponseOf<typeof streamsGroupDescribe>
