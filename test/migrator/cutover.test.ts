import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { startSidecar, type Sidecar } from '../../src/sidecar.ts'
import { freePortRow } from '../kafka/index.ts'
import { until } from '../kafka/ports.ts'

const partitions = [0, 1, 2]

let source: EmbeddedCluster
let target: EmbeddedCluster
let directory: string
let port: number
let sidecar: Sidecar
let kafka: Kafka
let producer: Producer
let consumers: Consumer[]

interface Seen {
  readonly partition: number
  readonly offset: string
  readonly value: string
}
let received: Seen[]
let sent: Seen[]

const admin = (): string => `http://127.0.0.1:${port + 8}`
interface StatusJson {
  readonly phase: string
  readonly waitingFor: readonly string[]
  readonly allowed: readonly string[]
  readonly lastAbort: string | null
  readonly groups: readonly { readonly group: string; readonly state: string }[]
}
const status = async (): Promise<StatusJson> =>
  (await (await fetch(`${admin()}/status`)).json()) as StatusJson

async function run(): Promise<Sidecar> {
  const loaded = await loadConfig({
    flags: {
      source: source.bootstrapServers.split(','),
      target: target.bootstrapServers.split(','),
      listen: `127.0.0.1:${port}`,
      admin: `127.0.0.1:${port + 8}`,
      logLevel: process.env['LOG_LEVEL'] ?? 'silent',
      journal: `file:${join(directory, 'journal')}`,
    },
    env: { XDG_STATE_HOME: directory, XDG_DATA_HOME: directory, HOME: directory },
  } as unknown as Parameters<typeof loadConfig>[0])
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return startSidecar(loaded.config)
}

beforeEach(async () => {
  received = []
  sent = []
  consumers = []
  const topics = [{ name: 'orders', partitions: partitions.length }]
  source = await startEmbeddedCluster({ brokers: 3, topics })
  target = await startEmbeddedCluster({ brokers: 3, topics })
  directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-test-'))
  port = await freePortRow(9, '127.0.0.1')
  sidecar = await run()
  kafka = new Kafka({
    clientId: 'test',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 20 },
  })
  producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
})

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.disconnect()))
  await producer.disconnect()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
  await rm(directory, { recursive: true, force: true })
})

async function consume(groupId: string): Promise<void> {
  const consumer = kafka.consumer({
    groupId,
    heartbeatInterval: 200,
    // A consumer that lost its connection comes back as somebody else: its former self expires soon.
    sessionTimeout: 6_000,
    maxWaitTimeInMs: 200,
  })
  consumers.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: ({ partition, message }) => {
      received.push({
        partition,
        offset: message.offset,
        value: message.value?.toString() ?? '',
      })
      return Promise.resolve()
    },
  })
}

async function send(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const partition = i % partitions.length
    const value = `record ${sent.length}`
    const [answer] = await producer.send({ topic: 'orders', messages: [{ value, partition }] })
    sent.push({ partition, offset: answer?.baseOffset ?? '?', value })
  }
}

async function cutover(): Promise<void> {
  const started = await fetch(`${admin()}/cutover`, { method: 'POST' })
  expect(await started.text()).toContain('"phase"')
  expect(started.status).toBe(202)
}

const of = (all: readonly Seen[], partition: number): readonly Seen[] =>
  all.filter((each) => each.partition === partition)

async function expectAllReceivedOnce(): Promise<void> {
  await until(() => received.length >= sent.length, 20_000, 20)
  for (const partition of partitions) {
    expect(of(received, partition)).toEqual(of(sent, partition))
  }
}

/** A member whose connection was cut reads again what it had not committed, as ever. */
async function expectAllReceived(): Promise<void> {
  const first = (partition: number): readonly Seen[] => {
    const seen = new Map<string, Seen>()
    for (const each of of(received, partition)) {
      if (!seen.has(each.offset)) seen.set(each.offset, each)
    }
    return [...seen.values()]
  }
  const isAll = (): boolean =>
    partitions.every((partition) => first(partition).length >= of(sent, partition).length)
  await until(isAll, 20_000, 20)
  for (const partition of partitions) expect(first(partition)).toEqual(of(sent, partition))
}

describe('a cutover', () => {
  test('moves a producer and a group of two: each record once, in order, none lost', async () => {
    await consume('billing')
    await consume('billing')
    await send(60)
    await until(() => received.length === 60, 20_000, 20)
    await cutover()
    let last: StatusJson | undefined
    const deadline = performance.now() + 40_000
    while (performance.now() < deadline) {
      await send(6)
      last = await status()
      if (last.phase === 'target') break
    }
    expect(last).toMatchObject({ phase: 'target', waitingFor: [] })
    expect(last?.groups.map(({ group, state }) => [group, state])).toEqual([['billing', 'moved']])
    await send(30)
    await expectAllReceivedOnce()
    expect(target.log('orders', 0).length).toBeGreaterThan(0)
    for (const broker of source.brokers) await source.stopBroker(broker.nodeId)
    await send(30)
    await expectAllReceivedOnce()
  }, 90_000)

  test('a sidecar that is started again goes on where it was, also with the source switched off', async () => {
    await consume('billing')
    await send(30)
    await until(() => received.length === 30, 20_000, 20)
    await cutover()
    await until(async () => !['source', 'fenced'].includes((await status()).phase), 10_000, 5)
    await sidecar.stop()
    sidecar = await run()
    await send(30)
    await until(async () => (await status()).phase === 'target', 40_000, 50)
    for (const broker of source.brokers) await source.stopBroker(broker.nodeId)
    await sidecar.stop()
    sidecar = await run()
    expect((await status()).phase).toBe('target')
    await send(30)
    await expectAllReceived()
  }, 120_000)

  test('what reaches the source behind the splice is carried to the target, once', async () => {
    await consume('billing')
    await send(30)
    await cutover()
    await until(async () => (await status()).phase === 'target', 40_000, 50)
    const direct = new Kafka({ brokers: source.bootstrapServers.split(','), logLevel: 0 })
    const bypassing = direct.producer()
    await bypassing.connect()
    const messages = [
      { key: 'k', value: 'late 1', partition: 1, headers: { h: 'v' }, timestamp: '1700000000000' },
      { value: 'late 2', partition: 1 },
    ]
    await bypassing.send({ topic: 'orders', messages })
    const late = (): Seen[] => received.filter(({ value }) => value.startsWith('late'))
    await until(() => late().length >= 2, 20_000, 20)
    await bypassing.disconnect()
    await send(30)
    await until(() => received.length >= sent.length + 2, 20_000, 20)
    expect(late().map(({ value }) => value)).toEqual(['late 1', 'late 2'])
    const carried = target.log('orders', 1).find(({ value }) => value?.toString() === 'late 1')
    expect(carried).toMatchObject({ timestamp: 1_700_000_000_000n })
    expect(carried?.key?.toString()).toBe('k')
    const { topics } = (await status()) as unknown as {
      topics: { partitions: { stragglers: number }[] }[]
    }
    expect(topics[0]?.partitions.map(({ stragglers }) => stragglers)).toEqual([0, 2, 0])
  }, 120_000)

  test('a fence that does not end in time is aborted, and says why', async () => {
    await send(3)
    const isFenced = async (): Promise<boolean> => (await status()).phase === 'fenced'
    const silent = async () => ((await isFenced()) ? { kind: 'swallow' as const } : undefined)
    const away = target.control(apis.listOffsets, silent, { keep: true })
    await cutover()
    await until(async () => (await status()).lastAbort !== null, 20_000, 50)
    await send(12)
    const told = await status()
    expect(told).toMatchObject({ phase: 'source', allowed: ['cutover'], waitingFor: [] })
    expect(told.lastAbort).toContain('the fence still waited for')
    away()
    for (const partition of partitions) {
      expect(source.log('orders', partition)).toHaveLength(of(sent, partition).length)
      expect(target.log('orders', partition)).toHaveLength(0)
    }
  }, 60_000)

  test('one command is enough, though a broker refuses for now what is produced under the fence', async () => {
    await consume('billing')
    await send(30)
    const { body } = refusedForNow
    source.control(apis.produce, async ({ topicData }) => {
      const partition = topicData[0]?.partitionData[0]?.index ?? 0
      await until(async () => (await status()).phase === 'fenced', 10_000, 2)
      return { kind: 'answer', body: body(partition) }
    })
    const sending = send(12)
    await cutover()
    await until(async () => (await status()).lastAbort !== null, 10_000, 5)
    expect((await status()).lastAbort).toContain('was refused for now')
    await sending
    await until(async () => (await status()).phase === 'target', 40_000, 50)
    await send(12)
    await expectAllReceivedOnce()
    expect(target.log('orders', 0).length).toBeGreaterThan(0)
  }, 60_000)

  test('between two fences, an abort ends the command', async () => {
    const { body } = refusedForNow
    source.control(apis.produce, async () => {
      await until(async () => (await status()).phase === 'fenced', 10_000, 2)
      return { kind: 'answer', body: body(0) }
    })
    const sending = send(1)
    await cutover()
    await until(
      async () => (await status()).waitingFor[0]?.includes('next fence') ?? false,
      10_000,
      2,
    )
    expect((await fetch(`${admin()}/abort`, { method: 'POST' })).status).toBe(202)
    await until(async () => (await status()).allowed.includes('cutover'), 5_000, 5)
    expect(await status()).toMatchObject({ phase: 'source', lastAbort: 'the operator aborted it' })
    await sending
    expect(source.log('orders', 0)).toHaveLength(1)
  }, 30_000)
})

const refusedForNow = {
  body: (index: number) => ({
    responses: [
      {
        name: 'orders',
        partitionResponses: [{ index, errorCode: errorCodes.NOT_ENOUGH_REPLICAS, baseOffset: -1n }],
      },
    ],
  }),
}
