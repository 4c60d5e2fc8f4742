/**
 * State of the metadata quorum (KIP-595).
 * Versions 0-2, all flexible. Brokers offer 0 (2.8), 0-2 (3.9, 4.3).
 *
 * v1: fetch and caught-up timestamps (KIP-836). v2: error messages, nodes, directory ids
 * (KIP-853).
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  string,
  uint16,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2',
  flexible: '0+',
  request: {
    topics: array(
      {
        topicName: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    errorCode: int16('0+'),
    errorMessage: string('2+', { nullable: '2+', ignorable: true }),
    topics: array(
      {
        topicName: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            errorMessage: string('2+', { nullable: '2+', ignorable: true }),
            leaderId: int32('0+'),
            leaderEpoch: int32('0+'),
            highWatermark: int64('0+'),
            currentVoters: array(
              {
                replicaId: int32('0+'),
                replicaDirectoryId: uuid('2+'),
                logEndOffset: int64('0+'),
                lastFetchTimestamp: int64('1+', { default: -1n, ignorable: true }),
                lastCaughtUpTimestamp: int64('1+', { default: -1n, ignorable: true }),
              },
              '0+',
            ),
            observers: array(
              {
                replicaId: int32('0+'),
                replicaDirectoryId: uuid('2+'),
                logEndOffset: int64('0+'),
                lastFetchTimestamp: int64('1+', { default: -1n, ignorable: true }),
                lastCaughtUpTimestamp: int64('1+', { default: -1n, ignorable: true }),
              },
              '0+',
            ),
          },
          '0+',
        ),
      },
      '0+',
    ),
    nodes: array(
      {
        nodeId: int32('2+'),
        listeners: array(
          {
            name: string('2+'),
            host: string('2+'),
            port: uint16('2+'),
          },
          '2+',
        ),
      },
      '2+',
    ),
  },
})
export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof describeQuorum>
