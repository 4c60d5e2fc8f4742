import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type Clock, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { batchOf, produceOf } from './batches.ts'
import { RawClient } from './raw-client.ts'
import { until } from './until.ts'

describe('transactions of kafkajs', () => {
  let cluster: EmbeddedCluster
  let kafka: Kafka
  let producer: Producer

  beforeEach(async () => {
    cluster = await startEmbeddedCluster({
      brokers: 3,
      topics: [
        { name: 'in', partitions: 1 },
        { name: 'out', partitions: 1 },
      ],
    })
    kafka = new Kafka({
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50 },
    })
    producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: 'tx' })
    await producer.connect()
  })

  afterEach(async () => {
    await producer.disconnect()
    await cluster.stop()
  })

  async function readCommitted(count: number): Promise<string[]> {
    const values: string[] = []
    const consumer = kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'out', fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(message.value?.toString() ?? '')
        return Promise.resolve()
      },
    })
    await until(() => values.length >= count)
    await consumer.disconnect()
    return values
  }

  test('are seen when they are committed, never when they are aborted', async () => {
    for (const [value, commits] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'out', messages: [{ value }] })
      await (commits ? transaction.commit() : transaction.abort())
    }
    expect(cluster.log('out', 0)).toHaveLength(3)
    const log = cluster.partitionLog('out', 0)
    expect([log.end, log.lastStable]).toEqual([6n, 6n])
    expect(await readCommitted(2)).toEqual(['a', 'c'])
  })

  test('commit offsets with their records, or neither', async () => {
    const sendOffset = async (offset: string, commits: boolean) => {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'out', messages: [{ value: offset }] })
      await transaction.sendOffsets({
        consumerGroupId: 'g',
        topics: [{ topic: 'in', partitions: [{ partition: 0, offset }] }],
      })
      await (commits ? transaction.commit() : transaction.abort())
    }
    await sendOffset('7', true)
    expect(cluster.committed('g', 'in', 0)).toBe(7n)
    await sendOffset('9', false)
    expect(cluster.committed('g', 'in', 0)).toBe(7n)
  })

  test('of a former producer are aborted by its successor, which fences it', async () => {
    const left = await producer.transaction()
    await left.send({ topic: 'out', messages: [{ value: 'left' }] })
    const successor = kafka.producer({ maxInFlightRequests: 1, transactionalId: 'tx' })
    await successor.connect()
    const transaction = await successor.transaction()
    await transaction.send({ topic: 'out', messages: [{ value: 'new' }] })
    await transaction.commit()
    await expect(left.commit()).rejects.toThrow()
    expect(await readCommitted(1)).toEqual(['new'])
    await successor.disconnect()
  })
})

describe('a transaction', () => {
  /** Time stands still until a test moves it. */
  function stoppedClock(): Clock & { advance(ms: number): void } {
    let now = 1_000_000
    const timers = new Set<{ at: number; run: () => void }>()
    return {
      now: () => now,
      setTimeout(run, ms) {
        const timer = { at: now + ms, run }
        timers.add(timer)
        return { cancel: () => timers.delete(timer) }
      },
      advance(ms) {
        now += ms
        for (const timer of [...timers]) {
          if (timer.at > now || !timers.delete(timer)) continue
          timer.run()
        }
      },
    }
  }

  const topics = [{ name: 'out', partitions: [0] }]

  async function begun(asked: RawClient) {
    const producer = await asked.ask(apis.initProducerId, 4, {
      transactionalId: 'tx',
      transactionTimeoutMs: 5_000,
    })
    const { producerId, producerEpoch } = producer
    const claim = { transactionalId: 'tx', producerId, producerEpoch }
    const add = (version: number) =>
      asked.ask(apis.addPartitionsToTxn, version, {
        v3AndBelowTransactionalId: 'tx',
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics,
      })
    const send = async (baseSequence: number) => {
      const records = batchOf(['x'], {
        ...{ producerId, producerEpoch, baseSequence, isTransactional: true },
      })
      const answer = await asked.ask(
        apis.produce,
        9,
        produceOf('out', 0, records, { transactionalId: 'tx' }),
      )
      return answer.responses[0]?.partitionResponses[0]?.errorCode
    }
    const end = async (committed: boolean) =>
      (await asked.ask(apis.endTxn, 3, { ...claim, committed })).errorCode
    return { add, send, end }
  }

  test('must know its partitions, and ends once', async () => {
    const cluster = await startEmbeddedCluster({ topics: [{ name: 'out', partitions: 1 }] })
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('no broker')
    const asked = await RawClient.open(broker)
    const { add, send, end } = await begun(asked)
    expect(await send(0)).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await end(true)).toBe(errorCodes.INVALID_TXN_STATE)
    await add(3)
    expect(await send(0)).toBe(0)
    expect([await end(true), await end(true), await end(false)]).toEqual([
      0,
      0,
      errorCodes.INVALID_TXN_STATE,
    ])
    asked.close()
    await cluster.stop()
  })

  test('is listed by the broker that coordinates it, by state and by age', async () => {
    const clock = stoppedClock()
    const cluster = await startEmbeddedCluster({
      ...{ clock, brokers: 2, topics: [{ name: 'out', partitions: 1, replicas: 1 }] },
    })
    const clients = await Promise.all(cluster.brokers.map((broker) => RawClient.open(broker)))
    const [first, second] = clients
    const [broker] = cluster.brokers
    if (first === undefined || second === undefined || broker === undefined) throw new Error('two')
    cluster.moveTransactionCoordinator('tx', broker.nodeId)
    const listed = async (asked: RawClient, state: string, durationFilter = -1n) => {
      const request = { stateFilters: [state], producerIdFilters: [], durationFilter }
      const answer = await asked.ask(apis.listTransactions, 1, request)
      return [...answer.transactionStates.map((each) => each.transactionalId), ...answer.unknownStateFilters] // prettier-ignore
    }
    const { add, end } = await begun(first)
    expect([await listed(first, 'Empty'), await listed(first, 'Ongoing')]).toEqual([['tx'], []])
    await add(3)
    clock.advance(1_000)
    expect(await listed(first, 'Ongoing')).toEqual(['tx'])
    expect(await listed(second, 'Ongoing')).toEqual([])
    expect(await listed(first, 'Ongoing', 999n)).toEqual(['tx'])
    expect(await listed(first, 'Ongoing', 1_000n)).toEqual([])
    expect(await listed(first, 'underway')).toEqual(['underway'])
    await end(true)
    expect(await listed(first, 'CompleteCommit')).toEqual(['tx'])
    for (const client of clients) client.close()
    await cluster.stop()
  })

  test('that runs out of time is aborted, and its producer fenced', async () => {
    const clock = stoppedClock()
    const cluster = await startEmbeddedCluster({ clock, topics: [{ name: 'out', partitions: 1 }] })
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('no broker')
    const asked = await RawClient.open(broker)
    const { add, send, end } = await begun(asked)
    await add(3)
    await send(0)
    clock.advance(4_999)
    expect(cluster.partitionLog('out', 0).lastStable).toBe(0n)
    clock.advance(1)
    const log = cluster.partitionLog('out', 0)
    expect([log.end, log.lastStable, log.aborted(0n, 2n).length]).toEqual([2n, 2n, 1])
    expect(await send(1)).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(await end(true)).toBe(errorCodes.PRODUCER_FENCED)
    asked.close()
    await cluster.stop()
  })
})
