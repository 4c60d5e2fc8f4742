import { CutoverError, messageOf } from '../../errors.ts'
import { nodeId } from '../../ids.ts'
import {
  apis,
  batches,
  DecodeError,
  decodeRecords,
  decodeTransactionLogKey,
  decodeTransactionLogValue,
  errorCodes,
  errorName,
  isControl,
  lastOffset,
  transactionState,
  type LogRecord,
  type TransactionState,
} from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { eachOf } from '../each-of.ts'
import { listOffsets, type PartitionName } from '../ends.ts'
import {
  activeWithinMs,
  type KnownIds,
  type Sighting,
  type TransactionalId,
} from './transactional-ids.ts'

/** Where coordinators keep the states of their transactional ids. */
const logTopic = '__transaction_state'
/** A transaction may stay open this long without a word (transaction.max.timeout.ms, its default). */
const openMsMax = 15 * 60_000
/** How many records of a partition are read: its last ones. */
const recordsMax = 20_000n
/** How many partitions are read at once, and for how long, all together. */
const readsMax = 8
const readMsMax = 10_000
const fetchBytesMax = 1024 * 1024
/** As a timestamp: the end. */
const latest = -1n

const openStates: readonly TransactionState[] = ['Ongoing', 'PrepareCommit', 'PrepareAbort']

/** What the log tells of an id. */
interface LoggedId extends TransactionalId {
  /** ms since 1970, by its coordinator's clock, as all times of the log */
  readonly updatedAtMs: number
  /** The partitions that its records name, of the plan or not, and when they last did. */
  readonly named: Map<string, PartitionName & { readonly atMs: number }>
}

/**
 * The transactional ids of the last minutes, out of the log of their coordinators: for sources that have no
 * ListTransactions (before 3.0). A record names the partitions that its transaction has begun to write to,
 * until it is complete; so what the records before it named counts as well.
 * @param topics of the plan
 * @param nowMs ms since the epoch
 */
export async function readTransactionLog(
  source: Cluster,
  topics: ReadonlySet<string>,
  nowMs: number,
): Promise<KnownIds> {
  const ids = new Map<string, LoggedId>()
  const gaps = await readTail(source, nowMs - activeWithinMs - openMsMax, (record) => {
    learn(ids, record)
  })
  const all = [...ids.values()]
  const isRecent = (atMs: number): boolean => atMs > nowMs - activeWithinMs
  const found = all.flatMap((of) =>
    [...of.named.values()].flatMap(({ topic, partition, atMs }): Sighting[] => {
      // An open transaction's last record names all of its partitions.
      const isOpen = isOpenState(of) && atMs === of.updatedAtMs
      if (!topics.has(topic) || (!isOpen && !isRecent(atMs))) return []
      return [{ of, at: { topic, partition }, isOpen, seenIn: 'log' }]
    }),
  )
  // Compaction may leave the last record alone.
  const unplaced = all.filter(
    ({ state, updatedAtMs, named }) =>
      state.startsWith('Complete') && isRecent(updatedAtMs) && named.size === 0,
  )
  return { ids: all, found, unplaced, gaps }
}

const isOpenState = ({ state }: TransactionalId): boolean =>
  openStates.some((each) => each === state)

function learn(ids: Map<string, LoggedId>, { key, value: bytes }: LogRecord): void {
  const id = key === null ? undefined : decodeTransactionLogKey(key)
  if (id === undefined) return
  const value = bytes === null ? undefined : decodeTransactionLogValue(bytes)
  const state = value === undefined ? 'Dead' : transactionState(value)
  if (value === undefined || state === 'Dead') {
    ids.delete(id)
    return
  }
  const updatedAtMs = Number(value.transactionLastUpdateTimestampMs)
  const named = ids.get(id)?.named ?? new Map<string, PartitionName & { atMs: number }>()
  for (const { topic, partitionIds } of value.transactionPartitions ?? []) {
    for (const partition of partitionIds)
      named.set(`${topic} ${partition}`, { topic, partition, atMs: updatedAtMs })
  }
  ids.set(id, { id, producerId: value.producerId, state, updatedAtMs, named })
}

/**
 * Every record of the log since then, in the order of its partition.
 * @returns what could not be read. What may go better the next time is thrown.
 */
async function readTail(
  source: Cluster,
  sinceMs: number,
  learnFrom: (record: LogRecord) => void,
): Promise<readonly string[]> {
  const topic = source.topology.topics.get(logTopic)
  if (topic === undefined) return unlisted(source)
  const gaps: string[] = []
  const names = topic.partitions.map((_, partition) => ({ topic: logTopic, partition }))
  const led = names.filter(({ partition }) => leaderOf(source, partition) >= 0)
  if (led.length < names.length)
    gaps.push(`${logTopic}: ${names.length - led.length} partitions have no leader`)
  const [starts, ends] = await Promise.all([
    listOffsets(source, led, BigInt(sinceMs)),
    listOffsets(source, led, latest),
  ])
  const untilMs = performance.now() + readMsMax
  await eachOf([...led.entries()], readsMax, async ([i, { partition }]) => {
    const [start = -1n, end = 0n] = [starts[i], ends[i]]
    // Nothing is as young as that.
    if (start < 0n) return
    const from = start > end - recordsMax ? start : end - recordsMax
    if (from > start)
      gaps.push(`${logTopic}-${partition}: only its last ${recordsMax} records were read`)
    try {
      await readSpan(source, partition, { from, end, untilMs }, learnFrom)
    } catch (error) {
      gaps.push(reasonOf(error, partition))
    }
  })
  return gaps
}

const leaderOf = (source: Cluster, partition: number): number =>
  source.topology.topics.get(logTopic)?.partitions[partition]?.leader ?? -1

class OutOfTime extends Error {
  constructor(offset: bigint, end: bigint) {
    super(`it was read up to ${offset} of ${end} in ${readMsMax / 1000} s`)
  }
}

/** What stays as it is. @throws the error where it may be over the next time */
function reasonOf(error: unknown, partition: number): string {
  const message = messageOf(error)
  if (message.includes('AUTHORIZATION_FAILED')) return message
  if (error instanceof DecodeError || error instanceof OutOfTime)
    return `${logTopic}-${partition}: ${message}`
  throw error
}

/**
 * A source that nobody ever opened a transaction on has no such topic; one that may not be described is not
 * listed either. Old brokers create it for a Metadata request that names it, so its offsets are asked for.
 */
async function unlisted(source: Cluster): Promise<readonly string[]> {
  const partition = { partitionIndex: 0, timestamp: latest, maxNumOffsets: 1 }
  const { topics } = await source.ask(
    apis.listOffsets,
    5,
    { replicaId: -1, topics: [{ name: logTopic, partitions: [partition] }] },
    'any',
  )
  const errorCode = topics[0]?.partitions[0]?.errorCode ?? errorCodes.NONE
  if (errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return []
  return [`${logTopic} is not listed: ${errorName(errorCode)}`]
}

interface Span {
  readonly from: bigint
  readonly end: bigint
  readonly untilMs: number
}

async function readSpan(
  source: Cluster,
  partition: number,
  { from, end, untilMs }: Span,
  learnFrom: (record: LogRecord) => void,
): Promise<void> {
  for (let offset = from; offset < end;) {
    if (performance.now() > untilMs) throw new OutOfTime(offset, end)
    const records = await fetch(source, partition, offset)
    let next = offset
    for (const batch of batches(records)) {
      next = lastOffset(batch) + 1n
      if (isControl(batch)) continue
      for (const record of decodeRecords(records, batch)) learnFrom(record)
    }
    if (next <= offset) throw failure(source, partition, 'is not readable to its end yet')
    offset = next
  }
}

async function fetch(source: Cluster, partition: number, fetchOffset: bigint): Promise<Buffer> {
  const asked = { partition, fetchOffset, partitionMaxBytes: fetchBytesMax }
  const answer = await source.ask(
    apis.fetch,
    12,
    {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: fetchBytesMax },
      topics: [{ topic: logTopic, partitions: [asked] }],
    },
    { nodeId: nodeId(leaderOf(source, partition)) },
  )
  const read = answer.responses[0]?.partitions[0]
  const errorCode = answer.errorCode || (read?.errorCode ?? errorCodes.NONE)
  if (errorCode !== errorCodes.NONE)
    throw failure(source, partition, `was answered ${errorName(errorCode)}`)
  return read?.records ?? Buffer.alloc(0)
}

const failure = ({ name }: Cluster, partition: number, what: string): CutoverError =>
  new CutoverError('upstream_invalid', `${logTopic}-${partition} of the ${name} ${what}`)
