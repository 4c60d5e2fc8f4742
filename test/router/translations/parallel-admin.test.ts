import { expect, test } from 'vitest'
import { apis } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import { mixedTable, translate } from './given.ts'

/** `orders` is read from both clusters; `bills` has moved. */
const table = mixedTable()
const invalidRequest = 42

test.each(versionsOf(apis.createPartitions))(
  'CreatePartitions v%i: how many there are to be would mean another number on either cluster',
  (version) => {
    const topics = ['orders', 'bills'].map((name) => ({ name, count: 9, assignments: null }))
    const { parts, answer } = translate(
      table,
      apis.createPartitions,
      version,
      { topics, timeoutMs: 5, validateOnly: false },
      ({ body }) => ({
        throttleTimeMs: 0,
        results: body.topics.map(({ name }) => ({ name, errorCode: 0 })),
      }),
    )
    expect(parts.map(({ body }) => body.topics.map(({ name }) => name))).toEqual([['bills-v2']])
    expect(answer.results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['bills', 0],
      ['orders', 37],
    ])
    expect(answer.results[1]?.errorMessage).toContain('read from both clusters')
  },
)

test.each(versionsOf(apis.electLeaders))(
  'ElectLeaders v%i: never of another partition',
  (version) => {
    const { parts, answer } = translate(
      table,
      apis.electLeaders,
      version,
      { topicPartitions: [{ topic: 'orders', partitions: [0, 3] }] },
      () => ({ throttleTimeMs: 0, replicaElectionResults: [] }),
    )
    expect(parts).toEqual([])
    expect(answer.replicaElectionResults).toMatchObject([
      {
        topic: 'orders',
        partitionResult: [
          { partitionId: 0, errorCode: invalidRequest },
          { partitionId: 3, errorCode: invalidRequest },
        ],
      },
    ])
  },
)

test.each(versionsOf(apis.alterPartitionReassignments))(
  'AlterPartitionReassignments v%i: never of another partition',
  (version) => {
    const { parts, answer } = translate(
      table,
      apis.alterPartitionReassignments,
      version,
      { topics: [{ name: 'orders', partitions: [{ partitionIndex: 3, replicas: [1] }] }] },
      () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, responses: [] }),
    )
    expect(parts).toEqual([])
    expect(answer.responses).toMatchObject([
      { name: 'orders', partitions: [{ partitionIndex: 3, errorCode: invalidRequest }] },
    ])
  },
)

test.each(versionsOf(apis.alterReplicaLogDirs))(
  'AlterReplicaLogDirs v%i: never of another partition',
  (version) => {
    const { parts, answer } = translate(
      table,
      apis.alterReplicaLogDirs,
      version,
      { dirs: [{ path: '/data', topics: [{ name: 'orders', partitions: [3] }] }] },
      () => ({ throttleTimeMs: 0, results: [] }),
    )
    expect(parts).toEqual([])
    expect(answer.results).toMatchObject([
      { topicName: 'orders', partitions: [{ partitionIndex: 3, errorCode: invalidRequest }] },
    ])
  },
)

test.each(versionsOf(apis.offsetDelete))(
  'OffsetDelete v%i of a group that has moved: never of another partition',
  (version) => {
    const { parts, answer } = translate(
      mixedTable({ groups: new Map([['billing', 'target']]) }),
      apis.offsetDelete,
      version,
      {
        groupId: 'billing',
        topics: ['orders', 'bills'].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] })),
      },
      ({ body }) => ({
        errorCode: 0,
        throttleTimeMs: 0,
        topics: body.topics.map(({ name }) => ({
          name,
          partitions: [{ partitionIndex: 0, errorCode: 0 }],
        })),
      }),
    )
    expect(parts.map(({ body }) => body.topics.map(({ name }) => name))).toEqual([['bills-v2']])
    expect(answer.topics).toMatchObject([
      { name: 'bills', partitions: [{ partitionIndex: 0, errorCode: 0 }] },
      { name: 'orders', partitions: [{ partitionIndex: 0, errorCode: invalidRequest }] },
    ])
  },
)
