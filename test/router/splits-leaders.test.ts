import { describe, expect, test } from 'vitest'
import { apis } from '../../src/protocol/index.ts'
import { topicIdOf } from './given.ts'
import { expectSplit, splits, type Split } from './splits.ts'

const places = ['orders/0', 'orders/1', 'orders/2', 'orders/3', 'orders/5', 'bills/0', 'bills/1']
const byTopic = (items: readonly string[]): [string, number[]][] => {
  const topics = new Map<string, number[]>()
  for (const item of items) {
    const [name = '', partition] = item.split('/')
    topics.set(name, [...(topics.get(name) ?? []), Number(partition)])
  }
  return [...topics]
}
const flat = (name: string, partitions: readonly number[]): string[] =>
  partitions.map((partition) => `${name}/${partition}`)
const placesOf = (
  topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[],
): string[] =>
  topics.flatMap(({ name, partitions }) =>
    flat(
      name,
      partitions.map(({ partitionIndex }) => partitionIndex),
    ),
  )
const nameOf = (topicId: string): string =>
  ['orders', 'bills'].find((name) => topicIdOf(name) === topicId) ?? topicId

const leaderSplits: readonly Split[] = [
  ...splits({
    api: apis.produce,
    list: 'topicData',
    items: places,
    ask: (items) => ({
      acks: -1,
      timeoutMs: 1234,
      topicData: byTopic(items).map(([name, partitions]) => ({
        name,
        partitionData: partitions.map((index) => ({ index, records: Buffer.from(`r${index}`) })),
      })),
    }),
    asked: ({ topicData }) =>
      topicData.flatMap(({ name, partitionData }) =>
        partitionData.map(({ index, records }) => {
          expect(records?.toString()).toBe(`r${index}`)
          return `${name}/${index}`
        }),
      ),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      responses: byTopic(items).map(([name, partitions]) => ({
        name,
        partitionResponses: partitions.map((index) => ({
          index,
          errorCode: 0,
          baseOffset: BigInt(index),
        })),
      })),
    }),
    answered: ({ responses }) =>
      responses.flatMap(({ name, partitionResponses }) =>
        flat(
          name,
          partitionResponses.map(({ baseOffset }) => Number(baseOffset)),
        ),
      ),
  }),
  ...splits({
    api: apis.fetch,
    list: 'topics',
    items: places,
    ask: (items) => ({
      replicaId: -1,
      maxWaitMs: 5_000,
      minBytes: 7,
      topics: byTopic(items).map(([name, partitions]) => ({
        topic: name,
        topicId: topicIdOf(name),
        partitions: partitions.map((partition) => ({
          partition,
          fetchOffset: 100n + BigInt(partition),
          partitionMaxBytes: 55,
        })),
      })),
      forgottenTopicsData: [],
      rackId: '',
    }),
    asked: ({ topics }, version) =>
      topics.flatMap(({ topic, topicId, partitions }) =>
        flat(
          version >= 13 ? nameOf(topicId) : topic,
          partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
            expect(fetchOffset).toBe(100n + BigInt(partition))
            expect(partitionMaxBytes).toBe(55)
            return partition
          }),
        ),
      ),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      sessionId: 0,
      responses: byTopic(items).map(([name, partitions]) => ({
        topic: name,
        topicId: topicIdOf(name),
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 1n,
          abortedTransactions: [],
          records: Buffer.from(`r${partitionIndex}`),
        })),
      })),
    }),
    answered: ({ responses }, version) =>
      responses.flatMap(({ topic, topicId, partitions }) =>
        flat(
          version >= 13 ? nameOf(topicId) : topic,
          partitions.map(({ partitionIndex, records }) => {
            expect(records?.toString()).toBe(`r${partitionIndex}`)
            return partitionIndex
          }),
        ),
      ),
  }),
  ...splits({
    api: apis.listOffsets,
    list: 'topics',
    items: places,
    ask: (items) => ({
      replicaId: -1,
      topics: byTopic(items).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -2n })),
      })),
    }),
    asked: ({ topics }) => placesOf(topics),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      topics: byTopic(items).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
      })),
    }),
    answered: ({ topics }) => placesOf(topics),
  }),
  ...splits({
    api: apis.deleteRecords,
    list: 'topics',
    items: places,
    ask: (items) => ({
      timeoutMs: 1234,
      topics: byTopic(items).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, offset: 5n })),
      })),
    }),
    asked: ({ topics }) => placesOf(topics),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      topics: byTopic(items).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          lowWatermark: 5n,
          errorCode: 0,
        })),
      })),
    }),
    answered: ({ topics }) => placesOf(topics),
  }),
  ...splits({
    api: apis.offsetForLeaderEpoch,
    list: 'topics',
    items: places,
    ask: (items) => ({
      replicaId: -1,
      topics: byTopic(items).map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map((partition) => ({ partition, leaderEpoch: 3 })),
      })),
    }),
    asked: ({ topics }) =>
      topics.flatMap(({ topic, partitions }) =>
        flat(
          topic,
          partitions.map(({ partition }) => partition),
        ),
      ),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      topics: byTopic(items).map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map((partition) => ({ partition, errorCode: 0, endOffset: 3n })),
      })),
    }),
    answered: ({ topics }) =>
      topics.flatMap(({ topic, partitions }) =>
        flat(
          topic,
          partitions.map(({ partition }) => partition),
        ),
      ),
  }),
  ...splits({
    api: apis.describeProducers,
    list: 'topics',
    items: places,
    ask: (items) => ({
      topics: byTopic(items).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    }),
    asked: ({ topics }) =>
      topics.flatMap(({ name, partitionIndexes }) => flat(name, partitionIndexes)),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      topics: byTopic(items).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          activeProducers: [],
        })),
      })),
    }),
    answered: ({ topics }) => placesOf(topics),
  }),
  ...splits({
    api: apis.writeTxnMarkers,
    list: 'markers',
    items: places,
    ask: (items) => ({
      markers: [7n, 8n].map((producerId) => ({
        producerId,
        producerEpoch: 1,
        transactionResult: true,
        coordinatorEpoch: 2,
        topics: byTopic(items).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
      })),
    }),
    asked: ({ markers }) => {
      expect(markers.map(({ producerId }) => producerId)).toEqual([7n, 8n])
      const [first, second] = markers.map(({ topics }) =>
        topics.flatMap(({ name, partitionIndexes }) => flat(name, partitionIndexes)),
      )
      expect(first).toEqual(second)
      return first ?? []
    },
    answer: (items) => ({
      markers: [7n, 8n].map((producerId) => ({
        producerId,
        topics: byTopic(items).map(([name, partitions]) => ({
          name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
        })),
      })),
    }),
    answered: ({ markers }) => {
      expect(markers.map(({ producerId }) => producerId)).toEqual([7n, 8n])
      const [first, second] = markers.map(({ topics }) => placesOf(topics))
      expect(first).toEqual(second)
      return first ?? []
    },
  }),
]

const leader: Readonly<Record<string, number>> = {
  'orders/0': 1,
  'orders/1': 2,
  'orders/2': 3,
  'orders/3': 1,
  'orders/5': 3,
  'bills/0': 3,
  'bills/1': 3,
}

describe('partitions go to their leaders', () => {
  test.each(leaderSplits)('$name v$version', (split) => expectSplit(split, leader))
})
