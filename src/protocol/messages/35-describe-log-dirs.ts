/**
 * The log directories of a broker and the replicas in them (KIP-113).
 * Versions 0-5, flexible from 2. Brokers offer 0-2 (2.8), 0-4 (3.9), 1-5 (4.3).
 *
 * v2: flexible. v3: errorCode at the top. v4: totalBytes, usableBytes (KIP-827). v5: isCordoned
 * (KIP-1066).
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-5',
  flexible: '2+',
  request: {
    topics: array(
      {
        topic: string('0+'),
        partitions: array('int32', '0+'),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array(
      {
        errorCode: int16('0+'),
        logDir: string('0+'),
        topics: array(
          {
            name: string('0+'),
            partitions: array(
              {
                partitionIndex: int32('0+'),
                partitionSize: int64('0+'),
                offsetLag: int64('0+'),
                isFutureKey: bool('0+'),
              },
              '0+',
            ),
          },
          '0+',
        ),
        totalBytes: int64('4+', { default: -1n, ignorable: true }),
        usableBytes: int64('4+', { default: -1n, ignorable: true }),
        isCordoned: bool('5+', { ignorable: true }),
      },
      '0+',
    ),
  },
})
export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof describeLogDirs>
