import { describe, expect, test } from 'vitest'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import {
  decideOn,
  epochBase,
  movedTable,
  shift,
  sourceEnd,
  targetStart,
  translate,
} from './given.ts'

const { listOffsets, offsetForLeaderEpoch } = apis

/** What each cluster finds for `orders` 0: an offset and its timestamp, or nothing. */
type Finds = Partial<Record<'source' | 'target', readonly [offset: bigint, timestamp?: bigint]>>

function find(timestamp: bigint, finds: Finds, version = 7, table = movedTable()) {
  const { parts, answer, facts } = translate(
    table,
    listOffsets,
    version,
    {
      replicaId: -1,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, currentLeaderEpoch: version < 4 ? -1 : epochBase + 4, timestamp },
          ],
        },
      ],
    },
    ({ cluster, body }) => ({
      topics: body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, currentLeaderEpoch }) => {
          expect(currentLeaderEpoch).toBe(-1)
          const [offset, found = -1n] = finds[cluster] ?? [-1n]
          return version === 0
            ? { partitionIndex, errorCode: 0, oldStyleOffsets: offset < 0n ? [] : [offset] }
            : {
                partitionIndex,
                errorCode: 0,
                offset,
                timestamp: found,
                leaderEpoch: version < 4 ? -1 : 4,
              }
        }),
      })),
    }),
  )
  const [partition] = answer.topics[0]?.partitions ?? []
  const offset = version === 0 ? partition?.oldStyleOffsets[0] : partition?.offset
  const asked = parts.map(({ cluster, body }) => `${cluster} ${body.topics[0]?.name ?? ''}`)
  return { asked, offset, timestamp: partition?.timestamp, partition, facts }
}

const done = movedTable({ view: { everyTopic: true, home: 'target' } })

describe('ListOffsets', () => {
  test.each(versionsOf(listOffsets))('v%i: the latest is the end of the target', (version) => {
    const { asked, offset, partition } = find(-1n, { target: [12n] }, version)
    // v0 may ask for more offsets than the latest.
    if (version >= 1) expect(asked).toEqual(['target orders-v2'])
    expect(offset).toBe(12n + shift)
    if (version >= 4) expect(partition?.leaderEpoch).toBe(-1)
  })

  test('the latest is never in front of the splice', () => {
    expect(find(-1n, { target: [targetStart - 2n] }).offset).toBe(sourceEnd)
  })

  test.each(versionsOf(listOffsets))('v%i: the earliest is that of the source', (version) => {
    const { asked, offset } = find(-2n, { source: [40n], target: [3n] }, version)
    expect(asked).toEqual(['source orders', 'target orders-v2'])
    expect(offset).toBe(40n)
  })

  test.each([
    ['the source holds nothing any more', sourceEnd, 3n, sourceEnd],
    ['stragglers do not count', sourceEnd + 4n, 9n, 9n + shift],
  ])('earliest: %s', (_, source, target, wanted) => {
    expect(find(-2n, { source: [source], target: [target] }).offset).toBe(wanted)
  })

  test('the earliest, once the source may be off', () => {
    expect(find(-2n, { target: [3n] }, 7, done)).toMatchObject({
      asked: ['target orders-v2'],
      offset: sourceEnd,
    })
    expect(find(-2n, { target: [9n] }, 7, done).offset).toBe(9n + shift)
  })

  test.each([
    ['in the source', { source: [50n, 5n], target: [9n, 6n] }, 50n, 5n],
    ['in the target', { target: [9n, 6n] }, 9n + shift, 6n],
    ['behind the splice in the source', { source: [100n, 5n], target: [9n, 6n] }, 9n + shift, 6n],
    ['in front of the splice in the target', { target: [2n, 6n] }, sourceEnd, 6n],
    ['nowhere', {}, -1n, -1n],
  ] satisfies [string, Finds, bigint, bigint][])(
    'a timestamp: %s',
    (_, finds, offset, timestamp) => {
      expect(find(5n, finds)).toMatchObject({ offset, timestamp })
    },
  )

  test.each([
    ['in the source', { source: [50n, 9n], target: [9n, 6n] }, 50n],
    ['in the target', { source: [50n, 5n], target: [9n, 6n] }, 9n + shift],
    ['not of a straggler', { source: [100n, 9n], target: [9n, 6n] }, 9n + shift],
  ] satisfies [string, Finds, bigint][])('the largest timestamp: %s', (_, finds, offset) => {
    expect(find(-3n, finds).offset).toBe(offset)
  })

  test('tiers are those of the source', () => {
    expect(find(-5n, { source: [50n] }, 9)).toMatchObject({ asked: ['source orders'], offset: 50n })
    expect(find(-5n, { target: [50n] }, 9, done)).toMatchObject({ asked: [], offset: -1n })
  })

  test('other partitions are asked where they are, those that are none are not', () => {
    const partitions = [0, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    const { parts, answer } = translate(
      movedTable(),
      listOffsets,
      7,
      {
        replicaId: -1,
        topics: [
          { name: 'orders', partitions },
          { name: 'bills', partitions: [{ partitionIndex: 0, timestamp: -1n }] },
        ],
      },
      ({ body }) => ({
        topics: body.topics.map(({ name, partitions: all }) => ({
          name,
          partitions: all.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: 0,
            offset: 20n,
            leaderEpoch: 4,
          })),
        })),
      }),
    )
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['target', 11],
      ['source', 3],
    ])
    expect(answer.topics).toMatchObject([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, offset: 20n + shift },
          { partitionIndex: 2, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
        ],
      },
      { name: 'bills', partitions: [{ offset: 20n, leaderEpoch: 4 }] },
    ])
  })

  test('goes the ordinary way where nothing has moved', () => {
    const topics = [{ name: 'bills', partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
    expect(decideOn(movedTable(), listOffsets, 7, { replicaId: -1, topics }).kind).toBe('forward')
  })

  test('asks for a leader that is not known', () => {
    const { target, ...table } = movedTable()
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
    const without = { ...table, target: { ...target, topics: new Map() } }
    expect(decideOn(without, listOffsets, 7, { replicaId: -1, topics })).toEqual({
      kind: 'ask',
      question: { kind: 'leaders', topics: ['orders-v2'], cluster: 'target' },
    })
  })
})

describe('OffsetForLeaderEpoch', () => {
  const end = (
    leaderEpoch: number,
    found: { leaderEpoch: number; endOffset: bigint; errorCode?: number },
    version = 3,
    table = movedTable(),
  ) => {
    const { parts, answer, facts } = translate(
      table,
      offsetForLeaderEpoch,
      version,
      {
        topics: [
          {
            topic: 'orders',
            partitions: [
              { partition: 0, leaderEpoch, currentLeaderEpoch: version < 2 ? -1 : epochBase + 4 },
            ],
          },
        ],
      },
      ({ body }) => ({
        topics: body.topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition }) => ({ errorCode: 0, partition, ...found })),
        })),
      }),
    )
    const asked = parts.map(({ cluster, body }) => [cluster, body.topics[0]?.partitions[0]])
    return { asked, facts, shown: answer.topics[0]?.partitions[0] }
  }

  test.each(versionsOf(offsetForLeaderEpoch))('v%i: an epoch of the target', (version) => {
    const { asked, shown } = end(epochBase + 4, { leaderEpoch: 4, endOffset: 20n }, version)
    expect(asked).toEqual([['target', { partition: 0, currentLeaderEpoch: -1, leaderEpoch: 4 }]])
    expect(shown?.endOffset).toBe(20n + shift)
    if (version >= 1) expect(shown?.leaderEpoch).toBe(epochBase + 4)
  })

  test('an epoch of the source ends at the splice at the latest', () => {
    const { asked, shown } = end(4, { leaderEpoch: 4, endOffset: 105n })
    expect(asked).toEqual([['source', { partition: 0, currentLeaderEpoch: -1, leaderEpoch: 4 }]])
    expect(shown).toMatchObject({ leaderEpoch: 4, endOffset: sourceEnd })
    expect(end(3, { leaderEpoch: 3, endOffset: 30n }).shown).toMatchObject({ endOffset: 30n })
  })

  test('a source that does not know the epoch tells of no truncation', () => {
    const { shown } = end(4, { leaderEpoch: -1, endOffset: -1n })
    expect(shown).toMatchObject({ leaderEpoch: 4, endOffset: sourceEnd })
  })

  test('is answered here once the source may be off', () => {
    const { asked, shown } = end(4, { leaderEpoch: 1, endOffset: 1n }, 3, done)
    expect(asked).toEqual([])
    expect(shown).toMatchObject({
      partition: 0,
      errorCode: 0,
      leaderEpoch: 4,
      endOffset: sourceEnd,
    })
  })

  test('tells that a leader has moved', () => {
    const errorCode = errorCodes.NOT_LEADER_OR_FOLLOWER
    const { facts, shown } = end(epochBase, { leaderEpoch: -1, endOffset: -1n, errorCode })
    expect(shown?.errorCode).toBe(errorCode)
    expect(facts).toEqual([{ kind: 'leaders-moved', cluster: 'target' }])
  })
})
