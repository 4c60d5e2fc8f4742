import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { startEmbeddedCluster } from '../../src/embedded/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { clients } from './index.ts'

/**
 * Why verdicts excuse kafkajs (`ClientFacts.redeals`): this is a plain cluster. When it is mended, the excuse must go.
 */
test('kafkajs repeats one record and loses another where partitions are added while an answer is lost', async () => {
  expect(clients.kafkajs.redeals).toBe(true)
  const cluster = await startEmbeddedCluster({
    brokers: 1,
    topics: [{ name: 'orders', partitions: 1 }],
  })
  const kafka = new Kafka({
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50 },
  })
  const admin = kafka.admin()
  const producer = kafka.producer({ idempotent: true })
  await Promise.all([admin.connect(), producer.connect()])
  const send = async (key: string, value: string): Promise<void> => {
    await producer.send({ topic: 'orders', messages: [{ key, value }] })
  }
  try {
    await send('k', 'first')
    await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 40 }] })
    cluster.control(apis.produce, () => ({ kind: 'lose-answer' }))
    // Of 40 partitions its key has another one than of 1; that is looked up when it is sent again.
    await send('k', 'repeated')
    // Every partition gets one, partition 0 with it: numbered like the one that was sent there and given up.
    for (let i = 0; i < 200; i++) await send(`k${i}`, `then-${i}`)
    const held = Array.from({ length: 40 }, (_, partition) =>
      cluster.log('orders', partition).map(({ value }) => String(value)),
    )
    const times = new Map<string, number>()
    for (const value of held.flat()) times.set(value, (times.get(value) ?? 0) + 1)
    expect(held[0]?.slice(0, 2)).toEqual(['first', 'repeated'])
    expect(times.get('repeated')).toBe(2)
    const lost = Array.from({ length: 200 }, (_, i) => `then-${i}`).filter((v) => !times.has(v))
    expect(lost).toHaveLength(1)
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await cluster.stop()
  }
})
