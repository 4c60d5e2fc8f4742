import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import {
  noView,
  sourceTimeline,
  splice,
  type PlannedTopic,
  type View,
} from '../../src/router/index.ts'
import { nodeId } from '../../src/ids.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, connectClient, frameOf } from './client.ts'
import { startSidecar, type Sidecar } from './sidecar.ts'

/** The target held records before: its offsets are others than those that clients see. */
const recordsBefore = 7
const partitions = [0, 1]

let source: EmbeddedCluster
let target: EmbeddedCluster
let sidecar: Sidecar
let kafka: Kafka
let producer: Producer

beforeEach(async () => {
  const topics = [{ name: 'orders', partitions: partitions.length }]
  source = await startEmbeddedCluster({ brokers: 3, topics })
  target = await startEmbeddedCluster({ brokers: 2, topics })
  const direct = new Kafka({ brokers: target.bootstrapServers.split(','), logLevel: 0 })
  const before = direct.producer()
  await before.connect()
  for (const partition of partitions) {
    const messages = Array.from({ length: recordsBefore }, () => ({ value: 'before', partition }))
    await before.send({ topic: 'orders', messages })
  }
  await before.disconnect()
  const [host = '', port] = (target.bootstrapServers.split(',')[0] ?? '').split(':')
  sidecar = await startSidecar(source.bootstrapServers, {
    target: { bootstrapServers: [{ host, port: Number(port) }], tls: null, identity: null },
  })
  await until(() => sidecar.proxy.target?.discovered === true, 5_000, 5)
  kafka = new Kafka({
    clientId: 'test',
    brokers: [`127.0.0.1:${sidecar.port}`],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 10 },
  })
  producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
})

afterEach(async () => {
  await producer.disconnect()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
})

const planned = (spliced: boolean): PlannedTopic => ({
  name: 'orders',
  targetName: 'orders',
  topicId: sidecar.proxy.source.topology.topics.get('orders')?.topicId ?? null,
  timelines: partitions.map((partition) => {
    const timeline = sourceTimeline('orders', partition)
    if (!spliced) return timeline
    return splice(timeline, {
      end: BigInt(source.log('orders', partition).length),
      next: {
        cluster: 'target',
        topic: 'orders',
        partition,
        start: BigInt(target.log('orders', partition).length),
      },
    })
  }),
})

const view = (changes: Partial<View>, spliced = false): View => ({
  ...noView,
  hasTarget: true,
  clusterId: source.clusterId,
  everyTopic: true,
  topics: new Map([['orders', planned(spliced)]]),
  spliced,
  ...changes,
})

const send = async (value: string, partition: number): Promise<string | undefined> => {
  const [answer] = await producer.send({ topic: 'orders', messages: [{ value, partition }] })
  return answer?.baseOffset
}

const values = (cluster: EmbeddedCluster, partition: number) =>
  cluster
    .log('orders', partition)
    .map(({ value }) => value?.toString())
    .filter((value) => value !== 'before')

describe('a splice', () => {
  test('holds what is produced, then writes it to the target, at the next offset', async () => {
    for (const partition of partitions) expect(await send('a', partition)).toBe('0')
    sidecar.proxy.show(view({ held: true, shortFetches: true }))
    let answered = false
    const late = send('b', 0).finally(() => (answered = true))
    await sidecar.proxy.produced()
    await until(() => answered, 300, 10)
    expect(answered).toBe(false)
    sidecar.proxy.show(view({}, true))
    expect(await late).toBe('1')
    expect(sidecar.seen.held.map(({ apiKey }) => apiKey)).toEqual([0])
    expect(sidecar.seen.held[0]?.seconds).toBeGreaterThan(0.29)
    expect(await send('c', 0)).toBe('2')
    expect(await send('c', 1)).toBe('1')
    expect(values(source, 0)).toEqual(['a'])
    expect(values(target, 0)).toEqual(['b', 'c'])
    expect(values(target, 1)).toEqual(['c'])
  })

  describe('that is being decided', () => {
    /** Somebody writes to the source past the sidecar, while a Fetch waits there. @returns what the Fetch is answered */
    async function fetchPast(decided: () => View): Promise<readonly number[]> {
      const leader = source.leader('orders', 0).nodeId
      const slot = sidecar.proxy.table.slotOf.get(nodeId(leader))?.slot ?? 0
      const reader = await connectClient(sidecar.port + slot)
      const direct = new Kafka({ brokers: source.bootstrapServers.split(','), logLevel: 0 })
      const past = direct.producer()
      await past.connect()
      sidecar.proxy.show(view({ held: true }))
      const wanted = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 10_000 }
      const topics = [{ topic: 'orders', partitions: [wanted] }]
      reader.write(
        frameOf(apis.fetch, 12, { maxWaitMs: 9_000, minBytes: 1, maxBytes: 100_000, topics }),
      )
      sidecar.proxy.show(view({ held: true, settling: true }))
      const after = decided()
      await past.send({ topic: 'orders', messages: [{ value: 'past', partition: 0 }] })
      await past.disconnect()
      let answered = false
      const next = reader.next().finally(() => (answered = true))
      await until(() => answered, 300, 10)
      expect(answered).toBe(false)
      sidecar.proxy.show(after)
      const { responses } = answerOf(apis.fetch, 12, await next)
      await reader.close()
      return responses.flatMap((each) => each.partitions.map((of) => of.records?.length ?? 0))
    }

    test('keeps readers from what comes behind its end', async () => {
      expect(await fetchPast(() => view({}, true))).toEqual([0])
    })

    test('and that is aborted gives it to them', async () => {
      const [bytes] = await fetchPast(() => view({}))
      expect(bytes).toBeGreaterThan(0)
    })
  })

  test('an abort lets what was held go to the source', async () => {
    sidecar.proxy.show(view({ held: true }))
    const late = send('a', 0)
    await until(() => false, 100, 10)
    sidecar.proxy.show(noView)
    expect(await late).toBe('0')
    expect(values(source, 0)).toEqual(['a'])
  })

  test('a consumer reads on, each record once and in order, at the offsets that it was told', async () => {
    const received: string[][] = [[], []]
    const offsets: string[][] = [[], []]
    const consumer = kafka.consumer({
      groupId: 'billing',
      heartbeatInterval: 200,
      maxWaitTimeInMs: 200,
    })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    for (const value of ['a', 'b']) for (const partition of partitions) await send(value, partition)
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        received[partition]?.push(message.value?.toString() ?? '')
        offsets[partition]?.push(message.offset)
        return Promise.resolve()
      },
    })
    await until(() => received.every((values) => values.length === 2), 5_000, 10)
    sidecar.proxy.show(view({}, true))
    for (const value of ['c', 'd']) for (const partition of partitions) await send(value, partition)
    await until(() => received.every((values) => values.length >= 4), 10_000, 10)
    for (const partition of partitions) {
      expect(received[partition]).toEqual(['a', 'b', 'c', 'd'])
      expect(offsets[partition]).toEqual(['0', '1', '2', '3'])
    }
    await consumer.disconnect()
  })
})

describe('a group that moves', () => {
  test('answers a commit that waited behind a JoinGroup as the rebalance of one cluster does', async () => {
    const groupId = 'billing'
    const client = await connectClient(sidecar.port)
    const joining = (memberId: string) => ({
      groupId,
      memberId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    // Before MEMBER_ID_REQUIRED (v4) and its second question.
    const { memberId, generationId, errorCode } = await client.ask(apis.joinGroup, 3, joining(''))
    expect(errorCode).toBe(errorCodes.NONE)
    await client.ask(apis.syncGroup, 1, {
      groupId,
      generationId,
      memberId,
      assignments: [{ memberId, assignment: Buffer.alloc(0) }],
    })

    sidecar.proxy.show(view({ groups: new Map([[groupId, 'moving']]) }, true))
    client.write(frameOf(apis.joinGroup, 3, joining(memberId)))
    const topics = [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 0, committedOffset: 0n, committedMetadata: null }],
      },
    ]
    const commit = { groupId, memberId, generationIdOrMemberEpoch: generationId, topics }
    client.write(frameOf(apis.offsetCommit, 3, commit))
    await until(() => sidecar.proxy.groups.held(groupId).count === 1, 5_000, 5)
    sidecar.proxy.show(view({ groups: new Map([[groupId, 'target']]) }, true))

    const joined = answerOf(apis.joinGroup, 3, await client.next())
    expect(joined.errorCode).toBe(errorCodes.NONE)
    expect(joined.memberId).not.toBe(memberId)
    const committed = answerOf(apis.offsetCommit, 3, await client.next())
    expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.ILLEGAL_GENERATION)
    await client.close()
  })
})
