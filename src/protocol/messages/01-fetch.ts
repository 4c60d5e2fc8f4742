/**
 * Reads record batches, for consumers and for follower replicas alike.
 * Versions 0-18, flexible from 12. Brokers offer 0-12 (2.8), 0-17 (3.9), 4-18 (4.3).
 *
 * v1: throttle time. v2: message format v1. v3: maxBytes; the order of partitions counts (KIP-74).
 * v4: isolationLevel, lastStableOffset, abortedTransactions, record batches v2 (KIP-98).
 * v5: logStartOffset (KIP-107). v7: fetch sessions, forgottenTopicsData (KIP-227). v9:
 * currentLeaderEpoch (KIP-320).
 * v10: zstd (KIP-110). v11: rackId, preferredReadReplica (KIP-392).
 * v12: flexible; lastFetchedEpoch, divergingEpoch, currentLeader (KIP-595), snapshotId (KIP-630).
 * v13: topics by id (KIP-516). v14: OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405).
 * v15: replicaState in place of replicaId (KIP-903). v16: nodeEndpoints (KIP-951). v17:
 * replicaDirectoryId (KIP-853).
 * v18: a follower tells its high watermark (KIP-1166).
 * `records` may end in the middle of a batch.
 */
import {
  api,
  array,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '0-18',
  flexible: '12+',
  request: {
    clusterId: string('12+', {
      nullable: '12+',
      tag: 0,
      tagged: '12+',
      default: null,
      ignorable: true,
    }),
    replicaId: int32('0-14', { default: -1 }),
    replicaState: struct(
      {
        replicaId: int32('15+', { default: -1 }),
        replicaEpoch: int64('15+', { default: -1n }),
      },
      '15+',
      { tag: 1, tagged: '15+' },
    ),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('3+', { default: 2147483647, ignorable: true }),
    isolationLevel: int8('4+', { ignorable: true }),
    sessionId: int32('7+', { ignorable: true }),
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    topics: array(
      {
        topic: string('0-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array(
          {
            partition: int32('0+'),
            currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
            fetchOffset: int64('0+'),
            lastFetchedEpoch: int32('12+', { default: -1 }),
            logStartOffset: int64('5+', { default: -1n, ignorable: true }),
            partitionMaxBytes: int32('0+'),
            replicaDirectoryId: uuid('17+', { tag: 0, tagged: '17+', ignorable: true }),
            highWatermark: int64('18+', {
              tag: 1,
              tagged: '18+',
              default: 9223372036854775807n,
              ignorable: true,
            }),
          },
          '0+',
        ),
      },
      '0+',
    ),
    forgottenTopicsData: array(
      {
        topic: string('7-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array('int32', '7+'),
      },
      '7+',
    ),
    rackId: string('11+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+'),
    responses: array(
      {
        topic: string('0-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array(
          {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
            highWatermark: int64('0+'),
            lastStableOffset: int64('4+', { default: -1n, ignorable: true }),
            logStartOffset: int64('5+', { default: -1n, ignorable: true }),
            divergingEpoch: struct(
              {
                epoch: int32('12+', { default: -1 }),
                endOffset: int64('12+', { default: -1n }),
              },
              '12+',
              { tag: 0, tagged: '12+' },
            ),
            currentLeader: struct(
              {
                leaderId: int32('12+', { default: -1 }),
                leaderEpoch: int32('12+', { default: -1 }),
              },
              '12+',
              { tag: 1, tagged: '12+' },
            ),
            snapshotId: struct(
              {
                endOffset: int64('0+', { default: -1n }),
                epoch: int32('0+', { default: -1 }),
              },
              '12+',
              { tag: 2, tagged: '12+' },
            ),
            abortedTransactions: array(
              {
                producerId: int64('4+'),
                firstOffset: int64('4+'),
              },
              '4+',
              { nullable: '4+', ignorable: true },
            ),
            preferredReadReplica: int32('11+', { default: -1 }),
            records: records('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
    nodeEndpoints: array(
      {
        nodeId: int32('16+'),
        host: string('16+'),
        port: int32('16+'),
        rack: string('16+', { nullable: '16+', default: null }),
      },
      '16+',
      { tag: 0, tagged: '16+' },
    ),
  },
})
export type FetchRequest = RequestOf<typeof fetch>
export type FetchResponse = ResponseOf<typeof fetch>
