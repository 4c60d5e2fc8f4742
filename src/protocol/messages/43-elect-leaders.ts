/**
 * Elects leaders of partitions (KIP-183).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9, 4.3).
 *
 * v1: preferred or unclean (KIP-460), errorCode at the top. v2: flexible.
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

export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8('1+'),
    topicPartitions: array(
      {
        topic: string('0+'),
        partitions: array('int32', '0+'),
      },
      '0+',
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60000 }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: array(
      {
        topic: string('0+'),
        partitionResult: array(
          {
            partitionId: int32('0+'),
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
export type ElectLeadersRequest = RequestOf<typeof electLeaders>
export type ElectLeadersResponse = ResponseOf<typeof electLeaders>
