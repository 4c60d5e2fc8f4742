import { beforeEach, describe, expect, test } from 'vitest'
import { Tails } from '../../src/migrator/retain.ts'
import { apis, encodeBatch, errorCodes } from '../../src/protocol/index.ts'
import { FakeCluster } from './groups/fake-cluster.ts'

const batchRecords = 100n
let source: FakeCluster
let tails: Tails

/** `count` batches of 100 records of one idempotent producer, from offset 0. */
function fill(partition: number, count: number): void {
  const batches = Array.from({ length: count }, (_, i) => batchAt(BigInt(i) * batchRecords))
  const end = BigInt(count) * batchRecords
  source.logs.set(`orders ${partition}`, { start: 0n, end, records: Buffer.concat(batches) })
}

const batchAt = (baseOffset: bigint): Buffer =>
  encodeBatch({
    ...{ baseOffset, producerId: 7n, producerEpoch: 0, baseSequence: Number(baseOffset) },
    records: Array.from({ length: Number(batchRecords) }, () => ({
      timestamp: 0n,
      value: Buffer.from('v'),
    })),
  })

const read = (partitions: readonly number[], end: bigint, untilMs = Infinity) =>
  tails.read(
    partitions.map((partition) => ({ topic: 'orders', partition, end })),
    Date.now(),
    untilMs,
  )
const offsets = (partition: number): readonly bigint[] =>
  tails.batchesOf({ topic: 'orders', partition }).map(({ offset }) => offset)
const upTo = (from: bigint, end: bigint): readonly bigint[] =>
  Array.from(
    { length: Number((end - from) / batchRecords) },
    (_, i) => from + BigInt(i) * batchRecords,
  )

beforeEach(() => {
  source = new FakeCluster('source', () => 0)
  tails = new Tails(source, performance)
  fill(0, 300)
  fill(1, 300)
})

describe('the ends of partitions', () => {
  test('are read as far back as a producer may send again, in order, and no further', async () => {
    expect(await read([0, 1], 30_000n)).toEqual([])
    expect(offsets(0)).toEqual(upTo(10_000n, 30_000n))
    expect(offsets(1)).toEqual(upTo(10_000n, 30_000n))
  })

  test('are read from where they were read to, the next time', async () => {
    await read([0], 29_000n)
    const before = source.asked.length
    await read([0], 30_000n)
    expect(source.asked.slice(before)).toEqual(['Fetch'])
    expect(offsets(0)).toEqual(upTo(9_000n, 30_000n))
  })

  test('are read for what is youngest when there is no time', async () => {
    await read([0], 30_000n, 0)
    expect(offsets(0)).toEqual(upTo(29_800n, 30_000n))
  })

  test('are read anew under another leader', async () => {
    await read([0], 29_000n)
    const { topology } = source
    const orders = topology.topics.get('orders')
    if (orders === undefined) throw new Error('no topic')
    const partitions = orders.partitions.map((partition) => ({ ...partition, leaderEpoch: 1 }))
    const topics = new Map([['orders', { ...orders, partitions }]])
    Object.defineProperty(source, 'topology', { value: { ...topology, topics } })
    await read([0], 30_000n)
    expect(offsets(0)).toEqual(upTo(10_000n, 30_000n))
  })

  test('are read anew where something had not been read', async () => {
    const { fault } = source
    let count = 0
    source.fault = (apiKey) => {
      return apiKey === apis.fetch.key && ++count === 2 ? 'lost' : fault(apiKey)
    }
    expect(await read([0], 30_000n)).toHaveLength(1)
    expect(await read([0], 30_000n)).toEqual([])
    expect(offsets(0)).toEqual(upTo(10_000n, 30_000n))
  })

  test('that cannot be read are told, and those of others are there', async () => {
    source.on(apis.fetch, ({ topics }) => {
      const partitionIndex = topics[0]?.partitions[0]?.partition ?? 0
      const errorCode = partitionIndex === 1 ? errorCodes.NOT_LEADER_OR_FOLLOWER : 0
      const records = batchAt(29_900n)
      return {
        responses: [
          {
            topic: 'orders',
            partitions: [{ partitionIndex, errorCode, highWatermark: 30_000n, records }],
          },
        ],
      }
    })
    const failed = await read([0, 1], 30_000n)
    expect(failed.map(({ of, error }) => [of.partition, String(error)])).toEqual([
      [1, 'CutoverError: the source answered NOT_LEADER_OR_FOLLOWER for orders-1'],
    ])
    expect(offsets(0)).toContain(29_900n)
  })
})
