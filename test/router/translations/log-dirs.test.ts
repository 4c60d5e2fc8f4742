import { describe, expect, test } from 'vitest'
import { homeBrokerId } from '../../../src/router/table.ts'
import { apis } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import { decideOn, movedTable, translate } from './given.ts'

const { describeLogDirs, alterReplicaLogDirs, listConfigResources } = apis

const moved = movedTable()
const done = movedTable({ view: { everyTopic: true, home: 'target' } })

const topicsOf = { source: ['orders', 'bills'], target: ['orders-v2', 'fresh', 'orders'] } as const

describe('DescribeLogDirs', () => {
  interface Given {
    readonly table?: typeof moved
    readonly version?: number
    readonly paths?: { readonly source: string; readonly target: string }
  }
  /** Of each directory its topics, with how large a partition is: 1 on the source, 2 on the target. */
  const described = (
    topics: readonly string[] | null,
    { table = moved, version = 4, paths = { source: '/data', target: '/kafka' } }: Given = {},
  ) => {
    const asked = topics?.map((topic) => ({ topic, partitions: [0, 2] })) ?? null
    const { parts, answer } = translate(
      table,
      describeLogDirs,
      version,
      { topics: asked },
      ({ cluster, node, body }) => {
        expect(node).toBe(homeBrokerId)
        const names = body.topics?.map(({ topic }) => topic) ?? topicsOf[cluster]
        return {
          throttleTimeMs: 0,
          errorCode: 0,
          results: [
            {
              errorCode: 0,
              logDir: paths[cluster],
              topics: names.map((name) => ({
                name,
                partitions: [0, 2].map((partitionIndex) => ({
                  partitionIndex,
                  partitionSize: cluster === 'source' ? 1n : 2n,
                  offsetLag: 0n,
                  isFutureKey: false,
                })),
              })),
              ...(version >= 4 && { totalBytes: cluster === 'source' ? 10n : 20n }),
            },
          ],
        }
      },
    )
    return {
      asked: parts.map(({ cluster, body }) =>
        [cluster, ...(body.topics?.map(({ topic }) => topic) ?? ['every'])].join(' '),
      ),
      shown: answer.results.map(({ logDir, topics, totalBytes }) => [
        ...[logDir, version >= 4 ? Number(totalBytes) : 10],
        ...topics.map(({ name, partitions }) =>
          [
            `${name}:`,
            ...partitions.map((each) => `${each.partitionIndex}=${each.partitionSize}`),
          ].join(' '),
        ),
      ]),
    }
  }

  test.each(versionsOf(describeLogDirs))(
    'v%i: each topic is told by the cluster that has it',
    (version) => {
      expect(described(null, { version })).toEqual({
        asked: ['source every', 'target every'],
        shown: [
          ['/data', 10, 'bills: 0=1 2=1'],
          ['/kafka', version >= 4 ? 20 : 10, 'orders: 0=2'],
        ],
      })
    },
  )

  test('directories of one path are one', () => {
    const paths = { source: '/data', target: '/data' }
    expect(described(null, { paths }).shown).toEqual([
      ['/data', 10, 'bills: 0=1 2=1', 'orders: 0=2'],
    ])
  })

  test('topics by name, each where it is; the home says its directories', () => {
    expect(described(['orders'])).toEqual({
      asked: ['source', 'target orders-v2'],
      shown: [
        ['/data', 10],
        ['/kafka', 20, 'orders: 0=2'],
      ],
    })
    expect(described(['bills']).asked).toEqual(['source bills'])
  })

  test('the source is not asked once everything has moved', () => {
    expect(described(null, { table: done })).toEqual({
      asked: ['target every'],
      shown: [['/kafka', 20, 'orders: 0=2', 'fresh: 0=2 2=2']],
    })
  })

  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, describeLogDirs, 4, { topics: null })).toEqual({
      kind: 'forward',
      to: 'home',
    })
  })
})

test.each(versionsOf(alterReplicaLogDirs))(
  'AlterReplicaLogDirs v%i: of each topic at that home which has it',
  (version) => {
    const topic = (name: string) => ({ name, partitions: [0] })
    const { parts, answer } = translate(
      moved,
      alterReplicaLogDirs,
      version,
      {
        dirs: [
          { path: '/a', topics: [topic('orders'), topic('bills')] },
          { path: '/b', topics: [topic('orders')] },
        ],
      },
      ({ body }) => ({
        throttleTimeMs: 0,
        results: body.dirs.flatMap(({ topics }) =>
          topics.map(({ name }) => ({
            topicName: name,
            partitions: [{ partitionIndex: 0, errorCode: 0 }],
          })),
        ),
      }),
    )
    expect(parts).toEqual([
      {
        cluster: 'target',
        node: homeBrokerId,
        body: {
          dirs: [
            { path: '/a', topics: [topic('orders-v2')] },
            { path: '/b', topics: [topic('orders-v2')] },
          ],
        },
      },
      {
        cluster: 'source',
        node: homeBrokerId,
        body: { dirs: [{ path: '/a', topics: [topic('bills')] }] },
      },
    ])
    expect(answer.results.map(({ topicName }) => topicName)).toEqual(['orders', 'orders', 'bills'])
  },
)

describe('ListConfigResources', () => {
  const broker = 4
  const clientMetrics = 16
  const listed = (version: number, table = moved) => {
    const { parts, answer } = translate(table, listConfigResources, version, {}, ({ cluster }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      configResources:
        version === 0
          ? [{ resourceName: `${cluster}-metrics` }]
          : [
              ...topicsOf[cluster].map((resourceName) => ({ resourceName, resourceType: 2 })),
              ...(cluster === 'source' ? ['', '1'] : ['', '11', '99']).map((resourceName) => ({
                ...{ resourceName, resourceType: broker },
              })),
              { resourceName: `${cluster}-metrics`, resourceType: clientMetrics },
            ],
    }))
    return {
      asked: parts.map(({ cluster }) => cluster),
      shown: answer.configResources.map(({ resourceName, resourceType }) =>
        version === 0 ? resourceName : `${resourceType} ${resourceName}`,
      ),
    }
  }

  test('v0: those of the home', () => {
    expect(listed(0).shown).toEqual(['source-metrics'])
    expect(listed(0, done).shown).toEqual(['target-metrics'])
  })

  test('v1: topics of the cluster that has them, brokers as clients know them', () => {
    expect(listed(1)).toEqual({
      asked: ['source', 'target'],
      shown: ['2 bills', '4 ', '4 1', '16 source-metrics', '2 orders'],
    })
    expect(listed(1, done)).toEqual({
      asked: ['target'],
      shown: ['2 orders', '2 fresh', '4 ', '4 1', '16 target-metrics'],
    })
  })

  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, listConfigResources, 1, {})).toEqual({ kind: 'forward', to: 'any' })
  })
})
