/** Applications on kafkajs in this process, and what is read with kcat. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, type Kafka } from 'kafkajs'
import { run, type Cluster } from '../../kafka/index.ts'
import type { Stage } from './stage.ts'

export interface Seen {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly timestamp: number
  readonly headers: string
}

/** A member of a group. It commits what it has got, and ends with the scenario. */
export interface Consuming {
  readonly seen: readonly Seen[]
  /** How often it was given an assignment. */
  readonly joins: () => number
  /** What it was told to be wrong. */
  readonly errors: readonly string[]
  stop(): Promise<void>
}

export async function consume(
  stage: Stage,
  kafka: Kafka,
  group: string,
  topics: readonly string[],
  { limit = Infinity, fromBeginning = true }: { limit?: number; fromBeginning?: boolean } = {},
): Promise<Consuming> {
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 500 })
  const seen: Seen[] = []
  const errors: string[] = []
  let joins = 0
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= consumer.disconnect())
  stage.atEnd(stop)
  consumer.on('consumer.group_join', () => joins++)
  consumer.on('consumer.crash', ({ payload }) => errors.push(payload.error.message))
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      // A slow reader: it stops in the middle and stays in its group.
      if (seen.length >= limit) return consumer.pause([{ topic, partitions: [partition] }])
      seen.push({
        ...{ topic, partition, offset: Number(message.offset) },
        key: message.key?.toString() ?? '',
        value: message.value?.toString() ?? '',
        timestamp: Number(message.timestamp),
        headers: Object.entries(message.headers ?? {})
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(','),
      })
      const offset = String(BigInt(message.offset) + 1n)
      await consumer.commitOffsets([{ topic, partition, offset }])
    },
  })
  return { seen, joins: () => joins, errors, stop }
}

/** Records that were sent one after the other, and acknowledged: value to place. */
export interface Producing {
  readonly acked: ReadonlyMap<string, { readonly partition: number; readonly offset: number }>
  readonly errors: readonly string[]
  stop(): Promise<void>
}

/** Sends `ID-0`, `ID-1`, ... one at a time, round robin over the partitions. */
export function produce(
  stage: Stage,
  kafka: Kafka,
  topic: string,
  options: {
    readonly id: string
    readonly partitions: number
    readonly everyMs: number
    readonly idempotent?: boolean
  },
): Producing {
  const { id, partitions, everyMs, idempotent = false } = options
  const producer = kafka.producer({ idempotent, ...(idempotent ? { maxInFlightRequests: 1 } : {}) })
  const acked = new Map<string, { partition: number; offset: number }>()
  const errors: string[] = []
  let stopping = false
  const working = (async () => {
    await producer.connect()
    for (let i = 0; !stopping; i++) {
      const [value, partition] = [`${id}-${i}`, i % partitions]
      try {
        const messages = [{ partition, key: `k${i % 17}`, value }]
        const [answer] = await producer.send({ topic, acks: -1, messages })
        acked.set(value, { partition, offset: Number(answer?.baseOffset ?? -1) })
      } catch (err) {
        errors.push(err instanceof Error ? err.message : String(err))
      }
      await sleep(everyMs)
    }
    await producer.disconnect()
  })()
  const stop = async () => {
    stopping = true
    await working
  }
  stage.atEnd(stop)
  return { acked, errors, stop }
}

/** Sends `values` in one request each partition, and waits for the acknowledgement. */
export async function send(
  kafka: Kafka,
  topic: string,
  partition: number,
  values: readonly string[],
  { gzip = false, timestamp }: { gzip?: boolean; timestamp?: number } = {},
): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None
  const messages = values.map((value) => ({
    ...{ partition, key: `key of ${value}`, value, headers: { from: 'a test' } },
    ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
  }))
  await producer.send({ topic, acks: -1, compression, messages })
  await producer.disconnect()
}

const unit = '\u001f'
const readTimeoutMs = 60_000

/** Everything that is in a topic now, as kcat reads it: committed records, CRCs checked. */
export async function readAll(bootstrap: string, topic: string): Promise<Seen[]> {
  const format = ['%p', '%o', '%T', '%k', '%s', '%h'].join(unit)
  const { code, stdout, stderr } = await run(
    'kcat',
    [
      ...['-b', bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q'],
      ...['-X', 'check.crcs=true', '-X', 'isolation.level=read_committed', '-f', `${format}\\n`],
    ],
    { timeoutMs: readTimeoutMs },
  )
  if (code !== 0) throw new Error(`kcat: ${stderr}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [partition, offset, timestamp, key = '', value = '', headers = ''] = line.split(unit)
      return {
        ...{ topic, key, value, headers, partition: Number(partition), offset: Number(offset) },
        timestamp: Number(timestamp),
      }
    })
}

export const readNative = (cluster: Cluster, topic: string) =>
  readAll(cluster.internalServers, topic)

/** How often each value occurs. */
export function timesOf(records: readonly { readonly value: string }[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const { value } of records) times.set(value, (times.get(value) ?? 0) + 1)
  return times
}

/** Which of the values do not occur exactly once, in words; empty is good. */
export function notOnce(
  values: Iterable<string>,
  records: readonly { readonly value: string }[],
): string[] {
  const times = timesOf(records)
  return [...values].flatMap((value) => {
    const count = times.get(value) ?? 0
    return count === 1 ? [] : [`${value} ${count} times`]
  })
}
