import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Status } from '../../src/admin/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { startSidecar, type Sidecar } from '../../src/sidecar.ts'
import { freePortRow } from '../kafka/index.ts'
import { until } from '../kafka/ports.ts'

/** For what comes for sure, however busy the machine. */
const patienceMs = 60_000

let source: EmbeddedCluster
let target: EmbeddedCluster
let directory: string
let port: number
let sidecar: Sidecar
let bypassing: Producer

const direct = (cluster: EmbeddedCluster): Kafka =>
  new Kafka({
    clientId: 'direct',
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
  })
const admin = (): string => `http://127.0.0.1:${port + 8}`
const status = async (): Promise<Status> =>
  (await (await fetch(`${admin()}/status`)).json()) as Status
const post = (command: string) => fetch(`${admin()}/${command}`, { method: 'POST' })

async function run(): Promise<Sidecar> {
  const loaded = await loadConfig({
    flags: {
      source: source.bootstrapServers.split(','),
      target: target.bootstrapServers.split(','),
      listen: `127.0.0.1:${port}`,
      admin: `127.0.0.1:${port + 8}`,
      mode: 'unordered',
      logLevel: process.env['LOG_LEVEL'] ?? 'silent',
      journal: `file:${join(directory, 'journal')}`,
    },
    env: { XDG_STATE_HOME: directory, XDG_DATA_HOME: directory, HOME: directory },
  } as unknown as Parameters<typeof loadConfig>[0])
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return startSidecar(loaded.config)
}

/** A group reads the source to its end, and its only member leaves. */
async function drain(groupId: string): Promise<void> {
  const consumer = direct(source).consumer({ groupId, heartbeatInterval: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'logs', fromBeginning: true })
  await consumer.run({
    // What counts here is what is committed: a member that leaves takes what is not with it.
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      const offset = `${BigInt(message.offset) + 1n}`
      await consumer.commitOffsets([{ topic, partition, offset }])
    },
  })
  const ends = [0, 1].map((partition) => `${source.log('logs', partition).length}`)
  const isRead = async () => (await positions(source, groupId)).join() === ends.join()
  await until(isRead, patienceMs, 50)
  await consumer.disconnect()
}

/** What a group reads of the target, up to `count` records and those that are there by then. */
async function readOnTarget(groupId: string, count: number): Promise<readonly string[]> {
  const consumer = direct(target).consumer({ groupId, heartbeatInterval: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'logs' })
  const seen: string[] = []
  await consumer.run({
    eachMessage: ({ message }) => Promise.resolve(void seen.push(`${message.value?.toString()}`)),
  })
  await until(() => seen.length >= count, patienceMs, 50)
  await consumer.disconnect()
  const held = [0, 1, 2].flatMap((partition) => target.log('logs', partition))
  expect(held.filter(({ value }) => value !== null)).toHaveLength(count)
  return seen
}

/** What was written, each another value. */
let values: string[] = []

async function write(count: number, producer = bypassing): Promise<readonly string[]> {
  const mine = Array.from({ length: count }, (_, i) => `v${values.length + i}`)
  values.push(...mine)
  const messages = mine.map((value, i) => ({ value, partition: i % 2 }))
  await producer.send({ topic: 'logs', messages })
  return mine
}

const positions = async (cluster: EmbeddedCluster, groupId: string): Promise<readonly string[]> => {
  const asking = direct(cluster).admin()
  await asking.connect()
  const [logs] = await asking.fetchOffsets({ groupId, topics: ['logs'] })
  await asking.disconnect()
  return (logs?.partitions ?? []).map(({ offset }) => offset)
}

beforeEach(async () => {
  values = []
  source = await startEmbeddedCluster({ brokers: 2, topics: [{ name: 'logs', partitions: 2 }] })
  target = await startEmbeddedCluster({ brokers: 2, topics: [{ name: 'logs', partitions: 3 }] })
  directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-test-'))
  port = await freePortRow(9, '127.0.0.1')
  bypassing = direct(source).producer()
  await bypassing.connect()
  sidecar = await run()
})

afterEach(async () => {
  await bypassing.disconnect()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
  await rm(directory, { recursive: true, force: true })
})

describe('a cutover of unordered topics', () => {
  test('flips at once, needs the source while it is written to, and ends when its groups have moved', async () => {
    await write(20)
    await drain('billing')
    expect((await post('cutover')).status).toBe(202)
    await until(async () => (await status()).phase === 'spliced', 10_000, 20)
    expect(await positions(target, 'billing')).toEqual(['0', '0', '0'])
    const [logs] = (await status()).topics
    expect(logs).toMatchObject({ source: 'logs', mode: 'unordered' })
    expect(logs?.partitions.map(({ targetStart }) => targetStart)).toEqual([null, null, 0, 0, 0])

    const written = async (): Promise<boolean> => {
      await write(4)
      const { waitingFor } = await status()
      return waitingFor.some((sentence) => /still needed: logs-0 \(.+\/s\), logs-1 /.test(sentence))
    }
    await until(written, 10_000, 100)
    const rates = (await status()).topics[0]?.partitions.map((each) => each.sourceWriteRate ?? -1)
    expect(rates?.slice(0, 2).every((rate) => rate > 0)).toBe(true)
    expect((await status()).groups).toMatchObject([{ group: 'billing', state: 'dormant' }])

    await sidecar.stop()
    sidecar = await run()
    expect((await status()).phase).toBe('spliced')
    const { waitingFor } = await status()
    expect(waitingFor.join()).not.toContain('still needed')
    await drain('billing')
    await until(async () => (await status()).phase === 'target', patienceMs, 50)
    expect((await status()).groups).toMatchObject([{ group: 'billing', state: 'moved' }])
    expect(await positions(target, 'billing')).toEqual(['0', '0', '0'])

    const idempotent = direct(source).producer({ idempotent: true, maxInFlightRequests: 1 })
    await idempotent.connect()
    const late: string[] = []
    const again = async (): Promise<boolean> => {
      late.push(...(await write(4)), ...(await write(4, idempotent)))
      return (await status()).waitingFor.some((sentence) => sentence.includes('is carried'))
    }
    await until(again, patienceMs, 100)
    await sidecar.stop()
    late.push(...(await write(6)), ...(await write(6, idempotent)))
    sidecar = await run()
    late.push(...(await write(6)), ...(await write(6, idempotent)))
    await idempotent.disconnect()
    const arrived = await readOnTarget('billing', late.length)
    expect(arrived.toSorted()).toEqual(late.toSorted())
  }, 240_000)
})
