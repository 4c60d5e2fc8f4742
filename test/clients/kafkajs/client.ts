/** An ordinary application on kafkajs. The interface is described in ../workload.ts. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, Kafka, logLevel, type KafkaConfig, type SASLOptions } from 'kafkajs'

const given = new Map(
  process.argv.slice(2).map((arg): [string, string] => {
    const split = arg.indexOf('=')
    return [arg.slice(0, split), arg.slice(split + 1)]
  }),
)
const text = (name: string): string => given.get(name) ?? ''
let stopping = false
const stopped = new AbortController()
process.on('SIGTERM', () => {
  stopping = true
  stopped.abort()
})

function event(name: string, rest: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event: name, t: Date.now(), ...rest })}\n`)
}

function failed(where: string, err: unknown): void {
  const error = err instanceof Error ? err : new Error(String(err))
  // The reason hides under `KafkaJSNumberOfRetriesExceeded`, which says only that there was one.
  const cause = error.cause instanceof Error ? error.cause : error
  // It wraps a broker's error, too, of which it then keeps only the words.
  const name = cause.name === 'KafkaJSError' ? `KafkaJSError: ${cause.message}` : cause.name
  const kind = 'type' in cause && typeof cause.type === 'string' ? cause.type : name
  event('error', { where, kind, message: error.message })
}

function sasl(): SASLOptions | undefined {
  const login = { username: text('username'), password: text('password') }
  switch (given.get('sasl')) {
    case 'PLAIN':
      return { mechanism: 'plain', ...login }
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', ...login }
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', ...login }
    default:
      return undefined
  }
}

const mechanism = sasl()
const ca = given.get('ca')
const config: KafkaConfig = {
  clientId: text('id'),
  brokers: text('bootstrap').split(','),
  logLevel: logLevel.WARN,
  logCreator: () => (entry) => {
    process.stderr.write(`${entry.label} ${entry.namespace} ${JSON.stringify(entry.log)}\n`)
  },
  ...(mechanism === undefined ? {} : { sasl: mechanism }),
  ...(ca === undefined ? {} : { ssl: { ca: readFileSync(ca, 'utf8') } }),
}

interface Message {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
}

async function produce(): Promise<void> {
  const producer = new Kafka(config).producer({ idempotent: text('idempotence') === 'true' })
  await producer.connect()
  const acks = text('acks') === 'all' ? -1 : Number(text('acks'))
  const compression = text('compression') === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const start = performance.now()
  for (let i = 0; i < Number(text('records')) && !stopping; i++) {
    const wait = start + (i * 1000) / Number(text('rate')) - performance.now()
    if (wait > 0) await sleep(wait)
    const key = `k${i % 17}`
    const value = `${text('id')}-${i}`
    try {
      // One at a time: kafkajs numbers what is sent at the same time before it orders it, and a retry
      // then changes the order, or makes one batch pass for the duplicate of another.
      const message = { topic: text('topic'), acks, compression, messages: [{ key, value }] }
      const [answer] = await producer.send(message)
      const partition = answer?.partition ?? -1
      event('acked', { partition, offset: Number(answer?.baseOffset ?? -1), key, value })
    } catch (err) {
      failed('produce', err)
    }
  }
  await producer.disconnect()
}

async function consume(): Promise<void> {
  const consumer = new Kafka(config).consumer({ groupId: text('group'), maxWaitTimeInMs: 500 })
  let left = text('role') === 'consume' ? Number(text('records')) : 0
  const bounded = left > 0
  consumer.on('consumer.crash', ({ payload }) => {
    failed('consume', payload.error)
    if (!payload.restart) stopped.abort()
  })
  consumer.on('consumer.group_join', ({ payload }) =>
    event('assigned', { partitions: Object.values(payload.memberAssignment).flat() }),
  )
  consumer.on('consumer.rebalancing', () => event('revoked', { partitions: [] }))
  await consumer.connect()
  await consumer.subscribe({
    topics: text('topic').split(','),
    fromBeginning: text('reset') === 'earliest',
  })
  const consumed = (partition: number, message: Message): void => {
    event('consumed', {
      partition,
      offset: Number(message.offset),
      key: message.key?.toString(),
      value: message.value?.toString(),
    })
    left--
    if (bounded && left <= 0) stopped.abort()
  }
  await consumer.run({
    autoCommitInterval: 1000,
    eachMessage: ({ partition, message }) => Promise.resolve(consumed(partition, message)),
  })
  if (!stopped.signal.aborted) await once(stopped.signal, 'abort')
  await consumer.disconnect()
}

const role = text('role')
try {
  await Promise.all([
    role === 'produce' ? undefined : consume(),
    role === 'consume' ? undefined : produce(),
  ])
} catch (err) {
  failed('client', err)
}
event('done')
process.exit(0)
