import { errorCodes } from '../../protocol/index.ts'
import type { AbortedTransaction } from '../log.ts'
import type { WantedPartition } from '../fetch-sessions.ts'
import type { Call } from '../shared.ts'
import type { Partition, Topic } from '../state.ts'
import { ledPartition } from './endpoints.ts'

/** What one Fetch finds in one partition. */
export interface PartitionRead {
  readonly wanted: WantedPartition
  readonly bytes: number
  /** An error or a diverging epoch: the client must hear of it at once. */
  readonly mustAnswer: boolean
  readonly moved: Partition | undefined
  readonly diverging: { readonly epoch: number; readonly endOffset: bigint } | undefined
  readonly answer: {
    readonly partitionIndex: number
    readonly errorCode: number
    readonly highWatermark: bigint
    readonly lastStableOffset: bigint
    readonly logStartOffset: bigint
    readonly abortedTransactions: readonly AbortedTransaction[] | null
    readonly records: Buffer
  }
}

export interface ReadOptions {
  readonly bytesMax: number
  readonly atLeastOne: boolean
  readonly isCommitted: boolean
}

const noRecords = Buffer.alloc(0)

export function readPartition(
  call: Call,
  topic: Topic | undefined,
  wanted: WantedPartition,
  options: ReadOptions,
): PartitionRead {
  if (topic === undefined && call.apiVersion >= 13)
    return failedRead(wanted, errorCodes.UNKNOWN_TOPIC_ID)
  const led = ledPartition(call, topic, wanted.partition, wanted.currentLeaderEpoch)
  if (led.kind === 'refused') return failedRead(wanted, led.errorCode, led.partition)
  const { log } = led.partition
  if (wanted.lastFetchedEpoch >= 0) {
    const known = log.epochs.endOf(wanted.lastFetchedEpoch, log.end)
    if (known === undefined) return failedRead(wanted, errorCodes.OFFSET_OUT_OF_RANGE)
    if (known.epoch < wanted.lastFetchedEpoch || known.end < wanted.fetchOffset) {
      const diverging = { epoch: known.epoch, endOffset: known.end }
      return readFrom(wanted, led.partition, [], options, diverging)
    }
  }
  if (wanted.fetchOffset < log.start || wanted.fetchOffset > log.end)
    return failedRead(wanted, errorCodes.OFFSET_OUT_OF_RANGE)
  const limit = options.isCommitted ? log.lastStable : log.end
  const found = log.read(wanted.fetchOffset, limit, options.bytesMax, options.atLeastOne)
  return readFrom(wanted, led.partition, found, options)
}

function readFrom(
  wanted: WantedPartition,
  { log, index }: Partition,
  found: readonly Buffer[],
  { isCommitted }: ReadOptions,
  diverging?: PartitionRead['diverging'],
): PartitionRead {
  const bytes = found.reduce((sum, batch) => sum + batch.length, 0)
  const aborted = isCommitted ? log.aborted(wanted.fetchOffset, log.lastStable) : null
  return {
    wanted,
    bytes,
    mustAnswer: diverging !== undefined,
    moved: undefined,
    diverging,
    answer: {
      partitionIndex: index,
      errorCode: errorCodes.NONE,
      highWatermark: log.end,
      lastStableOffset: log.lastStable,
      logStartOffset: log.start,
      abortedTransactions: aborted,
      records: bytes === 0 ? noRecords : Buffer.concat(found, bytes),
    },
  }
}

function failedRead(wanted: WantedPartition, errorCode: number, moved?: Partition): PartitionRead {
  return {
    wanted,
    bytes: 0,
    mustAnswer: true,
    moved,
    diverging: undefined,
    answer: {
      partitionIndex: wanted.partition,
      errorCode,
      highWatermark: -1n,
      lastStableOffset: -1n,
      logStartOffset: -1n,
      abortedTransactions: null,
      records: noRecords,
    },
  }
}
