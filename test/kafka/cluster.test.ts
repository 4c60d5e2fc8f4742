import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { fetchMetadata, isOpen, requireKafka, startCluster, until, type Cluster } from './index.ts'

const kafka = await requireKafka()

/** One record through an ordinary client, and back. */
async function roundTrip(cluster: Cluster): Promise<string> {
  const client = new Kafka({
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
  })
  const admin = client.admin()
  await admin.connect()
  // A replication factor is named, for a broker before 2.4 has no default.
  await admin.createTopics({
    topics: [{ topic: 'orders', numPartitions: 1, replicationFactor: 1 }],
  })
  await admin.disconnect()
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', acks: -1, messages: [{ value: cluster.version }] })
  await producer.disconnect()
  const consumer = client.consumer({ groupId: 'round-trip' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const value = await new Promise<string>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) reject(payload.error)
    })
    consumer
      .run({
        eachMessage: ({ message }) => Promise.resolve(resolve(message.value?.toString() ?? '')),
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return value
}

describe.skipIf(!kafka)('a real Kafka', () => {
  test.for(['1.1.1', '2.8.2', '3.9.1', '4.3.1'])(
    'one broker of %s takes and gives a record',
    { timeout: 180_000 },
    async (version) => {
      const cluster = await startCluster({ version, brokers: 1 })
      try {
        expect(await roundTrip(cluster)).toBe(version)
        const [broker] = cluster.brokers
        expect(broker?.nodeId).toBe(1)
        const metadata = await fetchMetadata(broker?.host ?? '', broker?.port ?? 0)
        expect(metadata?.brokers).toEqual([broker])
      } finally {
        await cluster.stop()
      }
      expect(await fetchMetadata('127.0.0.1', cluster.brokers[0]?.port ?? 0)).toBeUndefined()
    },
  )

  test(
    'three brokers, of which one is stopped and one is killed',
    { timeout: 300_000 },
    async () => {
      const cluster = await startCluster({ version: '4.3.1', brokers: 3 })
      const nodeIds = async () => (await cluster.metadata()).brokers.map((b) => b.nodeId).sort()
      try {
        expect(await nodeIds()).toEqual([1, 2, 3])
        await cluster.stopBroker(0)
        expect(await isOpen(cluster.brokers[0]?.port ?? 0)).toBe(false)
        expect(await until(async () => !(await nodeIds()).includes(1), 15_000)).toBe(true)
        await cluster.startBroker(0)
        expect(await nodeIds()).toEqual([1, 2, 3])
        await cluster.killBroker(1)
        await cluster.startBroker(1)
        await cluster.inSync()
        expect(await nodeIds()).toEqual([1, 2, 3])
        expect(await roundTrip(cluster)).toBe('4.3.1')
      } finally {
        await cluster.stop()
      }
    },
  )

  test('a killed broker of 1.1.1 is let in again', { timeout: 120_000 }, async () => {
    const cluster = await startCluster({ version: '1.1.1', brokers: 1 })
    try {
      await cluster.killBroker(0)
      await cluster.startBroker(0)
      expect(await roundTrip(cluster)).toBe('1.1.1')
    } finally {
      await cluster.stop()
    }
  })
})
