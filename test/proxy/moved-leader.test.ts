import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, encodeBatch, errorCodes, type RequestInput } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, frameOf, type Client } from './client.ts'
import { startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'
import { startThreeBrokers } from './three-brokers.ts'

/**
 * A leader moves while its producer has requests in flight. The client sent all of them to one broker, and
 * what follows a refused batch must be refused with it: a new leader that got it first would answer
 * OUT_OF_ORDER_SEQUENCE_NUMBER, which makes librdkafka begin another epoch, and write again what is there.
 */
let cluster: EmbeddedCluster
let sidecar: Sidecar
let client: Client

beforeEach(async () => {
  cluster = await startThreeBrokers()
  sidecar = await startSidecar(cluster.bootstrapServers)
  await untilReady(sidecar)
  client = await sidecar.connect(1)
})
afterEach(async () => {
  await stopSidecars()
  await cluster.stop()
})

const version = 9
const producerId = 7n

/** Partition 0 is led by broker 1, 3 too, 1 by broker 2. */
const batch = (value: string, baseSequence: number): Buffer =>
  encodeBatch({
    ...{ producerId, producerEpoch: 0, baseSequence },
    records: [{ timestamp: 1n, value: Buffer.from(value) }],
  })
const produce = (
  batches: readonly (readonly [partition: number, value: string, sequence: number])[],
): RequestInput<typeof apis.produce> => ({
  ...{ acks: -1, timeoutMs: 5_000 },
  topicData: [
    {
      name: 'orders',
      partitionData: batches.map(([index, value, sequence]) => ({
        index,
        records: batch(value, sequence),
      })),
    },
  ],
})
const send = (...batches: Parameters<typeof produce>[0]): void =>
  client.write(frameOf(apis.produce, version, produce(batches)))

async function errorsOfNext(): Promise<Record<number, number>> {
  const { responses } = answerOf(apis.produce, version, await client.next())
  return Object.fromEntries(
    responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
    ),
  )
}

/** The next Produce reaches its broker when the leader has moved, and the sidecar knows it. */
function moveLeaderUnderNext(partition: number, to: number): { readonly moved: Promise<void> } {
  const { promise: moved, resolve } = Promise.withResolvers<void>()
  cluster.control(apis.produce, async () => {
    cluster.moveLeader('orders', partition, to)
    await sidecar.proxy.source.refresh()
    const known = () =>
      sidecar.proxy.source.topology.topics.get('orders')?.partitions[partition]?.leader === to
    await until(known, 5_000, 1)
    resolve()
    return undefined
  })
  return { moved }
}

const values = (partition: number): string[] =>
  cluster.log('orders', partition).map(({ value }) => value?.toString() ?? '')

test('what follows a refused batch is refused as the old leader would, until that is sent again', async () => {
  send([0, 'a', 0])
  expect(await errorsOfNext()).toEqual({ 0: 0 })
  const { moved } = moveLeaderUnderNext(0, 2)
  send([0, 'b', 1])
  send([0, 'c', 2], [3, 'x', 0])
  await moved
  send([0, 'd', 3], [3, 'y', 1])
  const refused = errorCodes.NOT_LEADER_OR_FOLLOWER
  expect(await errorsOfNext()).toEqual({ 0: refused })
  expect(await errorsOfNext()).toEqual({ 0: refused, 3: 0 })
  // The whole request is refused, as by a broker that is being stopped.
  expect(await errorsOfNext()).toEqual({ 0: refused, 3: refused })
  send([0, 'b', 1])
  send([0, 'c', 2])
  send([0, 'd', 3], [3, 'y', 1])
  expect(await errorsOfNext()).toEqual({ 0: 0 })
  expect(await errorsOfNext()).toEqual({ 0: 0 })
  expect(await errorsOfNext()).toEqual({ 0: 0, 3: 0 })
  expect(values(0)).toEqual(['a', 'b', 'c', 'd'])
  expect(values(3)).toEqual(['x', 'y'])
})

test('a producer that begins another epoch is refused nothing', async () => {
  const { moved } = moveLeaderUnderNext(0, 2)
  send([0, 'a', 0])
  await moved
  send([1, 'y', 0])
  expect(await errorsOfNext()).toEqual({ 0: errorCodes.NOT_LEADER_OR_FOLLOWER })
  expect(await errorsOfNext()).toEqual({ 1: 0 })
  const records = encodeBatch({
    ...{ producerId, producerEpoch: 1, baseSequence: 0 },
    records: [{ timestamp: 1n, value: Buffer.from('b') }],
  })
  const body = {
    ...{ acks: -1, timeoutMs: 5_000 },
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
  }
  client.write(frameOf(apis.produce, version, body))
  expect(await errorsOfNext()).toEqual({ 0: 0 })
})
