/** An unordered cutover from its command to a source that is switched off, between embedded clusters. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { main } from '../src/cli/index.ts'
import { loadConfig } from '../src/config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../src/embedded/index.ts'
import { startSidecar, type Sidecar } from '../src/sidecar.ts'
import { fakeWorld } from './cli/deps.ts'
import { freePortRow } from './kafka/index.ts'

const topic = 'logs'
/** Of mixed plans: it is ordered. */
const orderedTopic = 'orders'
const sourcePartitions = 2
const targetPartitions = 3

let source: EmbeddedCluster
let target: EmbeddedCluster
let directory: string
let port: number
let sidecar: Sidecar
let closing: (() => Promise<void>)[]

const admin = (): string => `127.0.0.1:${port + 8}`

async function run(plan: object = { mode: 'unordered' }): Promise<Sidecar> {
  const loaded = await loadConfig({
    file: join(directory, 'sidecar.yaml'),
    flags: {
      ...{ source: source.bootstrapServers, target: target.bootstrapServers, logLevel: 'silent' },
      ...{ listen: `127.0.0.1:${port}`, admin: admin(), journal: `file:${directory}/journal` },
    },
    env: { XDG_STATE_HOME: directory, XDG_DATA_HOME: directory, HOME: directory },
    readFile: () => JSON.stringify({ cutover: plan }),
  })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ text }) => text).join('\n'))
  return startSidecar(loaded.config)
}

async function cli(...args: readonly string[]) {
  const { world, deps } = fakeWorld()
  const code = await main([...args, '--admin', admin()], deps)
  return { code, stdout: world.stdout, stderr: world.stderr }
}

const kafkaAt = (bootstrap: string, clientId: string): Kafka =>
  new Kafka({ clientId, brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })

/** What was sent and acknowledged, and what the group has read: value by value. */
const acked = new Set<string>()
let received: { value: string; partition: number; by: string; atMs: number }[] = []

async function produceAlways(
  producer: Producer,
  prefix: string,
  to = topic,
): Promise<() => Promise<void>> {
  await producer.connect()
  let going = true
  const done = (async () => {
    for (let i = 0; going; i++) {
      const values = [0, 1, 2, 3].map((k) => `${prefix}-${i}-${k}`)
      const messages = values.map((value, k) => ({ key: `k${(i + k) % 7}`, value }))
      await producer.send({ topic: to, messages })
      for (const value of values) acked.add(value)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  return async () => {
    going = false
    await done
    await producer.disconnect()
  }
}

async function member(kafka: Kafka, by: string, topics = [topic]): Promise<Consumer> {
  const consumer = kafka.consumer({
    groupId: 'billing',
    heartbeatInterval: 300,
    maxWaitTimeInMs: 300,
  })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: false })
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: ({ partition, message }) => {
      received.push({ value: String(message.value), partition, by, atMs: performance.now() })
      return Promise.resolve()
    },
  })
  await joined
  return consumer
}

const lost = (): string[] => {
  const seen = new Set(received.map(({ value }) => value))
  return [...acked].filter((value) => !seen.has(value))
}
const repeated = (): string[] => {
  const seen = new Set<string>()
  return received.flatMap(({ value }) => (seen.size === seen.add(value).size ? [value] : []))
}

beforeEach(async () => {
  acked.clear()
  received = []
  closing = []
  source = await startEmbeddedCluster({
    brokers: 2,
    topics: [
      { name: topic, partitions: sourcePartitions },
      { name: orderedTopic, partitions: 1 },
    ],
  })
  target = await startEmbeddedCluster({
    brokers: 1,
    topics: [
      { name: topic, partitions: targetPartitions },
      { name: orderedTopic, partitions: 1 },
    ],
  })
  directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-test-'))
  port = await freePortRow(9, '127.0.0.1')
  sidecar = await run()
})

afterEach(async () => {
  for (const close of closing) await close()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
  await rm(directory, { recursive: true, force: true })
})

it('reads both clusters at once, then the target alone, with direct members beside', async () => {
  const kafka = kafkaAt(`127.0.0.1:${port}`, 'app')
  const consumers = [await member(kafka, 'a'), await member(kafka, 'b')]
  for (const each of consumers) closing.push(() => each.disconnect())
  const stops = [
    await produceAlways(kafka.producer({ idempotent: true, maxInFlightRequests: 1 }), 'idempotent'),
    await produceAlways(kafka.producer(), 'plain'),
  ]
  await expect.poll(() => received.length, { timeout: 15_000 }).toBeGreaterThan(50)

  const flippedAt = performance.now()
  const done = await cli('cutover', '--timeout', '60s')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  const first = received.find(({ partition }) => partition >= sourcePartitions)
  expect(first?.atMs).toBeLessThan(flippedAt + 10_000)

  await source.stop()
  const before = acked.size
  await expect.poll(() => acked.size, { timeout: 10_000 }).toBeGreaterThan(before + 100)

  const direct = await member(kafkaAt(target.bootstrapServers, 'direct'), 'direct')
  closing.push(() => direct.disconnect())
  await expect
    .poll(() => received.some(({ by }) => by === 'direct'), { timeout: 15_000 })
    .toBe(true)
  for (const stop of stops) await stop()
  await expect.poll(lost, { timeout: 15_000 }).toEqual([])
  expect(repeated()).toEqual([])
  // What members behind the sidecar see keeps its numbers, also when direct ones are beside them.
  const shown = received.filter(({ by }) => by !== 'direct').map(({ partition }) => partition)
  expect(new Set(shown)).toEqual(new Set([0, 1, 2, 3]))
  const native = received.filter(({ by }) => by === 'direct').map(({ partition }) => partition)
  expect(Math.max(...native)).toBeLessThan(targetPartitions)
}, 120_000)

it('moves a group that reads topics of both kinds, each as its plan says', async () => {
  await sidecar.stop()
  sidecar = await run({ topics: [{ source: orderedTopic }, { source: topic, mode: 'unordered' }] })
  const kafka = kafkaAt(`127.0.0.1:${port}`, 'app')
  const both = [topic, orderedTopic]
  for (const by of ['a', 'b']) {
    const consumer = await member(kafka, by, both)
    closing.push(() => consumer.disconnect())
  }
  const stops = [
    await produceAlways(kafka.producer({ idempotent: true, maxInFlightRequests: 1 }), 'log'),
    await produceAlways(kafka.producer({ idempotent: true, maxInFlightRequests: 1 }), 'order', orderedTopic), // prettier-ignore
  ]
  await expect.poll(() => received.length, { timeout: 15_000 }).toBeGreaterThan(50)
  expect(await cli('cutover', '--timeout', '60s')).toMatchObject({ code: 0, stderr: '' })
  const { topics } = JSON.parse((await cli('status', '--json')).stdout) as {
    topics: readonly { source: string; mode: string; partitions: readonly unknown[] }[]
  }
  expect(topics.map(({ source: name, mode, partitions }) => [name, mode, partitions.length])).toEqual([
    [orderedTopic, 'ordered', 1],
    [topic, 'unordered', sourcePartitions + targetPartitions],
  ]) // prettier-ignore
  for (const stop of stops) await stop()
  await expect.poll(lost, { timeout: 15_000 }).toEqual([])
  expect(repeated()).toEqual([])
  const orders = received.filter(({ value }) => value.startsWith('order-'))
  const numbers = orders.map(({ value }) => value.split('-').slice(1).map(Number))
  const inOrder = numbers.toSorted(([a = 0, c = 0], [b = 0, d = 0]) => a - b || c - d)
  expect(numbers).toEqual(inOrder)
}, 120_000)
