import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { connectClient, type Client } from './client.ts'
import { partitions, stored } from './questions.ts'
import { fetch, fetched, listOffsets, produce } from './requests.ts'
import { startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'
import { startThreeBrokers } from './three-brokers.ts'

/** Any virtual broker serves any partition and any group: stale metadata is never an error for long. */
let cluster: EmbeddedCluster
let sidecar: Sidecar

beforeEach(async () => {
  cluster = await startThreeBrokers()
  sidecar = await startSidecar(cluster.bootstrapServers)
  await untilReady(sidecar)
})
afterEach(async () => {
  await stopSidecars()
  await cluster.stop()
})

const slots = [0, 1, 2, 3]

/** Returns when the sidecar, too, knows that its connections there are gone. */
async function stopBroker(nodeId: number): Promise<void> {
  const { upstreams } = sidecar.seen
  await cluster.stopBroker(nodeId)
  expect(await until(() => sidecar.seen.upstreams < upstreams, 2_000, 1)).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 20))
}

async function produceTo(client: Client, partition: number, value: string): Promise<number> {
  const body = produce({ [`orders/${partition}`]: [value] })
  const { responses } = await client.ask(apis.produce, 9, body)
  return responses[0]?.partitionResponses[0]?.errorCode ?? -1
}

/** As a client does on a retriable error, except that it never asks where the leader is. */
async function produceUntilServed(
  client: Client,
  partition: number,
  value: string,
): Promise<number[]> {
  const errors: number[] = []
  const served = await until(
    async () => {
      const errorCode = await produceTo(client, partition, value)
      if (errorCode !== 0) errors.push(errorCode)
      return errorCode === 0
    },
    5_000,
    20,
  )
  expect(served).toBe(true)
  return errors
}

describe('a client that asks the wrong virtual broker', () => {
  test.each(slots)(
    'number %d: produces, fetches and lists offsets of every partition',
    async (slot) => {
      const client = await sidecar.connect(slot)
      for (const p of partitions) {
        expect(await produceTo(client, p, `v${p}`)).toBe(0)
        const answer = await client.ask(apis.fetch, 12, fetch({ [`orders/${p}`]: 0n }))
        expect(fetched(answer)).toEqual({ [`orders/${p}`]: [`v${p}`] })
        const { topics } = await client.ask(apis.listOffsets, 5, listOffsets([`orders/${p}`]))
        expect(topics[0]?.partitions).toMatchObject([{ errorCode: 0, offset: 1n }])
      }
      await client.close()
    },
  )

  test.each(slots)('number %d: all partitions in one request', async (slot) => {
    const client = await sidecar.connect(slot)
    const all = <T>(value: T) => Object.fromEntries(partitions.map((p) => [`orders/${p}`, value]))
    const produced = await client.ask(apis.produce, 9, produce(all(['a', 'b'])))
    const codes = produced.responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode }) => errorCode),
    )
    expect(codes).toEqual(Array(6).fill(0))
    expect(fetched(await client.ask(apis.fetch, 12, fetch(all(0n))))).toEqual(all(['a', 'b']))
    const { topics } = await client.ask(apis.listOffsets, 5, listOffsets(Object.keys(all(0))))
    expect(topics[0]?.partitions.map(({ offset }) => offset)).toEqual(Array(6).fill(2n))
    await client.close()
  })

  test.each(slots)('number %d: keeps its group', async (slot) => {
    const client = await sidecar.connect(slot)
    for (const groupId of ['a', 'b', 'c', 'd']) {
      const commit = await client.ask(apis.offsetCommit, 7, {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [
          {
            name: 'orders',
            partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: null }],
          },
        ],
      })
      expect(commit.topics[0]?.partitions[0]?.errorCode).toBe(0)
      const { topics } = await client.ask(apis.offsetFetch, 5, { groupId, topics: null })
      expect(topics[0]?.partitions[0]?.committedOffset).toBe(7n)
    }
    await client.close()
  })
})

describe('when the source changes', () => {
  test('a leader moves: the old virtual broker serves on, after one ordinary error at most', async () => {
    const client = await sidecar.connect(1)
    expect(await produceTo(client, 0, 'a')).toBe(0)
    cluster.moveLeader('orders', 0, 2)
    const errors = await produceUntilServed(client, 0, 'b')
    expect(errors.every((code) => code === errorCodes.NOT_LEADER_OR_FOLLOWER)).toBe(true)
    expect(errors.length).toBeLessThan(40)
    expect(await produceTo(client, 0, 'c')).toBe(0)
    expect(stored(cluster, 0)).toEqual(['a', 'b', 'c'])
    await client.close()
  })

  test('a coordinator moves: after the client has asked for it, the old virtual broker serves', async () => {
    const client = await sidecar.connect(1)
    const beat = async (): Promise<number> =>
      (
        await client.ask(apis.heartbeat, 3, {
          groupId: 'billing',
          generationId: 1,
          memberId: 'nobody',
        })
      ).errorCode
    const { UNKNOWN_MEMBER_ID, NOT_COORDINATOR } = errorCodes
    expect(await beat()).toBe(UNKNOWN_MEMBER_ID)
    for (const nodeId of [1, 2, 3]) {
      cluster.moveCoordinator('billing', nodeId)
      expect([UNKNOWN_MEMBER_ID, NOT_COORDINATOR]).toContain(await beat())
      const found = await client.ask(apis.findCoordinator, 3, { key: 'billing', keyType: 0 })
      expect(found).toMatchObject({ errorCode: 0, nodeId, port: sidecar.port + nodeId })
      expect(await beat()).toBe(UNKNOWN_MEMBER_ID)
    }
    await client.close()
  })

  test('a broker stops and comes back: its virtual broker serves all along', async () => {
    const client = await sidecar.connect(1)
    const other = await sidecar.connect(2)
    expect(await produceTo(client, 0, 'a')).toBe(0)
    await stopBroker(1)
    await produceUntilServed(client, 0, 'b')
    await produceUntilServed(other, 0, 'c')
    const newcomer = await sidecar.connect(1)
    await produceUntilServed(newcomer, 0, 'd')
    await cluster.startBroker(1)
    cluster.moveLeader('orders', 0, 1)
    await produceUntilServed(client, 0, 'e')
    expect(stored(cluster, 0)).toEqual(['a', 'b', 'c', 'd', 'e'])
    for (const each of [client, other, newcomer]) expect(each.isClosed).toBe(false)
    const { brokers } = await client.ask(apis.metadata, 9, { topics: [] })
    expect(brokers.map(({ nodeId, port }) => [nodeId, port - sidecar.port])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  test('a broker is added: the next Metadata shows it, and its port is open by then', async () => {
    const client = await sidecar.connect(0)
    const { nodeId } = await cluster.addBroker()
    const { brokers } = await client.ask(apis.metadata, 9, { topics: [] })
    expect(brokers.find((broker) => broker.nodeId === nodeId)?.port).toBe(sidecar.port + 4)
    cluster.moveLeader('orders', 0, nodeId)
    const onNew = await sidecar.connect(4)
    await produceUntilServed(onNew, 0, 'a')
    expect(stored(cluster, 0)).toEqual(['a'])
    await onNew.close()
    await client.close()
  })

  test('kafkajs produces and consumes through all of it, each record once and in order', async () => {
    const kafka = new Kafka({
      clientId: 'test',
      brokers: [`127.0.0.1:${sidecar.port}`],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 20 },
    })
    const consumer = kafka.consumer({
      groupId: 'billing',
      heartbeatInterval: 200,
      maxWaitTimeInMs: 100,
    })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    const received: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        received.push(`${partition}:${message.value?.toString() ?? ''}`)
        return Promise.resolve()
      },
    })
    await producer.connect()
    const changes: (() => Promise<unknown> | void)[] = [
      () => cluster.moveLeader('orders', 0, 3),
      () => cluster.moveCoordinator('billing', 2),
      () => cluster.stopBroker(1),
      () => cluster.addBroker(),
      () => cluster.startBroker(1),
      () => cluster.moveLeader('orders', 4, 1),
      () => cluster.moveCoordinator('billing', 1),
    ]
    const sent: string[] = []
    for (let round = 0; round < changes.length + 1; round++) {
      for (let i = 0; i < 12; i++) {
        const value = `${round}.${i}`
        await producer.send({ topic: 'orders', messages: [{ partition: i % 6, value }] })
        sent.push(`${i % 6}:${value}`)
      }
      await changes[round]?.()
    }
    await until(() => new Set(received).size >= sent.length, 20_000, 20)
    for (const p of partitions) {
      const of = (list: readonly string[]) => list.filter((each) => each.startsWith(`${p}:`))
      expect([...new Set(of(received))]).toEqual(of(sent))
    }
    await consumer.disconnect()
    await producer.disconnect()
  }, 60_000)
})

describe('fetch sessions (KIP-227)', () => {
  const { FETCH_SESSION_ID_NOT_FOUND } = errorCodes
  const ask = (
    client: Client,
    offsets: Record<string, bigint>,
    sessionId: number,
    sessionEpoch: number,
  ) => client.ask(apis.fetch, 12, fetch(offsets, { sessionId, sessionEpoch }))

  test('whose partitions share a broker pass through, and name what is new only', async () => {
    const client = await sidecar.connect(3)
    await produceTo(client, 0, 'a')
    const { sessionId, ...full } = await ask(client, { 'orders/0': 0n, 'orders/3': 0n }, 0, 0)
    expect(sessionId).not.toBe(0)
    expect(fetched({ sessionId, ...full })).toEqual({ 'orders/0': ['a'], 'orders/3': [] })
    await produceTo(client, 3, 'b')
    const next = await ask(client, { 'orders/0': 1n }, sessionId, 1)
    expect(next).toMatchObject({ errorCode: 0, sessionId })
    expect(fetched(next)).toEqual({ 'orders/3': ['b'] })
    const none = await ask(client, { 'orders/3': 1n }, sessionId, 2)
    expect(none).toMatchObject({ errorCode: 0, sessionId, responses: [] })
    const last = await ask(client, {}, sessionId, -1)
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0 })
    await client.close()
  })

  test('end when a partition of another broker joins; then all partitions come without one', async () => {
    const client = await sidecar.connect(1)
    await produceTo(client, 0, 'a')
    await produceTo(client, 1, 'b')
    const { sessionId } = await ask(client, { 'orders/0': 0n }, 0, 0)
    expect(sessionId).not.toBe(0)
    const grown = await ask(client, { 'orders/1': 0n }, sessionId, 1)
    expect(grown).toMatchObject({ errorCode: FETCH_SESSION_ID_NOT_FOUND, responses: [] })
    const both = await ask(client, { 'orders/0': 0n, 'orders/1': 0n }, 0, 0)
    expect(both).toMatchObject({ errorCode: 0, sessionId: 0 })
    expect(fetched(both)).toEqual({ 'orders/0': ['a'], 'orders/1': ['b'] })
    await client.close()
  })

  test('are known to the connection that has them only', async () => {
    const client = await sidecar.connect(1)
    const { sessionId } = await ask(client, { 'orders/0': 0n }, 0, 0)
    const other = await sidecar.connect(1)
    expect((await ask(other, {}, sessionId, 1)).errorCode).toBe(FETCH_SESSION_ID_NOT_FOUND)
    expect((await ask(client, {}, sessionId, 1)).errorCode).toBe(0)
    await client.close()
    await other.close()
  })

  test('end when a leader moves to another broker that the client has learned of', async () => {
    const client = await sidecar.connect(1)
    const { sessionId } = await ask(client, { 'orders/0': 0n }, 0, 0)
    cluster.moveLeader('orders', 0, 2)
    await client.ask(apis.metadata, 9, { topics: [{ name: 'orders' }] })
    const stale = await ask(client, { 'orders/0': 0n }, sessionId, 1)
    expect(stale.errorCode).toBe(FETCH_SESSION_ID_NOT_FOUND)
    const fresh = await ask(client, { 'orders/0': 0n }, 0, 0)
    expect(fresh).toMatchObject({ errorCode: 0 })
    expect(fresh.responses[0]?.partitions[0]?.errorCode).toBe(0)
    await client.close()
  })

  test('end with their broker', async () => {
    const client = await sidecar.connect(2)
    const { sessionId } = await ask(client, { 'orders/0': 0n }, 0, 0)
    await stopBroker(1)
    await cluster.startBroker(1)
    const stale = await ask(client, {}, sessionId, 1)
    expect(stale.errorCode).toBe(FETCH_SESSION_ID_NOT_FOUND)
    await client.close()
  })

  test('that the client closes are closed at the broker that has them', async () => {
    const client = await sidecar.connect(2)
    const { sessionId } = await ask(client, { 'orders/0': 0n }, 0, 0)
    expect((await ask(client, {}, sessionId, -1)).errorCode).toBe(0)
    const direct = await connectClient(cluster.brokers[0]?.port ?? 0)
    expect((await ask(direct, {}, sessionId, 1)).errorCode).toBe(FETCH_SESSION_ID_NOT_FOUND)
    await direct.close()
    await client.close()
  })
})
