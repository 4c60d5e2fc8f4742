/**
 * Moves replicas between the log directories of one broker (KIP-113).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9), 1-2 (4.3).
 *
 * v2: flexible.
 */
import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const alterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '0-2',
  flexible: '2+',
  request: {
    dirs: array(
      {
        path: string('0+'),
        topics: array(
          {
            name: string('0+'),
            partitions: array('int32', '0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array(
      {
        topicName: string('0+'),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type AlterReplicaLogDirsRequest = RequestOf<typeof alterReplicaLogDirs>
export type AlterReplicaLogDirsResponse = ResponseOf<typeof alterReplicaLogDirs>
