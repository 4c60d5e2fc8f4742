import { Kafka, logLevel, type Consumer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { until } from './until.ts'

const partitions = 6
let cluster: EmbeddedCluster
let kafka: Kafka
let consumers: Consumer[]
/** What each consumer was given last. */
let assigned: Map<number, readonly number[]>
let received: string[]

beforeEach(async () => {
  cluster = await startEmbeddedCluster({ brokers: 3, topics: [{ name: 'orders', partitions }] })
  kafka = new Kafka({
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
  })
  consumers = []
  assigned = new Map()
  received = []
})

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.disconnect()))
  await cluster.stop()
})

async function add(): Promise<void> {
  const number = consumers.length
  const consumer = kafka.consumer({
    groupId: 'billing',
    ...{ heartbeatInterval: 100, maxWaitTimeInMs: 100, sessionTimeout: 6_000 },
  })
  consumers.push(consumer)
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    assigned.set(number, payload.memberAssignment['orders'] ?? [])
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      received.push(message.value?.toString() ?? '')
      return Promise.resolve()
    },
  })
}

/** Every partition belongs to exactly one of `members` consumers. */
const isShared = (members: number) => () => {
  const shares = [...assigned.values()]
  return (
    shares.length === members &&
    shares.every((share) => share.length === partitions / members) &&
    new Set(shares.flat()).size === partitions
  )
}

async function send(values: readonly string[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  for (const [index, value] of values.entries())
    await producer.send({ topic: 'orders', messages: [{ value, partition: index % partitions }] })
  await producer.disconnect()
}

describe('a group of kafkajs members', () => {
  test('shares the partitions anew as members come and go', async () => {
    await add()
    await until(isShared(1))
    await add()
    await until(isShared(2))
    await add()
    await until(isShared(3))
    const leaving = consumers.pop()
    assigned.delete(2)
    await leaving?.disconnect()
    await until(isShared(2))
    await send(['a', 'b', 'c', 'd', 'e', 'f'])
    await until(() => received.length >= 6)
    expect([...received].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('goes on when its coordinator stops, and when it moves', async () => {
    await add()
    await add()
    await until(isShared(2))
    await cluster.stopBroker(cluster.coordinator('billing'))
    await send(['a', 'b', 'c'])
    await until(() => new Set(received).size === 3)
    const coordinator = cluster.coordinator('billing')
    const other = cluster.brokers.find(({ nodeId, isUp }) => isUp && nodeId !== coordinator)
    cluster.moveCoordinator('billing', other?.nodeId ?? coordinator)
    await send(['d', 'e', 'f'])
    await until(() => new Set(received).size === 6, 20_000)
    expect(cluster.coordinator('billing')).not.toBe(coordinator)
  })

  test('survives heartbeats that are answered with errors', async () => {
    let answers = 0
    const errors = [errorCodes.REBALANCE_IN_PROGRESS, errorCodes.UNKNOWN_MEMBER_ID]
    await add()
    await until(isShared(1))
    cluster.control(
      apis.heartbeat,
      () => {
        const errorCode = errors[answers++]
        return errorCode === undefined ? undefined : { kind: 'answer', body: { errorCode } }
      },
      { keep: true },
    )
    await until(() => answers > errors.length)
    await send(['a'])
    await until(() => received.includes('a'))
    expect(received).toEqual(['a'])
  })
})

describe('the admin client of kafkajs', () => {
  test('creates, describes, changes and deletes', async () => {
    const admin = kafka.admin()
    await admin.connect()
    const configEntries = [{ name: 'retention.ms', value: '1000' }]
    expect(
      await admin.createTopics({ topics: [{ topic: 'new', numPartitions: 2, configEntries }] }),
    ).toBe(true)
    expect(await admin.listTopics()).toEqual(['orders', 'new'])
    await admin.createPartitions({ topicPartitions: [{ topic: 'new', count: 4 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['new'] })
    expect(topics[0]?.partitions).toHaveLength(4)
    const configs = await admin.describeConfigs({
      resources: [{ type: 2, name: 'new', configNames: ['retention.ms', 'cleanup.policy'] }],
      includeSynonyms: false,
    })
    expect(
      configs.resources[0]?.configEntries.map(({ configName, configValue }) => [
        configName,
        configValue,
      ]),
    ).toEqual([
      ['cleanup.policy', 'delete'],
      ['retention.ms', '1000'],
    ])
    await send(['a', 'b'])
    await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '1' }] })
    const offsets = await admin.fetchTopicOffsets('orders')
    expect(offsets.find(({ partition }) => partition === 0)).toMatchObject({ low: '1', high: '1' })
    await admin.setOffsets({
      groupId: 'idle',
      topic: 'orders',
      partitions: [{ partition: 1, offset: '1' }],
    })
    expect(cluster.committed('idle', 'orders', 1)).toBe(1n)
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(['idle'])
    await admin.deleteGroups(['idle'])
    expect((await admin.listGroups()).groups).toEqual([])
    await admin.deleteTopics({ topics: ['new'] })
    expect(await admin.listTopics()).toEqual(['orders'])
    const cluster2 = await admin.describeCluster()
    expect(cluster2).toMatchObject({ clusterId: cluster.clusterId, controller: 1 })
    await admin.disconnect()
  })
})
