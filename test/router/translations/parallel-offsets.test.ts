/** Unordered topics: what is asked of partitions goes to the cluster that has them, by its numbers. */
import { describe, expect, test } from 'vitest'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import type { RoutingTable } from '../../../src/router/index.ts'
import { tellingVersions } from '../given.ts'
import {
  decideOn,
  mixedTable,
  parallelTable,
  shift,
  sourceEnd,
  targetStart,
  translate,
} from './given.ts'

const off = { home: 'target', everyTopic: true } as const

/** Topics and the partitions that are asked of each. */
type Asked = Readonly<Record<string, readonly number[]>>
const topicsOf = <P>(asked: Asked, partition: (index: number) => P) =>
  Object.entries(asked).map(([name, partitions]) => ({ name, partitions: partitions.map(partition) })) // prettier-ignore

/** What is found or told, as `topic partition` and a number. */
type Numbers = Readonly<Record<string, bigint>>
type Shown = Record<string, readonly [errorCode: number, offset: bigint | undefined]>
const everyOne: Asked = { orders: [0, 1, 2, 3, 4], bills: [0], notes: [0] }

describe('ListOffsets', () => {
  const api = apis.listOffsets

  function list(
    table: RoutingTable,
    asked: Asked,
    timestamp: bigint,
    finds: Numbers,
    version = api.versions.max,
  ) {
    const { parts, answer } = translate(
      table,
      api,
      version,
      {
        replicaId: -1,
        topics: topicsOf(asked, (partitionIndex) => ({
          ...{ partitionIndex, timestamp, maxNumOffsets: 1 },
          currentLeaderEpoch: version >= 4 && partitionIndex > 1 ? 4 : -1,
        })),
      },
      ({ cluster, body }) => ({
        topics: body.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, currentLeaderEpoch }) => {
            // A leader may be behind the Metadata that a client saw, or it of the other cluster.
            expect(currentLeaderEpoch).toBe(-1)
            const offset = finds[`${cluster} ${name} ${partitionIndex}`] ?? -1n
            const found = { partitionIndex, errorCode: 0 }
            return version === 0
              ? { ...found, oldStyleOffsets: offset < 0n ? [] : [offset] }
              : { ...found, offset, timestamp: offset < 0n ? -1n : 50n, leaderEpoch: -1 }
          }),
        })),
      }),
    )
    const shown: Shown = {}
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset, oldStyleOffsets } of partitions) {
        const told = version === 0 ? oldStyleOffsets[0] : offset
        shown[`${name} ${partitionIndex}`] = [errorCode, told]
      }
    }
    return { asked: askedOf(parts), shown }
  }

  test.each(tellingVersions(api))('v%i: the latest of each, in its cluster', (version) => {
    const ends = { 'source orders 0': 3n, 'source orders 1': 4n, 'source notes 0': 5n }
    const ofTarget = { 'target orders-v2 0': 8n, 'target orders-v2 1': 9n, 'target orders-v2 2': 10n } // prettier-ignore
    const all = { ...ends, ...ofTarget, 'target bills-v2 0': 11n }
    const { asked, shown } = list(mixedTable(), everyOne, -1n, all, version)
    expect(shown).toEqual({
      'orders 0': [0, 3n],
      'orders 1': [0, 4n],
      'orders 2': [0, 8n],
      'orders 3': [0, 9n],
      'orders 4': [0, 10n],
      'bills 0': [0, 11n + shift],
      'notes 0': [0, 5n],
    })
    // v0 may ask for more offsets than the latest, so that both parts of an ordered topic are asked.
    expect(asked.filter((each) => !each.includes(' bills'))).toEqual([
      'source 1 orders 0',
      'source 2 notes 0',
      'source 2 orders 1',
      'target 11 orders-v2 0',
      'target 11 orders-v2 2',
      'target 12 orders-v2 1',
    ])
  })

  test.each(tellingVersions(api))(
    'v%i: the earliest of the target is never before T0',
    (version) => {
      const finds = { 'source orders 0': 2n, 'target orders 0': 3n, 'target orders 1': 9n }
      expect(list(parallelTable(), { orders: [0, 2, 3] }, -2n, finds, version).shown).toEqual({
        'orders 0': [0, 2n],
        'orders 2': [0, targetStart],
        'orders 3': [0, 9n],
      })
    },
  )

  test('a timestamp: one from before T0 is where the topic begins; nothing found is nothing', () => {
    const finds = { 'source orders 0': 2n, 'target orders 0': 5n, 'target orders 1': 9n }
    expect(list(parallelTable(), { orders: [0, 1, 2, 3, 4] }, 50n, finds).shown).toEqual({
      'orders 0': [0, 2n],
      'orders 1': [0, -1n],
      'orders 2': [0, targetStart],
      'orders 3': [0, 9n],
      'orders 4': [0, -1n],
    })
  })

  test('the greatest timestamp does not count what lay there before', () => {
    const finds = { 'target orders 0': 5n, 'target orders 1': 9n }
    expect(list(parallelTable(), { orders: [2, 3] }, -3n, finds).shown).toEqual({
      'orders 2': [0, -1n],
      'orders 3': [0, 9n],
    })
  })

  test.each(tellingVersions(api))('v%i: of a source that is off, nobody is asked', (version) => {
    const finds = { 'target orders 0': 8n }
    const { asked, shown } = list(parallelTable(off), { orders: [0, 2] }, -1n, finds, version)
    expect(asked).toEqual(['target 11 orders 0'])
    expect(shown).toEqual({ 'orders 0': [0, 0n], 'orders 2': [0, 8n] })
  })

  test('a time is not found in a source that is off', () => {
    expect(list(parallelTable(off), { orders: [0] }, 50n, {})).toEqual({
      asked: [],
      shown: { 'orders 0': [0, -1n] },
    })
  })

  test('a number that the topic does not have is unknown', () => {
    const { asked, shown } = list(parallelTable(), { orders: [4, 5] }, -1n, {
      'target orders 2': 8n,
    })
    expect(asked).toEqual(['target 11 orders 2'])
    expect(shown['orders 5']?.[0]).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  test('what the source alone is asked goes there as it is', () => {
    const topics = topicsOf({ orders: [0] }, (partitionIndex) => ({ partitionIndex, timestamp: -1n })) // prettier-ignore
    const decision = decideOn(parallelTable(), api, 7, { replicaId: -1, topics })
    expect(decision.kind).not.toBe('translate')
  })
})

describe('OffsetForLeaderEpoch', () => {
  const api = apis.offsetForLeaderEpoch
  const offsetMax = 2n ** 63n - 1n

  function epochs(table: RoutingTable, asked: Asked, version: number) {
    const epochsAsked: string[] = []
    const { parts, answer } = translate(
      table,
      api,
      version,
      {
        replicaId: -1,
        topics: topicsOf(asked, (partition) => ({
          ...{ partition, leaderEpoch: 3 },
          currentLeaderEpoch: version >= 2 && partition > 1 ? 4 : -1,
        })).map(({ name: topic, partitions }) => ({ topic, partitions })),
      },
      ({ cluster, body }) => ({
        topics: body.topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
            expect(currentLeaderEpoch).toBe(-1)
            epochsAsked.push(`${cluster} ${topic} ${partition}: ${leaderEpoch}`)
            const endOffset = cluster === 'source' ? 40n : partition === 0 ? 5n : 20n
            return { partition, errorCode: 0, leaderEpoch: version === 0 ? -1 : 2, endOffset }
          }),
        })),
      }),
    )
    const shown = answer.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, errorCode, leaderEpoch, endOffset }) => [
        ...[`${topic} ${partition}`, errorCode],
        ...[version === 0 ? 2 : leaderEpoch, endOffset],
      ]),
    )
    return { parts, epochsAsked: epochsAsked.toSorted(), shown }
  }

  test.each(tellingVersions(api))('v%i: each cluster has epochs of its own', (version) => {
    const { epochsAsked, shown } = epochs(mixedTable(), everyOne, version)
    expect(epochsAsked).toEqual([
      'source bills 0: 3',
      'source notes 0: 3',
      'source orders 0: 3',
      'source orders 1: 3',
      'target orders-v2 0: 3',
      'target orders-v2 1: 3',
      'target orders-v2 2: 3',
    ])
    expect(shown).toEqual([
      ['orders 0', 0, 2, 40n],
      ['orders 1', 0, 2, 40n],
      // Nobody was ever shown what lies before T0.
      ['orders 2', 0, 2, targetStart],
      ['orders 3', 0, 2, 20n],
      ['orders 4', 0, 2, 20n],
      ['bills 0', 0, 2, 40n],
      ['notes 0', 0, 2, 40n],
    ])
  })

  test.each(tellingVersions(api))('v%i: nothing was truncated with the source off', (version) => {
    const { epochsAsked, shown } = epochs(parallelTable(off), { orders: [0, 3] }, version)
    expect(epochsAsked).toEqual(['target orders 1: 3'])
    expect(shown).toEqual([
      ['orders 0', 0, version === 0 ? 2 : 3, offsetMax],
      ['orders 3', 0, 2, 20n],
    ])
  })
})

describe('DeleteRecords', () => {
  const api = apis.deleteRecords

  function remove(table: RoutingTable, asked: Asked, offset: bigint, marks: Numbers, version = 2) {
    const upTo: Record<string, bigint> = {}
    const { answer } = translate(
      table,
      api,
      version,
      {
        topics: topicsOf(asked, (partitionIndex) => ({ partitionIndex, offset })),
        timeoutMs: 1_000,
      },
      ({ cluster, body }) => ({
        throttleTimeMs: 0,
        topics: body.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, offset: native }) => {
            const key = `${cluster} ${name} ${partitionIndex}`
            upTo[key] = native
            return { partitionIndex, errorCode: 0, lowWatermark: marks[key] ?? native }
          }),
        })),
      }),
    )
    const shown: Shown = {}
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, lowWatermark } of partitions) {
        shown[`${name} ${partitionIndex}`] = [errorCode, lowWatermark]
      }
    }
    return { upTo, shown }
  }

  test.each(tellingVersions(api))('v%i: each where it lies', (version) => {
    const asked = { orders: [1, 3], bills: [0], notes: [0] }
    expect(remove(mixedTable(), asked, 20n, {}, version)).toEqual({
      upTo: {
        'source orders 1': 20n,
        'target orders-v2 1': 20n,
        'source bills 0': 20n,
        'source notes 0': 20n,
      },
      shown: {
        'orders 1': [0, 20n],
        'orders 3': [0, 20n],
        'bills 0': [0, 20n],
        'notes 0': [0, 20n],
      },
    })
  })

  test('everything there is; and an ordered topic to its end on the source', () => {
    const marks = { 'source orders 0': 30n, 'target orders-v2 0': 12n, 'target bills-v2 0': 9n }
    expect(remove(mixedTable(), { orders: [0, 2], bills: [0] }, -1n, marks)).toEqual({
      upTo: {
        'source orders 0': -1n,
        'target orders-v2 0': -1n,
        'source bills 0': sourceEnd,
        'target bills-v2 0': -1n,
      },
      shown: { 'orders 0': [0, 30n], 'orders 2': [0, 12n], 'bills 0': [0, 9n + shift] },
    })
  })

  test('what is left begins at T0 or later', () => {
    expect(remove(parallelTable(), { orders: [2] }, 3n, {}).shown).toEqual({
      'orders 2': [0, targetStart],
    })
  })

  test('a source that is off has nothing to delete', () => {
    expect(remove(parallelTable(off), { orders: [0, 2] }, 20n, {})).toEqual({
      upTo: { 'target orders 0': 20n },
      shown: {
        'orders 0': [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, -1n],
        'orders 2': [0, 20n],
      },
    })
  })
})

/** Every partition that is asked, with its cluster and broker. */
const askedOf = (
  parts: readonly {
    readonly cluster: string
    readonly node: number
    readonly body: {
      readonly topics: readonly {
        readonly name: string
        readonly partitions: readonly { readonly partitionIndex: number }[]
      }[]
    }
  }[],
): string[] =>
  parts
    .flatMap(({ cluster, node, body }) =>
      body.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex }) => `${cluster} ${node} ${name} ${partitionIndex}`),
      ),
    )
    .toSorted()
