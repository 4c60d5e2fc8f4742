import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeAssignment,
  decodeStickyUserData,
  encodeAssignment,
  encodeStickyUserData,
  encodeSubscription,
} from '../../../src/protocol/index.ts'
import { isRedealt, redealt, subscribersOf } from '../../../src/router/index.ts'
import { deal } from '../../../src/router/translations/redeal.ts'
import { parallelTable } from './given.ts'

/** `orders` is 0 and 1 of the source, then 2, 3 and 4. */
const { view } = parallelTable({ groups: new Map([['billing', 'target']]) })
const groupId = 'billing'
const generationId = 7

type ByTopic = Readonly<Record<string, readonly number[]>>
const partitionsIn = (of: ByTopic) =>
  Object.entries(of).map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
const assignment = (given: ByTopic, version = 0) =>
  encodeAssignment(version, { assignedPartitions: partitionsIn(given) })

type Said = { readonly topics: readonly string[]; readonly owned?: ByTopic }

/** What the leader is told of the members, and what it assigns. */
function sync(said: Readonly<Record<string, Said>>, given: Readonly<Record<string, Buffer>>) {
  const members = Object.entries(said).map(([memberId, { topics, owned = {} }]) => ({
    ...{ memberId, groupInstanceId: null },
    metadata: encodeSubscription(1, { topics: [...topics], ownedPartitions: partitionsIn(owned) }),
  }))
  const subscribers = subscribersOf({ ...joining, groupId }, { ...joined, members })
  const assignments = Object.entries(given).map(([memberId, each]) => ({
    memberId,
    assignment: each,
  }))
  return { subscribers, asked: { ...syncing, assignments } }
}
const joining = {
  ...{ groupId, sessionTimeoutMs: 1, rebalanceTimeoutMs: 1, memberId: 'a', groupInstanceId: null },
  ...{ protocolType: 'consumer', protocols: [], reason: null },
}
const joined = {
  ...{ throttleTimeMs: 0, errorCode: 0, generationId, protocolType: null, protocolName: 'range' },
  ...{ leader: 'a', skipAssignment: false, memberId: 'a' },
}
const syncing = {
  ...{ groupId, generationId, memberId: 'a', groupInstanceId: null },
  ...{ protocolType: null, protocolName: null },
}

function dealtOf({ subscribers, asked }: ReturnType<typeof sync>) {
  if (subscribers === undefined) throw new Error('the leader deals as it likes')
  const { assignments } = redealt(view, subscribers, asked)
  return Object.fromEntries(
    assignments.map((each) => [
      each.memberId,
      Object.fromEntries(
        decodeAssignment(each.assignment).message.assignedPartitions.map((of) => [
          of.topic,
          of.partitions,
        ]),
      ),
    ]),
  )
}

describe('a deal', () => {
  const members = fc.uniqueArray(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 9 })
  const dealing = fc
    .record({ members, count: fc.integer({ min: 0, max: 40 }), first: fc.nat(9) })
    .chain(({ members: ids, count, first }) =>
      fc
        .array(fc.option(fc.nat(ids.length - 1), { freq: 4 }), {
          minLength: count,
          maxLength: count,
        })
        .map((holders) => {
          const all = holders.map((_, i) => first + i)
          const held = new Map(
            ids.map((id, i) => [id, all.filter((_each, at) => holders[at] === i)]),
          )
          return { held, all }
        }),
    )

  test('gives everything once, in shares that differ by one at the most', () => {
    fc.assert(
      fc.property(dealing, ({ held, all }) => {
        const dealt = deal(held, all)
        expect([...dealt.keys()].toSorted()).toEqual([...held.keys()].toSorted())
        expect([...dealt.values()].flat().toSorted((a, b) => a - b)).toEqual(all)
        const sizes = [...dealt.values()].map(({ length }) => length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('moves no more than it must', () => {
    fc.assert(
      fc.property(dealing, ({ held, all }) => {
        const share = Math.floor(all.length / held.size)
        const larger = all.length % held.size
        const least = [...held.values()]
          .map(({ length }) => length)
          .toSorted((a, b) => b - a)
          .reduce((sum, has, i) => sum + Math.max(0, has - share - (i < larger ? 1 : 0)), 0)
        const dealt = deal(held, all)
        const moved = [...held].flatMap(([memberId, has]) =>
          has.filter((each) => !dealt.get(memberId)?.includes(each)),
        )
        expect(moved).toHaveLength(least)
      }),
    )
  })

  test('is the same whatever the order of the members', () => {
    fc.assert(
      fc.property(dealing, ({ held, all }) => {
        const other = deal(new Map([...held].reverse()), all)
        for (const [memberId, has] of deal(held, all)) expect(other.get(memberId)).toEqual(has)
      }),
    )
  })

  test('is the same again when it is dealt once more', () => {
    fc.assert(
      fc.property(dealing, fc.array(fc.nat(9), { minLength: 9 }), ({ held, all }, some) => {
        const loads = new Map([...held.keys()].map((id, i) => [id, some[i] ?? 0]))
        const dealt = deal(held, all, loads)
        for (const [id, has] of deal(dealt, all, loads)) expect(has).toEqual(dealt.get(id))
      }),
    )
  })

  test('gives the larger shares to those who have least otherwise', () => {
    const held = new Map([
      ['a', [2, 3]],
      ['b', [4]],
    ])
    expect(Object.fromEntries(deal(held, [2, 3, 4]))).toEqual({ a: [2, 3], b: [4] })
    const loads = new Map([['a', 1]])
    expect(Object.fromEntries(deal(held, [2, 3, 4], loads))).toEqual({ a: [2], b: [4, 3] })
  })

  test('gives once what two of them have', () => {
    const held = new Map([
      ['b', [2, 3]],
      ['a', [2, 9]],
    ])
    expect(Object.fromEntries(deal(held, [2, 3]))).toEqual({ a: [2], b: [3] })
  })
})

const both = { a: { topics: ['orders', 'x'] }, b: { topics: ['orders'] } }

test.each<
  [
    string,
    Readonly<Record<string, Said>>,
    Readonly<Record<string, ByTopic>>,
    Readonly<Record<string, ByTopic>>,
  ]
>([
  [
    'range: the first has only the source’s',
    { ...both, c: { topics: ['orders'] } },
    { a: { orders: [0, 1], x: [0] }, b: { orders: [2, 3] }, c: { orders: [4] } },
    { a: { x: [0], orders: [0, 1, 3] }, b: { orders: [2] }, c: { orders: [4] } },
  ],
  [
    'even already',
    both,
    { a: { orders: [0, 2, 4] }, b: { orders: [1, 3] } },
    { a: { orders: [0, 2, 4] }, b: { orders: [1, 3] } },
  ],
  [
    'who does not subscribe to it gets nothing of it',
    { ...both, c: { topics: ['x'] } },
    { a: { orders: [0] }, b: { orders: [1] }, c: { x: [0], orders: [2, 3, 4] } },
    { a: { orders: [0, 2, 3] }, b: { orders: [1, 4] }, c: { x: [0] } },
  ],
  [
    'a leader that knows of some of them only',
    both,
    { a: { orders: [0, 1] }, b: { orders: [2, 3] } },
    { a: { orders: [0, 1, 3] }, b: { orders: [2] } },
  ],
  [
    'kafkajs names only those to whom it gives something',
    both,
    { a: { orders: [2, 3, 4] } },
    { a: { orders: [2, 3] }, b: { orders: [4] } },
  ],
  ['an ordered topic is the leader’s to deal', both, { a: { x: [0, 1], orders: [2, 3, 4] } }, { a: { x: [0, 1], orders: [2, 3] }, b: { orders: [4] } }], // prettier-ignore
  ['nobody subscribes to it', { a: { topics: ['x'] } }, { a: { x: [0, 1] } }, { a: { x: [0, 1] } }],
])('%s', (_what, said, given, expected) => {
  const payloads = Object.entries(given).map(([id, of]) => [id, assignment(of)] as const)
  expect(dealtOf(sync(said, Object.fromEntries(payloads)))).toEqual(expected)
})

test.each([0, 1, 2, 3])(
  'assignments of v%i stay of that version, as they are if nothing changes',
  (version) => {
    const uneven = { a: assignment({ orders: [0, 1, 2, 3, 4] }, version), b: Buffer.alloc(0) }
    const { subscribers, asked } = sync(both, uneven)
    if (subscribers === undefined) throw new Error('the leader deals as it likes')
    const { assignments } = redealt(view, subscribers, asked)
    expect(assignments.map((each) => each.assignment.readInt16BE(0))).toEqual([version, version])
    const even = sync(both, { a: assignment({ orders: [2] }), b: assignment({ orders: [3, 4] }) })
    expect(redealt(view, subscribers, even.asked)).toBe(even.asked)
  },
)

test('what sarama remembers of an assignment is what it gets', () => {
  const assignedPartitions = partitionsIn({ orders: [0, 1, 2, 3, 4] })
  const message = { previousAssignment: assignedPartitions, generation: 7 }
  const userData = encodeStickyUserData({ version: 1, message })
  const { subscribers, asked } = sync(both, { a: encodeAssignment(0, { assignedPartitions, userData }) }) // prettier-ignore
  if (subscribers === undefined) throw new Error('the leader deals as it likes')
  const [first] = redealt(view, subscribers, asked).assignments
  const { message: given } = decodeAssignment(first?.assignment ?? Buffer.alloc(0))
  expect(given.assignedPartitions).toEqual(partitionsIn({ orders: [0, 1, 2, 3] }))
  expect(given.userData && decodeStickyUserData(given.userData)?.message).toEqual({
    previousAssignment: given.assignedPartitions,
    generation: 7,
  })
})

test('a leader deals as it likes while members keep partitions through the rebalance, or say what we cannot read', () => {
  const owning = sync({ ...both, c: { topics: ['orders'], owned: { x: [1] } } }, {})
  expect(owning.subscribers).toBeUndefined()
  expect(sync({ ...both, c: { topics: ['orders'], owned: { x: [] } } }, {}).subscribers).toBeDefined() // prettier-ignore
  expect(sync({}, {}).subscribers).toBeUndefined()
  const members = [{ memberId: 'a', groupInstanceId: null, metadata: Buffer.from([0]) }]
  expect(subscribersOf(joining, { ...joined, members })).toBeUndefined()
  const odd = sync(both, { a: Buffer.from([0, 9]) })
  expect(odd.subscribers && redealt(view, odd.subscribers, odd.asked)).toBe(odd.asked)
})

test('what a leader was told counts for that generation of that group', () => {
  const { subscribers, asked } = sync(both, { a: assignment({ orders: [2, 3, 4] }) })
  if (subscribers === undefined) throw new Error('the leader deals as it likes')
  for (const later of [{ generationId: 8 }, { groupId: 'audit' }]) {
    const other = { ...asked, ...later }
    expect(redealt(view, subscribers, other)).toBe(other)
  }
})

test('of consumers that have moved, while some topic is unordered', () => {
  expect(isRedealt(view, joining)).toBe(true)
  expect(isRedealt(view, { ...joining, protocolType: 'connect' })).toBe(false)
  expect(isRedealt({ ...view, groups: new Map() }, joining)).toBe(false)
  expect(isRedealt({ ...view, topics: new Map() }, joining)).toBe(false)
})
