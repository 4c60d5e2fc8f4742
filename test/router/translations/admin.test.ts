import { describe, expect, test } from 'vitest'
import { apis, decodeResponse, decodeResponseHeader } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import {
  decideOn,
  everywhere,
  movedTable,
  shift,
  sourceEnd,
  targetStart,
  translate,
} from './given.ts'

const moved = movedTable({ view: { groups: new Map([['billing', 'target']]) } })
const done = movedTable({ view: { everyTopic: true, home: 'target' } })

describe('DeleteRecords', () => {
  const { deleteRecords } = apis
  const deleted = (
    offset: bigint,
    marks: Partial<Record<'source' | 'target', bigint>>,
    table = moved,
    version = 1,
  ) => {
    const { parts, answer } = translate(
      table,
      deleteRecords,
      version,
      {
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 5,
      },
      ({ cluster, body }) => ({
        throttleTimeMs: 0,
        topics: body.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: 0,
            lowWatermark: marks[cluster] ?? -1n,
          })),
        })),
      }),
    )
    return {
      asked: parts.map(({ cluster, body }) => [
        `${cluster} ${body.topics[0]?.name ?? ''}`,
        body.topics[0]?.partitions[0]?.offset,
      ]),
      lowWatermark: answer.topics[0]?.partitions[0]?.lowWatermark,
    }
  }

  test.each(versionsOf(deleteRecords))('v%i: in front of the splice, on the source', (version) => {
    expect(deleted(40n, { source: 40n }, moved, version)).toEqual({
      asked: [['source orders', 40n]],
      lowWatermark: 40n,
    })
  })

  test('up to the splice, on the source alone', () => {
    expect(deleted(sourceEnd, { source: sourceEnd })).toEqual({
      asked: [['source orders', sourceEnd]],
      lowWatermark: sourceEnd,
    })
  })

  test('behind it, on both', () => {
    expect(deleted(120n, { source: sourceEnd, target: 120n - shift })).toEqual({
      asked: [
        ['source orders', sourceEnd],
        ['target orders-v2', 120n - shift],
      ],
      lowWatermark: 120n,
    })
  })

  test('everything', () => {
    expect(deleted(-1n, { source: sourceEnd, target: 30n })).toEqual({
      asked: [
        ['source orders', sourceEnd],
        ['target orders-v2', -1n],
      ],
      lowWatermark: 30n + shift,
    })
  })

  test('what went with the source needs no deleting', () => {
    expect(deleted(40n, {}, done)).toEqual({ asked: [], lowWatermark: sourceEnd })
    expect(deleted(120n, { target: 120n - shift }, done)).toEqual({
      asked: [['target orders-v2', 120n - shift]],
      lowWatermark: 120n,
    })
  })
})

test('DescribeProducers: of the open segment, by the ids that clients know', () => {
  const { parts, answer } = translate(
    moved,
    apis.describeProducers,
    0,
    { topics: [{ name: 'orders', partitionIndexes: [0] }] },
    ({ body }) => ({
      throttleTimeMs: 0,
      topics: body.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          activeProducers: [2n ** 52n + 5n, 6n].map((producerId) => ({
            producerId,
            producerEpoch: 0,
            coordinatorEpoch: 0,
            currentTxnStartOffset: producerId === 6n ? -1n : targetStart,
          })),
        })),
      })),
    }),
  )
  expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['target', 11]])
  expect(answer.topics).toMatchObject([
    {
      name: 'orders',
      partitions: [
        {
          activeProducers: [
            { producerId: 5n, currentTxnStartOffset: sourceEnd },
            { producerId: 6n, currentTxnStartOffset: -1n },
          ],
        },
      ],
    },
  ])
})

describe('ListGroups', () => {
  const { listGroups } = apis
  const listed = (version: number, table = moved) =>
    translate(table, listGroups, version, {}, ({ cluster }) => ({
      errorCode: 0,
      groups: ['billing', 'other', `${cluster}-only`].map((groupId) => ({
        groupId,
        protocolType: 'consumer',
      })),
    }))

  test.each(versionsOf(listGroups))('v%i: each group where it lives', (version) => {
    const { parts, answer } = listed(version)
    expect(parts.map(({ cluster }) => cluster)).toEqual(['source', 'target'])
    expect(answer.groups.map(({ groupId }) => groupId)).toEqual(['other', 'source-only', 'billing'])
  })

  test('the source is not asked once everything has moved', () => {
    const { parts, answer } = listed(4, done)
    expect(parts.map(({ cluster }) => cluster)).toEqual(['target'])
    expect(answer.groups).toHaveLength(3)
  })

  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, listGroups, 4, {})).toEqual({ kind: 'forward', to: 'home' })
  })
})

test('OffsetDelete: of a moved group, where the offsets of each topic are kept', () => {
  const partitions = [{ partitionIndex: 0 }]
  const { parts, answer } = translate(
    moved,
    apis.offsetDelete,
    0,
    {
      groupId: 'billing',
      topics: ['orders', 'bills'].map((name) => ({ name, partitions })),
    },
    ({ body }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      topics: body.topics.map(({ name }) => ({
        name,
        partitions: [{ partitionIndex: 0, errorCode: 0 }],
      })),
    }),
  )
  expect(parts.map(({ cluster, body }) => [cluster, body.topics[0]?.name])).toEqual([
    ['target', 'orders-v2'],
    ['source', 'bills'],
  ])
  expect(answer.topics.map(({ name }) => name)).toEqual(['orders', 'bills'])
})

describe('transactions', () => {
  const { txnOffsetCommit, addPartitionsToTxn } = apis
  const producer = { transactionalId: 'payments', producerId: 5n, producerEpoch: 0 }

  test.each(versionsOf(txnOffsetCommit, 4))('TxnOffsetCommit v%i: native offsets', (version) => {
    const { parts, answer } = translate(
      moved,
      txnOffsetCommit,
      version,
      {
        ...producer,
        groupId: 'billing',
        topics: [
          {
            name: 'orders',
            partitions: [
              {
                partitionIndex: 0,
                committedOffset: 120n,
                committedLeaderEpoch: version >= 2 ? 4 : -1,
                committedMetadata: null,
              },
            ],
          },
        ],
      },
      ({ body }) => ({
        throttleTimeMs: 0,
        topics: body.topics.map(({ name }) => ({ name, partitions: [] })),
      }),
    )
    expect(parts).toMatchObject([
      {
        cluster: 'target',
        body: {
          topics: [
            {
              name: 'orders-v2',
              partitions: [{ committedOffset: 120n - shift, committedLeaderEpoch: -1 }],
            },
          ],
        },
      },
    ])
    expect(answer.topics.map(({ name }) => name)).toEqual(['orders'])
  })

  test.each(versionsOf(addPartitionsToTxn, 3))(
    'AddPartitionsToTxn v%i: the names there',
    (version) => {
      const { parts, answer } = translate(
        movedTable({ view: { everyTopic: true } }),
        addPartitionsToTxn,
        version,
        {
          v3AndBelowTransactionalId: 'payments',
          v3AndBelowProducerId: 5n,
          v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
        },
        ({ body }) => ({
          throttleTimeMs: 0,
          resultsByTopicV3AndBelow: body.v3AndBelowTopics.map(({ name }) => ({
            name,
            resultsByPartition: [{ partitionIndex: 0, partitionErrorCode: 0 }],
          })),
        }),
      )
      expect(parts).toMatchObject([
        {
          cluster: 'target',
          node: 12,
          body: { v3AndBelowTopics: [{ name: 'orders-v2', partitions: [0] }] },
        },
      ])
      expect(answer.resultsByTopicV3AndBelow).toMatchObject([{ name: 'orders' }])
    },
  )

  test.each(versionsOf(addPartitionsToTxn, 3))(
    'AddPartitionsToTxn v%i: what has moved is refused where transactions stay on the source',
    (version) => {
      const asked = (names: readonly string[]) => ({
        v3AndBelowTransactionalId: 'payments',
        v3AndBelowProducerId: 5n,
        v3AndBelowTopics: names.map((name) => ({ name, partitions: [0] })),
      })
      const decision = decideOn(moved, addPartitionsToTxn, version, asked(['orders', 'bills']))
      if (decision.kind !== 'answer') throw new Error(decision.kind)
      const frame = decision.frame.subarray(4)
      const { bodyOffset } = decodeResponseHeader(addPartitionsToTxn, version, frame, 0)
      const answer = decodeResponse(addPartitionsToTxn, version, frame, bodyOffset)
      expect(
        answer.resultsByTopicV3AndBelow.map(({ name, resultsByPartition }) => [
          name,
          resultsByPartition[0]?.partitionErrorCode,
        ]),
      ).toEqual([
        ['orders', 29],
        ['bills', 55],
      ])
      expect(decideOn(moved, addPartitionsToTxn, version, asked(['bills']), everywhere).kind).toBe(
        'forward',
      )
    },
  )
})

test('what only the controller does goes to that of the home', () => {
  const quotas = { entries: [], validateOnly: false }
  expect(decideOn(moved, apis.alterClientQuotas, 0, quotas)).toMatchObject({
    kind: 'forward',
    to: { cluster: 'source', nodeId: 2 },
  })
  expect(decideOn(done, apis.alterClientQuotas, 0, quotas)).toMatchObject({
    kind: 'forward',
    to: { cluster: 'target', nodeId: 12 },
  })
})
