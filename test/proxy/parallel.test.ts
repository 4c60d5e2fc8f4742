import { Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import {
  apis,
  encodeAssignment,
  encodeSubscription,
  errorCodes,
  type FetchResponse,
} from '../../src/protocol/index.ts'
import { noView, parallelTimelines, type View } from '../../src/router/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, frameOf, type Client } from './client.ts'
import { startSidecar, untilReady, type Sidecar } from './sidecar.ts'

/** 2 partitions of the source and 3 of the target, which held other records before. */
const parallel = { sourcePartitions: 2, targetPartitions: 3 }
const recordsBefore = 4
const groupId = 'billing'

let source: EmbeddedCluster
let target: EmbeddedCluster
let sidecar: Sidecar
const clients: Client[] = []

beforeEach(async () => {
  source = await startEmbeddedCluster({ brokers: 2, topics: [{ name: 'orders', partitions: 2 }] })
  target = await startEmbeddedCluster({ brokers: 2, topics: [{ name: 'orders', partitions: 3 }] })
  for (const partition of [0, 1, 2]) await write(target, 'before', partition, recordsBefore)
  const [host = '', port] = (target.bootstrapServers.split(',')[0] ?? '').split(':')
  sidecar = await startSidecar(source.bootstrapServers, {
    target: { bootstrapServers: [{ host, port: Number(port) }], tls: null, identity: null },
  })
  await untilReady(sidecar)
  await until(() => sidecar.proxy.target?.discovered === true, 5_000, 5)
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
})

async function write(
  cluster: EmbeddedCluster,
  value: string,
  partition: number,
  count = 1,
): Promise<void> {
  const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: 0 })
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: count }, () => ({ value, partition }))
  await producer.send({ topic: 'orders', messages })
  await producer.disconnect()
}

function flip(changes: Partial<View> = {}): void {
  const names = { name: 'orders', targetName: 'orders' }
  const { sourcePartitions, targetPartitions } = parallel
  const starts = Array.from({ length: targetPartitions }, () => BigInt(recordsBefore))
  const topicId = sidecar.proxy.source.topology.topics.get('orders')?.topicId ?? null
  const timelines = parallelTimelines({ ...names, sourcePartitions, starts })
  const view: View = {
    ...noView,
    hasTarget: true,
    clusterId: source.clusterId,
    everyTopic: true,
    topics: new Map([['orders', { ...names, topicId, timelines, parallel }]]),
    spliced: true,
    ...changes,
  }
  sidecar.proxy.show(view)
}

const connect = async (): Promise<Client> => {
  const client = await sidecar.connect()
  clients.push(client)
  return client
}

const version = 12
type Asked = readonly (readonly [partition: number, offset: bigint])[]

const fetch = (client: Client, asked: Asked, session = { sessionId: 0, sessionEpoch: -1 }) =>
  client.ask(apis.fetch, version, {
    maxWaitMs: 50,
    minBytes: 1,
    maxBytes: 100_000,
    ...session,
    topics: [
      {
        topic: 'orders',
        partitions: asked.map(([partition, fetchOffset]) => ({
          partition,
          fetchOffset,
          partitionMaxBytes: 10_000,
        })),
      },
    ],
  })

const partitionsOf = ({ responses }: FetchResponse) =>
  responses
    .flatMap(({ partitions }) => partitions)
    .toSorted((a, b) => a.partitionIndex - b.partitionIndex)

/** By partition: its error, and the offset of the first record that came. */
const found = (answer: FetchResponse) =>
  partitionsOf(answer).map(({ partitionIndex, errorCode, records }) => [
    partitionIndex,
    errorCode,
    records === null || records.length === 0 ? null : records.readBigInt64BE(0),
  ])

const joinOf = (memberId: string) => ({
  groupId,
  memberId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: encodeSubscription(0, { topics: ['orders'] }) }],
})

/** @param syncError what its SyncGroup is answered */
async function join(
  client: Client,
  memberId: string,
  given: readonly number[],
  syncError: number = errorCodes.NONE,
): Promise<string> {
  const joined = await client.ask(apis.joinGroup, 3, joinOf(memberId))
  expect(joined.errorCode).toBe(errorCodes.NONE)
  const assignment = encodeAssignment(0, {
    assignedPartitions: [{ topic: 'orders', partitions: [...given] }],
  })
  generation = joined.generationId
  const synced = await client.ask(apis.syncGroup, 1, {
    groupId,
    generationId: generation,
    memberId: joined.memberId,
    assignments: [{ memberId: joined.memberId, assignment }],
  })
  expect(synced.errorCode).toBe(syncError)
  return joined.memberId
}
let generation = -1

const beat = async (client: Client, memberId: string): Promise<number> => {
  const asked = { groupId, generationId: generation, memberId }
  return (await client.ask(apis.heartbeat, 1, asked)).errorCode
}

/** Beats until something else than NONE comes. */
async function calledAfter(client: Client, memberId: string): Promise<number> {
  const began = performance.now()
  for (;;) {
    const errorCode = await beat(client, memberId)
    const ms = performance.now() - began
    if (errorCode === errorCodes.REBALANCE_IN_PROGRESS) return ms
    expect(errorCode).toBe(errorCodes.NONE)
    if (ms > 5_000) throw new Error('nobody was called')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('both clusters are read, each at its own offsets', async () => {
  const client = await connect()
  await write(source, 'a', 0)
  flip()
  await write(target, 'b', 1)
  const asked: Asked = [[0, 0n], [2, 4n], [3, 4n], [4, 3n]] // prettier-ignore
  const answer = await fetch(client, asked)
  const outOfRange = [4, errorCodes.OFFSET_OUT_OF_RANGE, null]
  expect(found(answer)).toEqual([[0, 0, 0n], [2, 0, null], [3, 0, 4n], outOfRange]) // prettier-ignore
  expect(found(await fetch(client, asked.slice(1, 3)))).toEqual([[2, 0, null], [3, 0, 4n]]) // prettier-ignore
})

test('a session of incremental Fetches from before ends, and its client hears of new partitions once', async () => {
  const client = await connect()
  const asked: Asked = [[0, 0n]]
  const begun = await fetch(client, asked, { sessionId: 0, sessionEpoch: 0 })
  flip()
  expect(begun.sessionId).not.toBe(0)
  const next = await fetch(client, [], { sessionId: begun.sessionId, sessionEpoch: 1 })
  expect(next.errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  const refused = await fetch(client, asked, { sessionId: 0, sessionEpoch: 0 })
  expect(refused).toMatchObject({ errorCode: 0, sessionId: 0 })
  expect(partitionsOf(refused)).toMatchObject([
    { partitionIndex: 0, errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER, records: Buffer.alloc(0) },
  ])
  expect(found(await fetch(client, asked))).toEqual([[0, 0, null]])
})

test('with the source off, its partitions are empty, in the time that a broker would take', async () => {
  const client = await connect()
  flip({ home: 'target' })
  await source.stop()
  const asked: Asked = [[0, 5n]]
  // The first one tells of new partitions.
  expect(found(await fetch(client, asked))).toEqual([[0, errorCodes.NOT_LEADER_OR_FOLLOWER, null]])
  const began = performance.now()
  const empty = await fetch(client, asked)
  expect(performance.now() - began).toBeGreaterThan(45)
  expect(partitionsOf(empty)).toMatchObject([
    { partitionIndex: 0, errorCode: 0, highWatermark: 5n },
  ])
  expect(found(await fetch(client, [[0, 5n], [2, 4n]]))).toEqual([[0, 0, null], [2, 0, null]]) // prettier-ignore
})

test('a leader that does not join by itself is called, closed when it comes as it was, then left alone', async () => {
  const reader = await connect()
  const coordinator = await connect()
  const memberId = await join(coordinator, '', [0, 1])
  expect(await beat(coordinator, memberId)).toBe(errorCodes.NONE)
  flip()
  const asked: Asked = [[0, 0n], [1, 0n]] // prettier-ignore
  expect(found(await fetch(reader, asked)).map(([, errorCode]) => errorCode)).toEqual([6, 6])
  const ms = await calledAfter(coordinator, memberId)
  expect(ms).toBeGreaterThan(900)
  expect(ms).toBeLessThan(2_000)
  await join(coordinator, memberId, [0, 1])
  // The answer comes first, and it is no error.
  coordinator.write(frameOf(apis.heartbeat, 1, { groupId, generationId: generation, memberId }))
  const last = answerOf(apis.heartbeat, 1, await coordinator.next())
  expect(last.errorCode).toBe(errorCodes.NONE)
  await coordinator.closed

  const again = await connect()
  await join(again, memberId, [0, 1, 2, 3, 4])
  const began = performance.now()
  while (performance.now() - began < 1_500) {
    expect(await beat(again, memberId)).toBe(errorCodes.NONE)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(found(await fetch(await connect(), asked)).map(([, errorCode]) => errorCode)).toEqual([0, 0]) // prettier-ignore
  expect(sidecar.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
})

test('a leader on franz-go that owns nothing is taken out of its group, and called', async () => {
  const coordinator = await connect()
  const named = { clientSoftwareName: 'kgo', clientSoftwareVersion: 'v1.19.5' }
  await coordinator.ask(apis.apiVersions, 3, named)
  const memberId = await join(coordinator, '', [])
  expect(await beat(coordinator, memberId)).toBe(errorCodes.NONE)
  flip()
  expect(await beat(coordinator, memberId)).toBe(errorCodes.REBALANCE_IN_PROGRESS)
  expect(await beat(coordinator, memberId)).toBe(errorCodes.REBALANCE_IN_PROGRESS)
  const refused = await coordinator.ask(apis.joinGroup, 3, joinOf(memberId))
  expect(refused.errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  const renewed = await join(coordinator, '', [0, 1, 2, 3, 4])
  expect(renewed).not.toBe(memberId)
  expect(await beat(coordinator, renewed)).toBe(errorCodes.NONE)
  expect(sidecar.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
})

test('a leader on kafka-python that joins by itself is asked for once more, in the same generation', async () => {
  const reader = await connect()
  const coordinator = await connect()
  const named = { clientSoftwareName: 'kafka-python', clientSoftwareVersion: '3.0.12' }
  await coordinator.ask(apis.apiVersions, 3, named)
  const memberId = await join(coordinator, '', [0, 1])
  flip()
  await fetch(reader, [[0, 0n], [1, 0n]]) // prettier-ignore
  const all = [0, 1, 2, 3, 4]
  await join(coordinator, memberId, all, errorCodes.REBALANCE_IN_PROGRESS)
  const asked = generation
  await join(coordinator, memberId, all)
  expect(generation).toBe(asked)
  expect(await beat(coordinator, memberId)).toBe(errorCodes.NONE)
})

test('who reads which topics is known while nothing has moved', async () => {
  const client = await connect()
  expect(sidecar.proxy.reading).toEqual([])
  const begun = await fetch(client, [[0, 0n]], { sessionId: 0, sessionEpoch: 0 })
  const reading = [{ clientId: 'test', topics: new Set(['orders']) }]
  expect(sidecar.proxy.reading).toEqual(reading)
  // Of a session a Fetch names what is new, which is nothing here.
  await fetch(client, [], { sessionId: begun.sessionId, sessionEpoch: 1 })
  expect(sidecar.proxy.reading).toEqual(reading)
  await client.close()
  await until(() => sidecar.proxy.reading.length === 0, 5_000, 5)
})
