import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { until } from './until.ts'

let cluster: EmbeddedCluster
let kafka: Kafka

beforeEach(async () => {
  cluster = await startEmbeddedCluster({
    brokers: 3,
    topics: [{ name: 'orders', partitions: 6 }],
  })
  kafka = new Kafka({
    clientId: 'test',
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 10 },
  })
})

afterEach(() => cluster.stop())

const values = (partition: number) =>
  cluster.log('orders', partition).map(({ value }) => value?.toString())

describe('kafkajs', () => {
  test('produces, idempotently and compressed, and every record is stored once', async () => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const numbers = Array.from({ length: 60 }, (_, index) => index)
    for (const number of numbers)
      await producer.send({
        topic: 'orders',
        compression: number % 2 === 0 ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: [{ value: String(number), partition: number % 6 }],
      })
    await producer.disconnect()
    for (let partition = 0; partition < 6; partition++)
      expect(values(partition)).toEqual(
        numbers.filter((number) => number % 6 === partition).map(String),
      )
  })

  test('consumes as a group of two, whose offsets are committed', async () => {
    const received: string[] = []
    const consumers = [0, 1].map(() =>
      kafka.consumer({ groupId: 'billing', heartbeatInterval: 200, maxWaitTimeInMs: 200 }),
    )
    for (const consumer of consumers) {
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      await consumer.run({
        eachMessage: ({ message }) => {
          received.push(message.value?.toString() ?? '')
          return Promise.resolve()
        },
      })
    }
    const admin = kafka.admin()
    await admin.connect()
    await until(async () => {
      const described = await admin.describeGroups(['billing'])
      const group = described.groups[0]
      return group?.state === 'Stable' && group.members.length === 2
    })
    const producer = kafka.producer()
    await producer.connect()
    const sent = Array.from({ length: 30 }, (_, index) => `v${index}`)
    await producer.send({
      topic: 'orders',
      messages: sent.map((value, index) => ({ value, partition: index % 6 })),
    })
    await until(() => received.length >= sent.length)
    for (const consumer of consumers) await consumer.disconnect()
    expect([...received].sort()).toEqual([...sent].sort())
    const offsets = await admin.fetchOffsets({ groupId: 'billing', topics: ['orders'] })
    expect(offsets[0]?.partitions.map(({ offset }) => offset)).toEqual(Array(6).fill('5'))
    await producer.disconnect()
    await admin.disconnect()
  }, 20_000)

  test('goes on after its broker stopped and its leaders moved', async () => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const send = (value: string) =>
      producer.send({ topic: 'orders', messages: [{ value, partition: 0 }] })
    await send('a')
    const { nodeId, epoch } = cluster.leader('orders', 0)
    await cluster.stopBroker(nodeId)
    await send('b')
    expect(cluster.leader('orders', 0)).not.toEqual({ nodeId, epoch })
    expect(cluster.leader('orders', 0).epoch).toBe(epoch + 1)
    await cluster.startBroker(nodeId)
    cluster.moveLeader('orders', 0, nodeId)
    await send('c')
    await producer.disconnect()
    expect(values(0)).toEqual(['a', 'b', 'c'])
  })
})
