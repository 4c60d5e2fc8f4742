import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import { decideOn, movedTable, nowhere, translate } from './given.ts'

const moved = movedTable({ view: { groups: new Map([['billing', 'target']]) } })
const { joinGroup, syncGroup, describeGroups, deleteGroups } = apis

const subscription = (topic: string) =>
  encodeSubscription(1, { topics: [topic, 'x'], ownedPartitions: [{ topic, partitions: [0] }] })
const assignment = (topic: string) =>
  encodeAssignment(1, { assignedPartitions: [{ topic, partitions: [0, 1] }] })
const subscribed = (payload: Buffer | undefined) => {
  const { message } = decodeSubscription(payload ?? Buffer.alloc(0))
  return [message.topics, message.ownedPartitions.map(({ topic }) => topic)]
}
const assigned = (payload: Buffer | undefined) =>
  decodeAssignment(payload ?? Buffer.alloc(0)).message.assignedPartitions

test.each(versionsOf(joinGroup))('JoinGroup v%i: subscriptions by the names there', (version) => {
  const opaque = Buffer.from([0, 9])
  const { parts, answer } = translate(
    moved,
    joinGroup,
    version,
    {
      groupId: 'billing',
      sessionTimeoutMs: 5,
      memberId: 'a',
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata: subscription('orders') },
        { name: 'own', metadata: opaque },
      ],
    },
    ({ body }) => ({
      errorCode: 0,
      protocolName: 'range',
      leader: 'a',
      memberId: 'a',
      members: body.protocols.map(({ metadata }) => ({ memberId: 'a', metadata })),
    }),
  )
  expect(parts).toMatchObject([{ cluster: 'target', node: 12, body: { memberId: 'a' } }])
  const asked = parts[0]?.body.protocols.map(({ metadata }) => metadata) ?? []
  expect(subscribed(asked[0])).toEqual([['orders-v2', 'x'], ['orders-v2']])
  expect(asked[1]).toEqual(opaque)
  expect(subscribed(answer.members[0]?.metadata)).toEqual([['orders', 'x'], ['orders']])
})

test.each(versionsOf(syncGroup))('SyncGroup v%i: assignments by the names there', (version) => {
  const { parts, answer } = translate(
    moved,
    syncGroup,
    version,
    {
      groupId: 'billing',
      generationId: 1,
      memberId: 'a',
      assignments: [
        { memberId: 'a', assignment: assignment('orders') },
        { memberId: 'b', assignment: Buffer.alloc(0) },
      ],
    },
    ({ body }) => ({
      errorCode: 0,
      assignment: body.assignments[0]?.assignment ?? Buffer.alloc(0),
    }),
  )
  const [mine, none] = parts[0]?.body.assignments ?? []
  expect(assigned(mine?.assignment)).toMatchObject([{ topic: 'orders-v2', partitions: [0, 1] }])
  expect(none?.assignment).toHaveLength(0)
  expect(assigned(answer.assignment)).toMatchObject([{ topic: 'orders', partitions: [0, 1] }])
})

test('members of a group on the source pass as they are', () => {
  const asked = { groupId: 'audit', generationId: 1, memberId: 'a', assignments: [] }
  expect(decideOn(moved, syncGroup, 3, asked)).toMatchObject({ kind: 'forward' })
})

describe('groups by their places', () => {
  test.each(versionsOf(describeGroups))('DescribeGroups v%i', (version) => {
    const { parts, answer } = translate(
      moved,
      describeGroups,
      version,
      { groups: ['audit', 'billing'] },
      ({ cluster, body }) => ({
        groups: body.groups.map((groupId) => ({
          errorCode: 0,
          groupId,
          groupState: 'Stable',
          protocolType: 'consumer',
          protocolData: 'range',
          members: [
            {
              memberId: 'a',
              clientId: 'c',
              clientHost: 'h',
              memberMetadata: subscription(cluster === 'target' ? 'orders-v2' : 'orders'),
              memberAssignment: assignment(cluster === 'target' ? 'orders-v2' : 'orders'),
            },
          ],
        })),
      }),
    )
    expect(parts.map(({ cluster, body }) => [cluster, body.groups])).toEqual([
      ['source', ['audit']],
      ['target', ['billing']],
    ])
    for (const { members } of answer.groups) {
      expect(subscribed(members[0]?.memberMetadata)).toEqual([['orders', 'x'], ['orders']])
      expect(assigned(members[0]?.memberAssignment)).toMatchObject([{ topic: 'orders' }])
    }
  })

  test.each(versionsOf(deleteGroups))('DeleteGroups v%i', (version) => {
    const { parts, answer } = translate(
      moved,
      deleteGroups,
      version,
      { groupsNames: ['billing', 'audit'] },
      ({ body }) => ({
        throttleTimeMs: 0,
        results: body.groupsNames.map((groupId) => ({ groupId, errorCode: 0 })),
      }),
    )
    expect(parts.map(({ cluster }) => cluster)).toEqual(['target', 'source'])
    expect(answer.results.map(({ groupId }) => groupId)).toEqual(['billing', 'audit'])
  })

  test('coordinators are asked for in one cluster at a time', () => {
    const asked = { groupsNames: ['billing', 'audit', 'other'] }
    expect(decideOn(moved, deleteGroups, 1, asked, nowhere)).toEqual({
      kind: 'ask',
      question: { kind: 'coordinator', of: 'group', keys: ['billing'], cluster: 'target' },
    })
  })
})
