import { apis, errorCodes, type ListOffsetsRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { PartitionLog } from '../log.ts'
import type { Call } from '../shared.ts'
import { ledPartition } from './endpoints.ts'

/**
 * ListOffsets, versions 0-10: the offset of a time, or of one of the special times below. v2: the last
 * stable offset is the latest for a read-committed client. v4: leader epochs. v7: the record of the
 * greatest timestamp (KIP-734). v8, v9: the local and the tiered part of a log: all, and nothing.
 *
 * v0 answers the one offset that its time means, not a list of segment starts.
 */
export const listOffsets = handler(apis.listOffsets, { min: 0, max: 10 }, (request, call) => ({
  topics: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((asked) => listPartition(call, request, name, asked)),
  })),
}))

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
interface Found {
  readonly offset: bigint
  readonly timestamp: bigint
}

function listPartition(call: Call, request: ListOffsetsRequest, name: string, asked: Asked) {
  const { partitionIndex, currentLeaderEpoch } = asked
  const topic = call.shared.state.topics.get(name)
  const led = ledPartition(call, topic, partitionIndex, currentLeaderEpoch)
  if (led.kind === 'refused') return { partitionIndex, errorCode: led.errorCode }
  const { log, leaderEpoch } = led.partition
  const found = find(log, asked.timestamp, request.isolationLevel === 1)
  const errorCode = errorCodes.NONE
  if (call.apiVersion === 0)
    return { partitionIndex, errorCode, oldStyleOffsets: found === undefined ? [] : [found.offset] }
  if (found === undefined) return { partitionIndex, errorCode }
  const isLatest = asked.timestamp === special.latest
  const epoch = isLatest ? leaderEpoch : log.epochs.at(found.offset)
  return {
    partitionIndex,
    errorCode,
    ...found,
    ...(call.apiVersion < 4 ? {} : { leaderEpoch: epoch }),
  }
}

const special = {
  latest: -1n,
  earliest: -2n,
  maxTimestamp: -3n,
  earliestLocal: -4n,
  latestTiered: -5n,
} as const

function find(log: PartitionLog, timestamp: bigint, isCommitted: boolean): Found | undefined {
  switch (timestamp) {
    case special.latest:
      return { offset: isCommitted ? log.lastStable : log.end, timestamp: -1n }
    case special.earliest:
    case special.earliestLocal:
      return { offset: log.start, timestamp: -1n }
    case special.maxTimestamp:
      return log.latestByTime()
    case special.latestTiered:
      return undefined
    default:
      return log.firstAtOrAfter(timestamp)
  }
}
