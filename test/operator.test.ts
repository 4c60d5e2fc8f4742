/** A cutover as its operator sees it: the commands, the metrics, and what a group costs that stays away. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { main } from '../src/cli/index.ts'
import { loadConfig } from '../src/config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../src/embedded/index.ts'
import { apis } from '../src/protocol/index.ts'
import { startSidecar, type Sidecar } from '../src/sidecar.ts'
import { fakeWorld } from './cli/deps.ts'
import { freePortRow } from './kafka/index.ts'
import { parseExposition } from './metrics/exposition.ts'

let source: EmbeddedCluster
let target: EmbeddedCluster
let directory: string
let port: number
let sidecar: Sidecar

const admin = (): string => `127.0.0.1:${port + 8}`

async function run(): Promise<Sidecar> {
  const loaded = await loadConfig({
    flags: {
      ...{ source: source.bootstrapServers, target: target.bootstrapServers, logLevel: 'silent' },
      ...{ listen: `127.0.0.1:${port}`, admin: admin(), journal: `file:${directory}/journal` },
    },
    env: { XDG_STATE_HOME: directory, XDG_DATA_HOME: directory, HOME: directory },
    readFile: () => '',
  })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ text }) => text).join('\n'))
  return startSidecar(loaded.config)
}

async function cli(...args: readonly string[]) {
  const { world, deps } = fakeWorld()
  const code = await main([...args, '--admin', admin()], deps)
  return { code, stdout: world.stdout, stderr: world.stderr }
}

/** The value of a metric with these labels; undefined where it is not shown. */
async function metric(name: string, labels: Record<string, string> = {}) {
  const { samples } = parseExposition(await (await fetch(`http://${admin()}/metrics`)).text())
  const isThis = (sample: (typeof samples)[number]): boolean =>
    sample.name === `kafka_cutover_${name}` &&
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  return samples.find(isThis)?.value
}

beforeEach(async () => {
  const topics = [{ name: 'orders', partitions: 1 }]
  source = await startEmbeddedCluster({ brokers: 2, topics })
  target = await startEmbeddedCluster({ brokers: 1, topics })
  directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-test-'))
  port = await freePortRow(9, '127.0.0.1')
  sidecar = await run()
})

afterEach(async () => {
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
  await rm(directory, { recursive: true, force: true })
})

it('is told of a group that stays away, and what to forget it costs', async () => {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: 5 }, (_, i) => ({ value: `${i}` }))
  await producer.send({ topic: 'orders', messages })
  const groups = kafka.admin()
  await groups.connect()
  const read = [{ partition: 0, offset: '2' }]
  await groups.setOffsets({ groupId: 'audit', topic: 'orders', partitions: read })
  expect(await cli('offsets', 'orders', '0', '5')).toMatchObject({
    code: 0,
    stdout: 'clients  orders 0  offset 5\nsource   orders 0  offset 5\ntarget   not there\n',
  })
  const unknown = 'topic bills is not known on the source'
  expect(await cli('offsets', 'bills', '0', '5')).toMatchObject({
    ...{ code: 3, stdout: '' },
    stderr: expect.stringContaining(unknown) as string,
  })
  expect((await cli('forget', '--group', 'audit')).stderr).toMatch(
    /^refused: forget: no group is waited for in phase source: .*\nNow: phase source, everything flows/,
  )

  const timedOut = await cli('cutover', '--timeout', '3s')
  expect(timedOut).toMatchObject({ code: 4, stdout: '' })
  expect(timedOut.stderr).toContain(
    'Waiting for: group audit: 3 records left on orders, no members',
  )
  expect((await cli('cutover')).stderr).toContain(
    'refused: cutover: one is under way, and waits for',
  )
  expect((await cli('abort')).stderr).toContain('refused: abort: records are on the target already')
  expect((await cli('forget', '--group', 'nobody')).stderr).toContain(
    'refused: forget: group nobody is not known on the source',
  )
  expect(await metric('phase', { phase: 'spliced' })).toBe(1)
  const audit = { group: 'audit', topic: 'orders' }
  expect(await metric('drain_remaining_records', audit)).toBe(3)
  expect(await metric('drain_rate_records_per_second', audit)).toBe(0)
  expect(await metric('drain_eta_seconds', audit)).toBeUndefined()
  expect(await metric('fence_duration_seconds_count')).toBe(1)
  expect((await cli('status')).stdout).toMatch(/audit +dormant +0 members +3 records left/)
  expect((await cli('offsets', 'orders', '0', '5')).stdout).toBe(
    'clients  orders 0  offset 5\nsource   orders 0  offset 5\ntarget   orders 0  offset 0\n',
  )

  const forgotten = await cli('forget', '--group', 'audit')
  expect(forgotten).toMatchObject({ code: 0, stderr: '' })
  expect(forgotten.stdout).toContain('gives up 3 records')
  await expect.poll(() => metric('phase', { phase: 'target' }), { timeout: 10_000 }).toBe(1)
  expect((await cli('forget', '--group', 'audit')).stderr).toContain(
    'refused: forget: group audit is forgotten already; nothing waits for it\nNow: phase target',
  )
  expect(await metric('drain_remaining_records', audit)).toBeUndefined()
  expect(await metric('stragglers_total', { topic: 'orders' })).toBe(0)

  await Promise.all([producer.disconnect(), groups.disconnect()])
  await sidecar.stop()
  sidecar = await run()
  expect(await metric('phase', { phase: 'target' })).toBe(1)
  expect(await metric('transitions_total')).toBeUndefined()
})

it('counts the groups that moved, and how long they were held', async () => {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: 'billing',
    heartbeatInterval: 100,
    maxWaitTimeInMs: 200,
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({ eachMessage: () => Promise.resolve() })
  const groups = kafka.admin()
  await groups.connect()
  const state = async () => (await groups.describeGroups(['billing'])).groups[0]?.state
  await expect.poll(state, { timeout: 10_000 }).toBe('Stable')
  await groups.disconnect()
  expect(await cli('cutover', '--timeout', '40s')).toMatchObject({ code: 0, stderr: '' })
  expect(await metric('group_moves_total')).toBe(1)
  expect(await metric('group_move_duration_seconds_sum')).toBeGreaterThan(0)
  expect(await metric('hold_duration_seconds_count', { api: 'JoinGroup' })).toBe(1)
  expect(await metric('held_requests', { api: 'JoinGroup' })).toBe(0)
  await consumer.disconnect()
})

it('is not kept waiting for a cutover that was aborted', async () => {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  const released = Promise.withResolvers<undefined>()
  const asked = Promise.withResolvers<undefined>()
  source.control(apis.produce, () => {
    asked.resolve(undefined)
    return released.promise
  })
  const sent = producer.send({ topic: 'orders', messages: [{ value: 'slow' }] })
  await asked.promise
  // What the source has not answered keeps the fence from its splice.
  const cutover = cli('cutover', '--timeout', '60s')
  await expect.poll(async () => (await cli('status')).stdout).toContain('being produced')
  expect(await cli('abort')).toMatchObject({ code: 0 })
  const { code, stdout, stderr } = await cutover
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain('cutover aborted: the operator aborted it.\nNow: phase source')
  expect((await cli('status')).stdout).toContain('  aborted  the operator aborted it\n')
  expect(await metric('transitions_total', { from: 'fenced', to: 'source' })).toBe(1)
  expect(await metric('fence_duration_seconds_count')).toBe(1)
  released.resolve(undefined)
  expect((await sent)[0]?.baseOffset).toBe('0')
  await producer.disconnect()
})
