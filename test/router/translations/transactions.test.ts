import { describe, expect, test } from 'vitest'
import { homeBrokerId } from '../../../src/router/table.ts'
import { apis } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import { decideOn, everywhere, movedTable, nowhere, translate } from './given.ts'

const { describeTransactions, listTransactions, writeTxnMarkers } = apis

const moved = movedTable()
const done = movedTable({ view: { everyTopic: true, home: 'target' } })
const before = movedTable({ spliced: false })
/** Everything has moved but the groups. */
const whole = movedTable({ view: { everyTopic: true } })

describe('DescribeTransactions', () => {
  const asked = { transactionalIds: ['payments', 'refunds'] }

  test.each([
    ['behind the splice', whole, ['orders', 'fresh']],
    ['once everything has moved', done, ['orders', 'fresh']],
  ])('%s: on the target, by the names that clients know', (_, table, topics) => {
    const { parts, answer } = translate(table, describeTransactions, 0, asked, ({ body }) => ({
      throttleTimeMs: 0,
      transactionStates: body.transactionalIds.map((transactionalId) => ({
        errorCode: 0,
        transactionalId,
        transactionState: 'Ongoing',
        transactionTimeoutMs: 60_000,
        transactionStartTimeMs: 1n,
        producerId: 5n,
        producerEpoch: 0,
        topics: ['orders-v2', 'fresh'].map((topic) => ({ topic, partitions: [0] })),
      })),
    }))
    expect(parts.map(({ cluster, node, body }) => [cluster, node, body])).toEqual([
      ['target', 12, asked],
    ])
    expect(
      answer.transactionStates.map(({ transactionalId, producerId, topics }) => [
        ...[transactionalId, producerId, ...topics.map(({ topic }) => topic)],
      ]),
    ).toEqual([
      ['payments', 5n, ...topics],
      ['refunds', 5n, ...topics],
    ])
  })

  test('asks for the coordinators that nobody knows, of the target', () => {
    expect(decideOn(whole, describeTransactions, 0, asked, nowhere)).toEqual({
      kind: 'ask',
      question: {
        kind: 'coordinator',
        of: 'transaction',
        keys: asked.transactionalIds,
        cluster: 'target',
      },
    })
  })

  test('goes the ordinary way while nothing has moved', () => {
    expect(decideOn(before, describeTransactions, 0, asked, everywhere).kind).toBe('forward')
  })
})

describe('ListTransactions', () => {
  const everything = { stateFilters: [], producerIdFilters: [] }

  test.each(versionsOf(listTransactions))('v%i: those of the target', (version) => {
    const { parts, answer } = translate(
      whole,
      listTransactions,
      version,
      { ...everything, producerIdFilters: [5n] },
      ({ body }) => ({
        throttleTimeMs: 0,
        errorCode: 0,
        unknownStateFilters: ['Odd'],
        transactionStates: body.producerIdFilters.map((producerId) => ({
          ...{ transactionalId: 'payments', producerId, transactionState: 'Ongoing' },
        })),
      }),
    )
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['target', homeBrokerId]])
    expect(answer).toMatchObject({
      unknownStateFilters: ['Odd'],
      transactionStates: [{ transactionalId: 'payments', producerId: 5n }],
    })
  })

  test('goes the ordinary way where that is the same', () => {
    for (const table of [before, moved, done]) {
      expect(decideOn(table, listTransactions, 1, everything)).toEqual({
        kind: 'forward',
        to: 'home',
      })
    }
  })
})

describe('WriteTxnMarkers', () => {
  const marker = { producerEpoch: 3, transactionResult: false, coordinatorEpoch: 9 }

  const written = (
    markers: readonly (readonly [id: bigint, topics: Readonly<Record<string, number[]>>])[],
    version = 1,
  ) => {
    const { parts, answer } = translate(
      moved,
      writeTxnMarkers,
      version,
      {
        markers: markers.map(([producerId, topics]) => ({
          ...marker,
          producerId,
          topics: Object.entries(topics).map(([name, partitionIndexes]) => ({
            ...{ name, partitionIndexes },
          })),
        })),
      },
      ({ cluster, body }) => ({
        markers: body.markers.map(({ producerId, topics }) => ({
          producerId,
          topics: topics.map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => ({
              partitionIndex,
              errorCode: cluster === 'target' && partitionIndex === 1 ? 51 : 0,
            })),
          })),
        })),
      }),
    )
    return {
      asked: parts.flatMap(({ cluster, node, body }) =>
        body.markers.map(({ producerId, topics, ...rest }) => {
          expect(rest).toMatchObject(marker)
          const lines = topics.map(({ name, partitionIndexes }) =>
            [name, ...partitionIndexes].join(' '),
          )
          return [`${cluster} ${node}`, producerId, ...lines]
        }),
      ),
      shown: answer.markers.map(({ producerId, topics }) => [
        producerId,
        ...topics.map(({ name, partitions }) =>
          [
            name,
            ...partitions.map(({ partitionIndex, errorCode }) => `${partitionIndex}=${errorCode}`),
          ].join(' '),
        ),
      ]),
    }
  }

  test.each(versionsOf(writeTxnMarkers))('v%i: on each leader, by the names there', (version) => {
    expect(written([[5n, { orders: [0, 1], bills: [0] }]], version)).toEqual({
      asked: [
        ['target 11', 5n, 'orders-v2 0'],
        ['target 12', 5n, 'orders-v2 1'],
        ['source 3', 5n, 'bills 0'],
      ],
      shown: [[5n, 'orders 0=0 1=51', 'bills 0=0']],
    })
  })

  test('several at once, each in its place', () => {
    const topics = { orders: [0] }
    expect(
      written([
        [5n, topics],
        [6n, topics],
      ]).shown,
    ).toEqual([
      [5n, 'orders 0=0'],
      [6n, 'orders 0=0'],
    ])
  })

  test('goes the ordinary way where nothing has moved', () => {
    const asked = {
      markers: [{ ...marker, producerId: 5n, topics: [{ name: 'bills', partitionIndexes: [0] }] }],
    }
    expect(decideOn(moved, writeTxnMarkers, 1, asked)).toMatchObject({
      kind: 'forward',
      to: { cluster: 'source', nodeId: 3 },
    })
  })
})
