import { beforeEach, describe, expect, test } from 'vitest'
import { findGroups } from '../../../src/migrator/preflight/groups.ts'
import type { TopicPlan } from '../../../src/migrator/preflight/index.ts'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import { FakeCluster } from '../groups/fake-cluster.ts'
import { batch } from '../groups/world.ts'
import { join } from './given.ts'

const topics = [{ name: 'orders', targetName: 'orders', topicId: null, partitions: 2 }]
let source: FakeCluster
let target: FakeCluster

beforeEach(() => {
  source = new FakeCluster('source', () => 0)
  target = new FakeCluster('target', () => 0)
  for (const partition of [0, 1]) {
    source.logs.set(`orders ${partition}`, { start: 0n, end: 100n, records: batch(0n, 100) })
  }
  source.on(apis.listOffsets, ({ topics: asked }) => ({
    topics: asked.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        ...{ partitionIndex, errorCode: 0, offset: 100n },
      })),
    })),
  }))
  source.on(apis.offsetForLeaderEpoch, () => ({ topics: [] }))
})

function commit(name: string, topic: string, offsets: readonly bigint[]): void {
  for (const [partition, offset] of offsets.entries()) {
    const stored = { offset, leaderEpoch: -1, metadata: '' }
    source.group(name).offsets.commit(topic, partition, stored)
  }
}

/** What ListGroups says of a group whose members are, or were, of another kind. */
const list = (protocolType: string, groupType: string, groupState = 'Stable') =>
  source.on(apis.listGroups, () => ({
    errorCode: 0,
    groups: [{ groupId: 'billing', protocolType, groupType, groupState }],
  }))

const unordered = topics.map((topic) => ({ ...topic, targetPartitions: 3 }))

const find = async (plan: readonly TopicPlan[] = topics) =>
  (await findGroups(source, target, plan)).map(({ severity, subject, problem, evidence }) => {
    return `${severity} ${subject}: ${problem} (${evidence})`
  })

describe('groups', () => {
  test('that are dormant are named, with what they have left', async () => {
    commit('billing', 'orders', [60n, 100n])
    commit('audit', 'orders', [100n, 100n])
    expect(await find()).toEqual([
      'info group audit: it is dormant: it has no members, and nothing left to read (offsets on orders)',
      'warning group billing: it is dormant: the cutover waits for it in phase spliced (no members, 40 records left on orders)',
    ])
  })

  test('with members, and those of other topics, are nothing to speak of', async () => {
    commit('billing', 'orders', [60n, 100n])
    join(source, 'billing', 'app')
    commit('other', 'bills', [1n])
    expect(await find()).toEqual([])
  })

  test('that read and commit nothing may keep their offsets themselves', async () => {
    join(source, 'billing', 'app')
    join(source, 'other', 'app', 'bills')
    expect(await find()).toEqual([
      'info group billing: it has committed nothing on what it reads: it may keep its offsets itself (its members read orders)',
    ])
  })

  test('that have members on the target already', async () => {
    commit('billing', 'orders', [60n, 100n])
    join(source, 'billing', 'app')
    join(target, 'billing', 'direct')
    expect(await find()).toEqual([
      'warning group billing: it has members on the target already: it is not moved while they are there (direct at /10.0.0.3)',
    ])
  })

  test('that the target does not have are not asked for there', async () => {
    commit('billing', 'orders', [60n, 100n])
    await find()
    expect(target.asked).toEqual(['ListGroups'])
  })

  test.each([
    [
      'consumer',
      'consumer',
      'its members use the consumer protocol of KIP-848, which cannot be moved',
    ],
    ['streams', 'streams', 'its members use the streams protocol, which cannot be moved'],
    ['mine', 'classic', 'it is no consumer group, but has offsets, which would not be moved'],
  ])('of protocol type %s and type %s block', async (protocolType, groupType, problem) => {
    commit('billing', 'orders', [60n, 100n])
    list(protocolType, groupType)
    const found = await find()
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`blocking group billing: ${problem}`)
  })

  test('of workers without offsets do not concern the plan', async () => {
    list('connect', 'classic')
    expect(await find()).toEqual([])
  })

  test('of shares are named, though they commit nothing', async () => {
    list('share', 'share')
    expect(await find()).toEqual([
      'warning group billing: it is a share group, which is neither moved nor waited for (state Stable)',
    ])
  })

  test('that may not be described block; what fails otherwise is no finding', async () => {
    commit('billing', 'orders', [60n, 100n])
    const { GROUP_AUTHORIZATION_FAILED, UNKNOWN_SERVER_ERROR } = errorCodes
    let errorCode: number = GROUP_AUTHORIZATION_FAILED
    source.fault = (key) => (key === apis.offsetFetch.key ? errorCode : undefined)
    expect(await find()).toEqual([
      'blocking group billing: it may not be looked at, and so not be moved (the source answered GROUP_AUTHORIZATION_FAILED for group billing)',
    ])
    errorCode = UNKNOWN_SERVER_ERROR
    await expect(find()).rejects.toThrow('UNKNOWN_SERVER_ERROR')
  })
})

describe('groups of unordered topics', () => {
  test('with members on the target already block: they could not be given their positions', async () => {
    commit('billing', 'orders', [60n, 100n])
    join(source, 'billing', 'app')
    join(target, 'billing', 'direct')
    expect(await find(unordered)).toEqual([
      'blocking group billing: it has members on the target already, so that it cannot be given its positions on orders there (direct at /10.0.0.3)',
    ])
  })

  test('which nobody has ever joined block: assign() does not notice new partitions', async () => {
    commit('billing', 'orders', [60n, 100n])
    expect(await find(unordered)).toEqual([
      'blocking group billing: nobody has ever joined it: who reads with assign() is not given the new partitions (no protocol, and offsets on orders, which are unordered)',
    ])
  })

  test('that members of the protocol of KIP-848 have left are dormant, too', async () => {
    commit('billing', 'orders', [100n, 100n])
    list('consumer', 'Consumer', 'Empty')
    expect(await find(unordered)).toEqual([
      'info group billing: it is dormant: it has no members, and nothing left to read (offsets on orders)',
    ])
  })

  test('that have been joined, and have no members now, are dormant as ever', async () => {
    commit('billing', 'orders', [100n, 100n])
    join(source, 'billing', 'app')
    source.group('billing').leave('app', null, 0)
    expect(await find(unordered)).toEqual([
      'info group billing: it is dormant: it has no members, and nothing left to read (offsets on orders)',
    ])
  })

  test('of the protocol of KIP-848 block by what they read, committed or not', async () => {
    list('consumer', 'consumer')
    const reads = { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', topicName: 'orders', partitions: [0] }
    const told = { memberId: 'm', memberEpoch: 1, clientId: 'app', clientHost: '/h' }
    source.on(apis.consumerGroupDescribe, ({ groupIds }) => ({
      throttleTimeMs: 0,
      groups: groupIds.map((groupId) => ({
        ...{ errorCode: 0, groupId, groupState: 'Stable', groupEpoch: 1, assignmentEpoch: 1 },
        assignorName: 'uniform',
        members: [
          {
            ...{ ...told, subscribedTopicNames: [] },
            assignment: { topicPartitions: [reads] },
            targetAssignment: { topicPartitions: [] },
          },
        ],
      })),
    }))
    expect(await find(unordered)).toEqual([
      'blocking group billing: its members use the consumer protocol of KIP-848, which cannot be moved (it has members, and they read orders)',
    ])
    expect(await find()).toEqual([])
  })
})
