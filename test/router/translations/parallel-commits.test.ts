/** Offsets of groups that read unordered topics: of each partition where it is read, until the group moves. */
import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  zeroUuid,
  type Encodable,
  type OffsetFetchResponse,
} from '../../../src/protocol/index.ts'
import { partedCommit, type RoutingTable, type View } from '../../../src/router/index.ts'
import { requestOf, tellingVersions, topicIdOf } from '../given.ts'
import { decideOn, mixedTable, shift, targetIdOf, translate } from './given.ts'

const { offsetCommit, offsetFetch } = apis

const groups: View['groups'] = new Map([
  ['billing', 'target'],
  ['audit', 'source'],
])
const table = mixedTable({ groups })
const off = mixedTable({ home: 'target', everyTopic: true, groups })

/** A partition of the unordered topic on each side, one that is ordered, and one outside the plan. */
const asked = { orders: [0, 1, 2, 4], bills: [0], notes: [0] }
/** What is committed of each, as `topic partition`: offset. */
type Offsets = Readonly<Record<string, bigint>>

/** From v10 on, topics are named by their ids. */
const naming = (version: number, name: string, topicId: string) =>
  version >= 10 ? { name: '', topicId } : { name, topicId: zeroUuid }
const nameOf = ({ name, topicId }: { readonly name: string; readonly topicId: string }): string => {
  const names = ['orders', 'bills', 'notes', 'orders-v2', 'bills-v2']
  if (name !== '') return name
  return names.find((each) => [topicIdOf(each), targetIdOf(each)].includes(topicId)) ?? topicId
}

describe('OffsetFetch', () => {
  const api = offsetFetch

  /** @param keeps what each cluster keeps: `cluster topic partition` */
  function fetch(
    on: RoutingTable,
    version: number,
    names: readonly string[],
    every: boolean,
    keeps: Offsets,
  ) {
    const topics = every
      ? null
      : Object.entries(asked).map(([name, partitionIndexes]) => ({
          ...naming(version, name, topicIdOf(name)),
          partitionIndexes,
        }))
    const body: Encodable<typeof api.request.fields> =
      version >= 8
        ? { groups: names.map((groupId) => ({ groupId, memberId: 'm', memberEpoch: 5, topics })) }
        : { groupId: names[0] ?? '', topics: topics?.map(({ name, partitionIndexes }) => ({ name, partitionIndexes })) ?? null } // prettier-ignore
    const { parts, answer } = translate(on, api, version, body, ({ cluster, body: part }) => {
      const found = (all: OffsetFetchResponse['groups'][number]['topics'] | null) =>
        (all ?? everyOf(cluster, version, keeps)).map((topic) => ({ ...topic }))
      const shares = version >= 8 ? part.groups : [{ ...part, groupId: part.groupId }]
      const told = shares.map(({ groupId, topics: wanted }) => ({
        groupId,
        errorCode: 0,
        topics: found(
          wanted?.map((topic) => ({
            ...{ name: topic.name, topicId: 'topicId' in topic ? topic.topicId : zeroUuid },
            partitions: topic.partitionIndexes.map((index) =>
              kept(index, keeps[`${cluster} ${nameOf({ topicId: zeroUuid, ...topic })} ${index}`]),
            ),
          })) ?? null,
        ),
      }))
      if (version >= 8) return { groups: told }
      return { errorCode: 0, topics: (told[0]?.topics ?? []).map(({ name, partitions }) => ({ name, partitions })) } // prettier-ignore
    })
    const shown = version >= 8 ? answer.groups : [{ groupId: names[0] ?? '', ...answer }]
    return {
      members: parts.map(({ cluster, body: part }) => [
        cluster,
        ...(version >= 9 ? part.groups.map(({ memberId }) => memberId) : []),
      ]),
      asked: parts.flatMap(({ cluster, body: part }) =>
        (version >= 8 ? part.groups : [part]).map(
          ({ groupId, topics: wanted }) =>
            `${cluster} ${groupId}: ${wanted?.map((each) => `${nameOf({ topicId: zeroUuid, ...each })} ${each.partitionIndexes.join('+')}`).join(', ') ?? 'all'}`, // prettier-ignore
        ),
      ),
      shown: Object.fromEntries(
        shown.map(({ groupId, topics: all }) => [groupId, offsetsIn(all)]),
      ) as Readonly<Record<string, Offsets>>,
    }
  }

  const kept = (partitionIndex: number, offset = -1n) => ({
    ...{ partitionIndex, committedOffset: offset, committedLeaderEpoch: -1 },
    ...{ metadata: '', errorCode: 0 },
  })

  function everyOf(cluster: string, version: number, keeps: Offsets) {
    return Object.entries(keeps).flatMap(([key, offset]) => {
      const [at, name = '', index] = key.split(' ')
      if (at !== cluster) return []
      const topicId = cluster === 'source' ? topicIdOf(name) : targetIdOf(name)
      return [{ ...naming(version, name, topicId), partitions: [kept(Number(index), offset)] }]
    })
  }

  interface Told {
    readonly name: string
    readonly topicId?: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly committedOffset: bigint
    }[]
  }
  const offsetsIn = (topics: readonly Told[]): Offsets =>
    Object.fromEntries(
      topics.flatMap((topic) =>
        topic.partitions.map(({ partitionIndex, committedOffset }) => [
          `${nameOf({ topicId: zeroUuid, ...topic })} ${partitionIndex}`,
          committedOffset,
        ]),
      ),
    )

  const ofSource = { 'source orders 0': 5n, 'source bills 0': 40n, 'source notes 0': 3n }
  const ofTarget = { 'target orders-v2 0': 12n, 'target orders-v2 2': 14n }

  test.each(tellingVersions(api))('v%i: on the source, each from where it is read', (version) => {
    const { asked: parts, shown } = fetch(table, version, ['audit'], false, { ...ofSource, ...ofTarget }) // prettier-ignore
    expect(parts).toEqual([
      'source audit: orders 0+1, bills 0, notes 0',
      'target audit: orders-v2 0+2',
    ])
    const expected = { 'orders 0': 5n, 'orders 1': -1n, 'orders 2': 12n, 'orders 4': 14n }
    expect(shown).toEqual({ audit: { ...expected, 'bills 0': 40n, 'notes 0': 3n } })
  })

  test.each(tellingVersions(api).filter((version) => version >= 2))(
    'v%i: every topic of a group on the source',
    (version) => {
      // What the target keeps of an ordered topic is not the group's until it moves.
      const keeps = { ...ofSource, ...ofTarget, 'target bills-v2 0': 9n }
      const { asked: parts, shown } = fetch(table, version, ['audit'], true, keeps)
      expect(parts).toEqual(['source audit: all', 'target audit: all'])
      const expected = { 'orders 0': 5n, 'orders 2': 12n, 'orders 4': 14n }
      expect(shown).toEqual({ audit: { ...expected, 'bills 0': 40n, 'notes 0': 3n } })
    },
  )

  test.each(tellingVersions(api))(
    'v%i: one that has moved keeps nothing of the source',
    (version) => {
      const keeps = { ...ofSource, ...ofTarget, 'target bills-v2 0': 9n }
      const { asked: parts, shown } = fetch(table, version, ['billing'], false, keeps)
      expect(parts).toEqual([
        'target billing: orders-v2 0+2, bills-v2 0',
        'source billing: notes 0',
      ])
      const expected = { 'orders 0': -1n, 'orders 1': -1n, 'orders 2': 12n, 'orders 4': 14n }
      expect(shown).toEqual({ billing: { ...expected, 'bills 0': 9n + shift, 'notes 0': 3n } })
    },
  )

  test('every topic of one that has moved, with the source off', () => {
    const { asked: parts, shown } = fetch(off, 9, ['billing'], true, { ...ofSource, ...ofTarget })
    expect(parts).toEqual(['target billing: all'])
    expect(shown).toEqual({ billing: { 'orders 2': 12n, 'orders 4': 14n } })
  })

  test.each([8, api.versions.max])('v%i: several groups, each where it is', (version) => {
    const keeps = { ...ofSource, ...ofTarget, 'target bills-v2 0': 9n }
    const { asked: parts, shown, members } = fetch(table, version, ['audit', 'billing'], false, keeps) // prettier-ignore
    expect(parts.toSorted()).toEqual([
      'source audit: orders 0+1, bills 0, notes 0',
      'source billing: notes 0',
      'target audit: orders-v2 0+2',
      'target billing: orders-v2 0+2, bills-v2 0',
    ])
    const onTarget = { 'orders 2': 12n, 'orders 4': 14n, 'notes 0': 3n }
    expect(shown).toEqual({
      audit: { 'orders 0': 5n, 'orders 1': -1n, 'bills 0': 40n, ...onTarget },
      billing: { 'orders 0': -1n, 'orders 1': -1n, 'bills 0': 9n + shift, ...onTarget },
    })
    // Members are known in the cluster of their group only.
    if (version >= 9) expect(members).toEqual([['source', 'm', null], ['target', null, 'm']]) // prettier-ignore
  })
})

describe('OffsetCommit', () => {
  const api = offsetCommit

  const request = (
    version: number,
    groupId: string,
    topics: Readonly<Record<string, readonly number[]>>,
  ) => ({
    // prettier-ignore
    groupId,
    generationIdOrMemberEpoch: version >= 1 ? 5 : -1,
    memberId: version >= 1 ? 'member' : '',
    topics: Object.entries(topics).map(([name, partitions]) => ({
      ...naming(version, name, topicIdOf(name)),
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: BigInt(120 + partitionIndex),
        committedLeaderEpoch: version >= 6 ? 4 : -1,
        committedMetadata: 'note',
      })),
    })),
  })

  interface Listed {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly committedOffset: bigint
      readonly committedLeaderEpoch: number
    }[]
  }
  const offsetsOf = (topics: readonly Listed[]): Offsets =>
    Object.fromEntries(
      topics.flatMap((topic) =>
        topic.partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch }) => {
          expect(committedLeaderEpoch).toBe(-1)
          return [`${nameOf(topic)} ${partitionIndex}`, committedOffset]
        }),
      ),
    )

  const parted = (
    version: number,
    groupId: string,
    topics: Readonly<Record<string, readonly number[]>>,
  ) => {
    // prettier-ignore
    const { frame, bodyOffset } = requestOf(api, version, request(version, groupId, topics))
    const parts = partedCommit(table, decodeRequest(api, version, frame, bodyOffset))
    if (parts === undefined) return undefined
    return { source: offsetsOf(parts.source), target: offsetsOf(parts.target) }
  }

  test.each(tellingVersions(api))('v%i: of a group on the source, parted', (version) => {
    expect(parted(version, 'audit', asked)).toEqual({
      source: { 'orders 0': 120n, 'orders 1': 121n, 'bills 0': 120n, 'notes 0': 120n },
      target: { 'orders-v2 0': 122n, 'orders-v2 2': 124n },
    })
    expect(parted(version, 'audit', { orders: [3] })).toEqual({
      source: {},
      target: { 'orders-v2 1': 123n },
    })
  })

  test.each(tellingVersions(api))('v%i: not one that is of one cluster alone', (version) => {
    expect(parted(version, 'audit', { orders: [0, 1], bills: [0], notes: [0] })).toBeUndefined()
    expect(parted(version, 'billing', asked)).toBeUndefined()
  })

  test('before the flip nothing is parted', () => {
    const before = mixedTable({ spliced: false })
    const { frame, bodyOffset } = requestOf(api, 8, request(8, 'audit', asked))
    expect(partedCommit(before, decodeRequest(api, 8, frame, bodyOffset))).toBeUndefined()
    const plain = { ...request(5, 'audit', asked) }
    expect(decideOn(before, api, 5, plain).kind).not.toBe('translate')
  })

  test.each(tellingVersions(api))('v%i: of a group that has moved', (version) => {
    const written: Record<string, Offsets> = {}
    const { parts, answer } = translate(
      table,
      api,
      version,
      request(version, 'billing', asked),
      ({ cluster, body }) => {
        written[cluster] = offsetsOf(body.topics)
        return {
          topics: body.topics.map(({ name, topicId, partitions }) => ({
            ...{ name, topicId },
            partitions: partitions.map(({ partitionIndex }) => ({
              partitionIndex,
              errorCode: cluster === 'source' ? 0 : 12,
            })),
          })),
        }
      },
    )
    // Of the source's partitions nothing is kept anywhere.
    expect(written).toEqual({
      target: { 'orders-v2 0': 122n, 'orders-v2 2': 124n, 'bills-v2 0': 120n - shift },
      source: { 'notes 0': 120n },
    })
    const guest = parts.find(({ cluster }) => cluster === 'source')
    expect(guest?.body).toMatchObject({ generationIdOrMemberEpoch: -1, memberId: '' })
    const shown = answer.topics.flatMap(
      (topic) =>
      topic.partitions.map(({ partitionIndex, errorCode }) => `${nameOf(topic)} ${partitionIndex}: ${errorCode}`), // prettier-ignore
    )
    expect(shown.toSorted()).toEqual(
      ['bills 0: 12', 'notes 0: 0', 'orders 0: 0', 'orders 1: 0', 'orders 2: 12', 'orders 4: 12'], // prettier-ignore
    )
    expect(answer.topics).toHaveLength(3)
  })

  test('what a moved group has left on the source is answered, though the target is asked nothing of it', () => {
    const { parts, answer } = translate(
      table,
      api,
      8,
      request(8, 'billing', { orders: [0, 1] }),
      ({ body }) => ({ topics: body.topics.map((topic) => ({ ...topic, partitions: [] })) }),
    )
    expect(parts).toMatchObject([{ cluster: 'target', body: { topics: [] } }])
    expect(answer.topics).toMatchObject([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, errorCode: 0 },
          { partitionIndex: 1, errorCode: 0 },
        ],
      },
    ])
  })
})
