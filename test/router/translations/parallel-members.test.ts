/** The group protocol of groups that have moved and read unordered topics: no number of the source's is left. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeAssignment,
  decodeStickyUserData,
  decodeSubscription,
  encodeAssignment,
  encodeStickyUserData,
  encodeSubscription,
} from '../../../src/protocol/index.ts'
import type { RoutingTable } from '../../../src/router/index.ts'
import { toShownWords, toTargetWords } from '../../../src/router/translations/consumer-payloads.ts'
import { versionsOf } from '../given.ts'
import { decideOn, movedTable, parallelTable, tableOf, translate } from './given.ts'

const { joinGroup, syncGroup, describeGroups } = apis
const groups = new Map([['billing', 'target' as const]])
/** What the source has of `orders`, then what the target has. */
const n = 2

/**
 * `orders` is unordered, 2 + 3, and `orders-2` on the target; `bills` is ordered and `bills-2`, `plain` is in no
 * plan.
 */
const table: RoutingTable = (() => {
  const [orders] = parallelTable().view.topics.values()
  const [bills] = movedTable().view.topics.values()
  if (orders === undefined || bills === undefined) throw new Error('both are planned')
  const topics = new Map([
    ['orders', { ...orders, targetName: 'orders-2' }],
    ['bills', { ...bills, name: 'bills', targetName: 'bills-2' }],
  ])
  return tableOf({}, { topics, groups, spliced: true, hasTarget: true })
})()

type Owned = readonly { readonly topic: string; readonly partitions: readonly number[] }[]
const asClients: Owned = [
  { topic: 'orders', partitions: [4, 0, 2, 1] },
  { topic: 'bills', partitions: [0, 1] },
  { topic: 'plain', partitions: [0, 5] },
]
const onTarget: Owned = [
  { topic: 'orders-2', partitions: [2, 0] },
  { topic: 'bills-2', partitions: [0, 1] },
  { topic: 'plain', partitions: [0, 5] },
]
const backAgain: Owned = [{ topic: 'orders', partitions: [4, 2] }, ...asClients.slice(1)]
const nothingOfOrders: Owned = [{ topic: 'orders', partitions: [0, 1] }]

type Sticky = 0 | 1
const stickyData = (version: Sticky, previousAssignment: Owned): Buffer => {
  const message = { previousAssignment: [...previousAssignment], generation: 3 }
  return encodeStickyUserData({ version, message })
}
const subscription = (
  version: number,
  owned: Owned,
  userData: Buffer | null = stickyData(1, owned),
) =>
  encodeSubscription(version, {
    topics: asClients.map(({ topic }) => topic),
    ownedPartitions: [...owned],
    generationId: 3,
    rackId: 'r',
    userData,
  })
const assignment = (version: number, assigned: Owned, userData: Buffer | null = null) =>
  encodeAssignment(version, { assignedPartitions: [...assigned], userData })

const none: Buffer = Buffer.alloc(0)
const told = (payload = none) => {
  const { message } = decodeSubscription(payload)
  return { ...message, userData: remembered(message.userData) }
}
const given = (payload = none) => {
  const { version, message } = decodeAssignment(payload)
  return { version, ...message, userData: remembered(message.userData) }
}
const remembered = (userData: Buffer | null) =>
  userData === null ? null : decodeStickyUserData(userData)?.message

describe.each([0, 1, 2, 3])('consumer protocol v%i', (consumer) => {
  const owned = (some: Owned) => (consumer >= 1 ? some : [])
  const rest = { generationId: consumer >= 2 ? 3 : -1, rackId: consumer >= 3 ? 'r' : null }

  test.each(versionsOf(joinGroup))('JoinGroup v%i: what members own', (version) => {
    const { parts, answer } = translate(
      table,
      joinGroup,
      version,
      {
        groupId: 'billing',
        sessionTimeoutMs: 5,
        memberId: 'a',
        protocolType: 'consumer',
        protocols: [
          { name: 'sticky', metadata: subscription(consumer, asClients) },
          { name: 'range', metadata: subscription(consumer, nothingOfOrders, null) },
        ],
      },
      ({ body }) => ({
        errorCode: 0,
        protocolName: 'sticky',
        leader: 'a',
        memberId: 'a',
        members: body.protocols.map(({ metadata }) => ({ memberId: 'a', metadata })),
      }),
    )
    expect(parts).toMatchObject([{ cluster: 'target', node: 12, body: { memberId: 'a' } }])
    const [first, second] = parts[0]?.body.protocols ?? []
    const topics = onTarget.map(({ topic }) => topic)
    const previous = { previousAssignment: onTarget, generation: 3 }
    const expected = { topics, ...rest, ownedPartitions: owned(onTarget) }
    expect(told(first?.metadata)).toEqual({ ...expected, userData: previous })
    expect(told(second?.metadata)).toEqual({ ...expected, ownedPartitions: [], userData: null })
    expect(told(answer.members[0]?.metadata)).toEqual({
      topics: asClients.map(({ topic }) => topic),
      ...rest,
      ownedPartitions: owned(backAgain),
      userData: { previousAssignment: backAgain, generation: 3 },
    })
  })

  test.each(versionsOf(syncGroup))('SyncGroup v%i: what members are given', (version) => {
    const { parts, answer } = translate(
      table,
      syncGroup,
      version,
      {
        groupId: 'billing',
        generationId: 1,
        memberId: 'a',
        assignments: [
          { memberId: 'a', assignment: assignment(consumer, asClients, stickyData(1, asClients)) },
          { memberId: 'b', assignment: assignment(consumer, nothingOfOrders) },
          { memberId: 'c', assignment: none },
        ],
      },
      ({ body }) => ({ errorCode: 0, assignment: body.assignments[0]?.assignment ?? none }),
    )
    const [a, b, c] = parts[0]?.body.assignments ?? []
    expect(given(a?.assignment)).toEqual({
      version: consumer,
      assignedPartitions: onTarget,
      userData: { previousAssignment: onTarget, generation: 3 },
    })
    expect(given(b?.assignment).assignedPartitions).toEqual([])
    expect(c?.assignment).toHaveLength(0)
    expect(given(answer.assignment).assignedPartitions).toEqual(backAgain)
  })

  test.each(versionsOf(describeGroups))(
    'DescribeGroups v%i: both, for admin clients',
    (version) => {
      const { answer } = translate(table, describeGroups, version, { groups: ['billing'] }, () => ({
        groups: [
          {
            errorCode: 0,
            groupId: 'billing',
            groupState: 'Stable',
            protocolType: 'consumer',
            protocolData: 'sticky',
            members: [
              {
                ...{ memberId: 'a', clientId: 'c', clientHost: 'h' },
                memberMetadata: subscription(consumer, onTarget),
                memberAssignment: assignment(consumer, onTarget),
              },
            ],
          },
        ],
      }))
      const [member] = answer.groups[0]?.members ?? []
      expect(told(member?.memberMetadata).ownedPartitions).toEqual(owned(backAgain))
      expect(given(member?.memberAssignment).assignedPartitions).toEqual(backAgain)
    },
  )
})

test('sticky assignors of old, which remember no generation', () => {
  const { parts } = translate(
    table,
    joinGroup,
    5,
    {
      ...{ groupId: 'billing', sessionTimeoutMs: 5, memberId: 'a', protocolType: 'consumer' },
      protocols: [{ name: 'sticky', metadata: subscription(0, [], stickyData(0, asClients)) }],
    },
    () => ({ errorCode: 0, protocolName: '', leader: 'b', memberId: 'a', members: [] }),
  )
  const { userData } = decodeSubscription(parts[0]?.body.protocols[0]?.metadata ?? none).message
  expect(userData && decodeStickyUserData(userData)).toMatchObject({
    version: 0,
    message: { previousAssignment: onTarget },
  })
})

test('what is not in a known shape passes as it is, and what is spoken in other groups', () => {
  const custom = Buffer.from('my own')
  const ask = (groupId: string, protocolType: string) => ({
    ...{ groupId, sessionTimeoutMs: 5, memberId: 'a', protocolType },
    protocols: [
      { name: 'own', metadata: Buffer.from([0, 9]) },
      { name: 'mine', metadata: subscription(1, nothingOfOrders, custom) },
    ],
  })
  const decision = translate(table, joinGroup, 5, ask('billing', 'consumer'), ({ body }) => {
    expect(body.protocols[0]?.metadata).toEqual(Buffer.from([0, 9]))
    const { userData } = decodeSubscription(body.protocols[1]?.metadata ?? none).message
    expect(userData).toEqual(custom)
    return { errorCode: 0, protocolName: '', leader: 'b', memberId: 'a', members: [] }
  })
  expect(decision.parts).toHaveLength(1)
  expect(decideOn(table, joinGroup, 5, ask('audit', 'consumer')).kind).toBe('forward')
  expect(decideOn(table, joinGroup, 5, ask('billing', 'connect')).kind).toBe('forward')
})

/** A leader that is told of partitions it did not assign fails: Java's cooperative one for good. */
test.each(versionsOf(syncGroup))(
  'SyncGroup v%i: what a leader on the source assigns is as it says, and no more',
  (version) => {
    const body = {
      ...{ groupId: 'audit', memberId: 'a', generationId: 5 },
      ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
      assignments: [{ memberId: 'a', assignment: assignment(1, asClients) }],
    }
    expect(decideOn(table, syncGroup, version, body)).toMatchObject({ kind: 'forward' })
  },
)

test('what members say comes back as they said it, but for what was the source’s', () => {
  const partitions = fc.uniqueArray(fc.nat(60))
  fc.assert(
    fc.property(partitions, (shown) => {
      const native = toTargetWords(table.view)({ topic: 'orders', partitions: shown })
      expect(native.topic).toBe('orders-2')
      expect(native.partitions.every((each) => each >= 0)).toBe(true)
      const back = toShownWords(table.view)(native)
      const left = shown.filter((each) => each >= n)
      expect(back).toEqual({ topic: 'orders', partitions: left })
    }),
  )
})

test('a topic of the same name has other numbers nevertheless', () => {
  const same = parallelTable({ groups })
  const { parts } = translate(
    same,
    syncGroup,
    3,
    {
      ...{ groupId: 'billing', generationId: 1, memberId: 'a' },
      assignments: [{ memberId: 'a', assignment: assignment(0, asClients) }],
    },
    () => ({ errorCode: 0, assignment: none }),
  )
  expect(given(parts[0]?.body.assignments[0]?.assignment).assignedPartitions[0]).toEqual({
    topic: 'orders',
    partitions: [2, 0],
  })
})
