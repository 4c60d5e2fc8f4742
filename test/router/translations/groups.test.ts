import { describe, expect, test } from 'vitest'
import { apis, zeroUuid } from '../../../src/protocol/index.ts'
import { bootstrapPort, topicIdOf, versionsOf, virtualHost } from '../given.ts'
import {
  decideOn,
  everywhere,
  movedTable,
  nowhere,
  shift,
  sourceEnd,
  targetIdOf,
  targetStart,
  translate,
} from './given.ts'

const { findCoordinator, offsetCommit, offsetFetch, initProducerId } = apis

const moved = movedTable({
  view: {
    groups: new Map([
      ['billing', 'target'],
      ['audit', 'moving'],
    ]),
  },
})
const done = movedTable({
  view: { everyTopic: true, home: 'target', groups: new Map([['late', 'source']]) },
})

describe('FindCoordinator', () => {
  const found = (version: number, keyType: number, keys: string[], table = moved) =>
    translate(
      table,
      findCoordinator,
      version,
      version >= 4 ? { keyType, coordinatorKeys: keys } : { keyType, key: keys[0] ?? '' },
      ({ cluster, body }) => {
        const at = { nodeId: cluster === 'source' ? 3 : 12, host: 'real.internal', port: 9092 }
        return version >= 4
          ? { coordinators: body.coordinatorKeys.map((key) => ({ key, errorCode: 0, ...at })) }
          : { errorCode: 0, ...at }
      },
    )

  test.each(versionsOf(findCoordinator))('v%i: a group that has moved', (version) => {
    const { parts, answer, facts } = found(version, 0, ['billing'])
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['target', -1]])
    expect(version >= 4 ? answer.coordinators[0] : answer).toMatchObject({
      errorCode: 0,
      nodeId: 2,
      host: virtualHost,
      port: bootstrapPort + 2,
    })
    expect(facts).toEqual([
      { kind: 'coordinator', of: 'group', key: 'billing', nodeId: 12, cluster: 'target' },
    ])
  })

  test('several keys, each in its own cluster', () => {
    const { parts, answer, nodeIds } = found(4, 0, ['billing', 'audit', 'other'])
    expect(parts.map(({ cluster, body }) => [cluster, body.coordinatorKeys])).toEqual([
      ['target', ['billing']],
      ['source', ['audit', 'other']],
    ])
    expect(answer.coordinators.map(({ key, nodeId }) => [key, nodeId])).toEqual([
      ['billing', 2],
      ['audit', 3],
      ['other', 3],
    ])
    expect(nodeIds).toEqual([3, 3])
  })

  test('transactional ids are those of the target behind the splice of every topic', () => {
    const whole = movedTable({ view: { everyTopic: true } })
    const { parts, facts } = found(3, 1, ['payments'], whole)
    expect(parts.map(({ cluster }) => cluster)).toEqual(['target'])
    expect(facts).toMatchObject([{ of: 'transaction', cluster: 'target' }])
  })

  test('a coordinator without a virtual broker is not available yet', () => {
    const { answer } = found(3, 0, ['billing'], { ...moved, slotOfTarget: new Map() })
    expect(answer).toMatchObject({ errorCode: 15, nodeId: -1, host: '' })
  })

  test('a group on the source goes the ordinary way', () => {
    const asked = { keyType: 0, coordinatorKeys: ['audit', 'other'] }
    expect(decideOn(moved, findCoordinator, 4, asked).kind).toBe('forward')
    expect(found(4, 0, ['late'], done).parts.map(({ cluster }) => cluster)).toEqual(['source'])
  })
})

describe('OffsetCommit', () => {
  const request = (
    version: number,
    group: string,
    topics: readonly [string, bigint][],
    epoch = 4,
  ) => ({
    groupId: group,
    generationIdOrMemberEpoch: version >= 1 ? 5 : -1,
    memberId: version >= 1 ? 'member' : '',
    groupInstanceId: version >= 7 ? 'instance' : null,
    topics: topics.map(([name, committedOffset]) => ({
      name,
      topicId: topicIdOf(name),
      partitions: [
        {
          partitionIndex: 0,
          committedOffset,
          committedLeaderEpoch: version >= 6 ? epoch : -1,
          committedMetadata: 'note',
        },
      ],
    })),
  })
  const commit = (
    version: number,
    group: string,
    topics: readonly [string, bigint][],
    table = moved,
  ) => {
    const { parts, answer } = translate(
      table,
      offsetCommit,
      version,
      request(version, group, topics),
      ({ body }) => ({
        topics: body.topics.map(({ name, topicId, partitions }) => ({
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
        })),
      }),
    )
    const idsOrNames = answer.topics.map(({ name, topicId }) => (version >= 10 ? topicId : name))
    return { parts, idsOrNames }
  }

  test.each([6, 8, 10])('v%i: no leader epoch is stored on the source', (version) => {
    for (const table of [moved, movedTable({ spliced: false })]) {
      const { parts } = commit(version, 'audit', [['orders', 120n]], table)
      expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['source', 3]])
      expect(parts[0]?.body).toMatchObject({
        memberId: 'member',
        generationIdOrMemberEpoch: 5,
        topics: [{ partitions: [{ committedOffset: 120n, committedLeaderEpoch: -1 }] }],
      })
    }
  })

  test('where none is told, the request passes as it is', () => {
    const asked = request(8, 'audit', [['orders', 120n]], -1)
    expect(decideOn(moved, offsetCommit, 8, asked).kind).toBe('forward')
    expect(decideOn(moved, offsetCommit, 5, request(5, 'audit', [['orders', 1n]])).kind).toBe(
      'forward',
    )
  })

  test.each(versionsOf(offsetCommit))('v%i: a group that has moved commits natively', (version) => {
    const { parts, idsOrNames } = commit(version, 'billing', [['orders', 120n]])
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['target', 12]])
    expect(parts[0]?.body).toMatchObject({
      ...(version >= 1 ? { memberId: 'member', generationIdOrMemberEpoch: 5 } : {}),
      topics: [
        {
          ...(version >= 10 ? { topicId: targetIdOf('orders-v2') } : { name: 'orders-v2' }),
          partitions: [
            {
              committedOffset: 120n - shift,
              committedLeaderEpoch: -1,
              committedMetadata: 'note',
            },
          ],
        },
      ],
    })
    expect(idsOrNames).toEqual([version >= 10 ? topicIdOf('orders') : 'orders'])
  })

  test('a position in front of the splice is the start of the target', () => {
    const { parts } = commit(8, 'billing', [['orders', 20n]])
    expect(parts[0]?.body.topics[0]?.partitions[0]?.committedOffset).toBe(targetStart)
    const none = commit(8, 'billing', [['orders', -1n]])
    expect(none.parts[0]?.body.topics[0]?.partitions[0]?.committedOffset).toBe(-1n)
  })

  test.each([2, 8, 10])('v%i: what did not move stays on the source', (version) => {
    const { parts, idsOrNames } = commit(version, 'billing', [
      ['bills', 9n],
      ['orders', 120n],
    ])
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['source', 3],
      ['target', 12],
    ])
    expect(parts[0]?.body).toMatchObject({
      groupId: 'billing',
      memberId: '',
      generationIdOrMemberEpoch: -1,
      groupInstanceId: null,
      topics: [{ partitions: [{ committedOffset: 9n, committedLeaderEpoch: -1 }] }],
    })
    const shown = ['bills', 'orders']
    expect(idsOrNames).toEqual(version >= 10 ? shown.map(topicIdOf) : shown)
  })

  test('asks for the coordinator in the cluster that is meant', () => {
    const asked = request(8, 'billing', [['bills', 9n]])
    expect(decideOn(moved, offsetCommit, 8, asked, nowhere)).toEqual({
      kind: 'ask',
      question: { kind: 'coordinator', of: 'group', keys: ['billing'], cluster: 'source' },
    })
  })
})

describe('OffsetFetch', () => {
  type Asked = readonly string[] | null
  interface Kept {
    readonly name: string
    readonly committedOffset: bigint
  }
  /** What each cluster keeps for every group. */
  const kept: Record<string, readonly Kept[]> = {
    source: [
      { name: 'orders', committedOffset: 90n },
      { name: 'bills', committedOffset: 9n },
    ],
    target: [{ name: 'orders-v2', committedOffset: 27n }],
  }

  const fetched = (
    version: number,
    groups: Readonly<Record<string, Asked>>,
    table = moved,
    keeps = kept,
  ) => {
    const named = (names: Asked) =>
      names?.map((name) => ({ name, topicId: topicIdOf(name), partitionIndexes: [0] })) ?? null
    const list = Object.entries(groups).map(([groupId, names]) => ({
      groupId,
      topics: named(names),
      ...(version >= 9 ? { memberId: 'member', memberEpoch: 5 } : {}),
    }))
    const body =
      version >= 8
        ? { groups: list }
        : { groupId: list[0]?.groupId ?? '', topics: list[0]?.topics ?? null }
    const idOf = (cluster: string, name: string) =>
      cluster === 'source' ? topicIdOf(name) : targetIdOf(name)
    const { parts, answer } = translate(table, offsetFetch, version, body, (part) => {
      const answerGroup = (asked: {
        topics: readonly { name: string; topicId: string }[] | null
      }) =>
        keeps[part.cluster]
          ?.filter(
            ({ name }) =>
              asked.topics === null ||
              asked.topics.some((topic) =>
                version >= 10 ? topic.topicId === idOf(part.cluster, name) : topic.name === name,
              ),
          )
          .map(({ name, committedOffset }) => ({
            name,
            topicId: idOf(part.cluster, name),
            partitions: [
              {
                partitionIndex: 0,
                committedOffset,
                committedLeaderEpoch: version >= 5 ? 4 : -1,
                metadata: '',
                errorCode: 0,
              },
            ],
          })) ?? []
      if (version < 8) {
        const topics = part.body.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null
        return { topics: answerGroup({ topics }), errorCode: 0 }
      }
      return {
        groups: part.body.groups.map((group) => ({
          groupId: group.groupId,
          errorCode: 0,
          topics: answerGroup(group),
        })),
      }
    })
    const [only = ''] = Object.keys(groups)
    const answered = version >= 8 ? answer.groups : [{ groupId: only, topics: answer.topics }]
    const shown = answered.flatMap(({ groupId, topics }) =>
      topics.map((topic) => {
        const name =
          version >= 10 && 'topicId' in topic
            ? (['orders', 'bills'].find((each) => topicIdOf(each) === topic.topicId) ??
              topic.topicId)
            : topic.name
        const [partition] = topic.partitions
        return [groupId, name, partition?.committedOffset, partition?.committedLeaderEpoch]
      }),
    )
    return { parts, shown }
  }

  const epochIn = (version: number, epoch: number): number => (version >= 5 ? epoch : -1)

  test.each([5, 7, 8, 10])('v%i: on the source, what moves has no leader epochs', (version) => {
    const { parts, shown } = fetched(version, { audit: ['orders', 'bills'] })
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['source', 3]])
    expect(shown).toEqual([
      ['audit', 'orders', 90n, -1],
      ['audit', 'bills', 9n, 4],
    ])
  })

  test.each(versionsOf(offsetFetch))('v%i: a group that has moved', (version) => {
    const { parts, shown } = fetched(version, { billing: ['orders', 'bills'] })
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['target', 12],
      ['source', 3],
    ])
    expect(shown).toEqual([
      ['billing', 'orders', 27n + shift, -1],
      ['billing', 'bills', 9n, epochIn(version, 4)],
    ])
    if (version >= 9) {
      expect(parts.map(({ body }) => body.groups[0]?.memberId)).toEqual(['member', null])
    }
  })

  test.each([2, 7, 8, 10])('v%i: every topic of a group that has moved', (version) => {
    const { shown } = fetched(version, { billing: null })
    expect(shown).toEqual([
      ['billing', 'orders', 27n + shift, -1],
      ['billing', 'bills', 9n, epochIn(version, 4)],
    ])
  })

  test.each([
    [-1n, -1n],
    [2n, sourceEnd],
  ])('the target keeps %d: clients see %d', (committedOffset, wanted) => {
    const keeps = { target: [{ name: 'orders-v2', committedOffset }] }
    expect(fetched(8, { billing: ['orders'] }, moved, keeps).shown[0]?.[2]).toBe(wanted)
  })

  test('several groups, each where it lives', () => {
    const { parts, shown } = fetched(8, { audit: ['orders'], billing: ['orders'] })
    const asked = parts.map(({ cluster, body }) => [cluster, body.groups.map((g) => g.groupId)])
    expect(asked).toEqual([
      ['source', ['audit']],
      ['target', ['billing']],
    ])
    expect(shown).toEqual([
      ['audit', 'orders', 90n, -1],
      ['billing', 'orders', 27n + shift, -1],
    ])
  })

  test('the source is not asked once everything has moved', () => {
    const { parts } = fetched(8, { billing: null }, done)
    expect(parts.map(({ cluster }) => cluster)).toEqual(['target'])
    const named = fetched(8, { billing: ['orders', 'bills'] }, done)
    expect(named.parts.map(({ cluster }) => cluster)).toEqual(['target'])
  })
})

describe('InitProducerId', () => {
  const asked = { transactionalId: null, transactionTimeoutMs: 1 }

  test.each(versionsOf(initProducerId))('v%i: ids of the target carry its tag', (version) => {
    const { parts, answer } = translate(moved, initProducerId, version, asked, () => ({
      throttleTimeMs: 0,
      errorCode: 0,
      producerId: 7n,
      producerEpoch: 0,
    }))
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([['target', -1]])
    expect(answer).toMatchObject({ errorCode: 0, producerId: 7n + 2n ** 50n, producerEpoch: 0 })
  })

  test('an error carries no id', () => {
    const failed = { throttleTimeMs: 0, errorCode: 15, producerId: -1n, producerEpoch: -1 }
    const { answer } = translate(moved, initProducerId, 4, asked, () => failed)
    expect(answer).toMatchObject(failed)
  })

  test('the source issues them until the splice', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, initProducerId, 4, asked)).toEqual({ kind: 'forward', to: 'any' })
  })

  test('transactional ids go to their coordinator', () => {
    const transactional = { ...asked, transactionalId: 'payments' }
    expect(decideOn(moved, initProducerId, 4, transactional, everywhere).kind).toBe('forward')
  })
})
