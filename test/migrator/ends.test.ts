import { expect, test } from 'vitest'
import { readEnds } from '../../src/migrator/ends.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { FakeCluster } from './groups/fake-cluster.ts'

/** A leader in this epoch, with one record that is not replicated. */
function leaderIn(epoch: number): FakeCluster {
  const cluster = new FakeCluster('source', () => 0)
  cluster.logs.set('orders 0', { start: 10n, end: 11n, records: Buffer.alloc(0) })
  cluster.on(apis.listOffsets, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        return { partitionIndex, errorCode: 0, offset: 10n }
      }),
    })),
  }))
  cluster.on(apis.offsetForLeaderEpoch, ({ topics }) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch }) => {
        const isKnown = currentLeaderEpoch === epoch
        const errorCode = isKnown ? 0 : errorCodes.FENCED_LEADER_EPOCH
        return { partition, errorCode, leaderEpoch: epoch, endOffset: isKnown ? 11n : -1n }
      }),
    })),
  }))
  return cluster
}
const orders = [{ topic: 'orders', partition: 0 }]

test('the end of a log is told by its leader, beside what is replicated', async () => {
  const ends = await readEnds(leaderIn(0), orders)
  expect(ends).toEqual([{ logEnd: 11n, highWatermark: 10n, lastStable: 10n }])
})

test('a leader of an epoch that is not known yet tells no end, and none is made up', async () => {
  await expect(readEnds(leaderIn(1), orders)).rejects.toThrow('FENCED_LEADER_EPOCH')
})
