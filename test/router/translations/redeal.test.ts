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

describe('where members keep partitions through the rebalance', () => {
  const topics = ['orders']
  const dealt = (
    owned: Readonly<Record<string, readonly number[]>>,
    given: Readonly<Record<string, readonly number[]>>,
  ) => {
    const said = Object.entries(owned).map(
      ([id, of]) => [id, { topics, owned: { orders: of } }] as const,
    )
    const payloads = Object.entries(given).map(
      ([id, of]) => [id, assignment({ orders: of })] as const,
    )
    const shares = dealtOf(sync(Object.fromEntries(said), Object.fromEntries(payloads)))
    return Object.fromEntries(Object.entries(shares).map(([id, { orders }]) => [id, orders ?? []]))
  }

  test('a leader deals as it likes, unless somebody would be idle', () => {
    const uneven = { a: [2, 3, 4], b: [0, 1] }
    expect(dealt({ a: [2, 3, 4], b: [] }, uneven)).not.toEqual(uneven)
    const some = { a: [2, 3], b: [4, 0], c: [1] }
    expect(dealt({ a: [2, 3], b: [4] }, { a: [2, 3], b: [4, 0] })).toEqual({ a: [2, 3], b: [4, 0] })
    expect(dealt({ a: [2, 3], b: [4], c: [] }, some)).not.toEqual(some)
  })

  test('what nobody keeps goes to who would be idle at once', () => {
    const owned = { a: [4], b: [2], c: [] }
    // Partition 3 was that of a member that has left.
    expect(dealt(owned, { a: [3, 4], b: [2], c: [0, 1] })).toEqual({ a: [4], b: [2], c: [0, 1, 3] })
  })

  test('what another one keeps is given to nobody, until that has lost it', () => {
    const first = dealt({ a: [2, 3], b: [4], c: [] }, { a: [2, 3], b: [4, 0], c: [1] })
    expect(first).toEqual({ a: [2], b: [4, 0], c: [1] })
    const next = dealt({ a: [2], b: [4], c: [] }, { a: [2, 3], b: [4, 0], c: [1] })
    expect(next).toEqual({ a: [2], b: [4, 0], c: [1, 3] })
  })

  test('what two of them claim stays with whom the leader gives it to', () => {
    const owned = { a: [2, 3], b: [3], c: [] }
    expect(dealt(owned, { a: [2], b: [3, 4], c: [0, 1] })).toEqual({ a: [2], b: [3], c: [0, 1, 4] })
  })

  /** As the sticky assignors do: everybody keeps what it has, the rest goes to who has least. */
  const sticky = (owned: ReadonlyMap<string, readonly number[]>, all: readonly number[]) => {
    const shares = new Map([...owned].map(([id, of]) => [id, [...of]]))
    const left = all.filter((each) => ![...owned.values()].flat().includes(each))
    for (const partition of left) {
      const [least] = [...shares.values()].toSorted((a, b) => a.length - b.length)
      least?.push(partition)
    }
    return shares
  }

  test('nobody stays idle, and nobody is given what another one keeps', () => {
    const ids = ['a', 'b', 'c', 'd']
    const holders = fc.array(fc.option(fc.constantFrom(...ids)), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(holders, fc.integer({ min: 1, max: 4 }), (held, count) => {
        const members = ids.slice(0, count)
        let owned = new Map(
          members.map((id) => [id, [2, 3, 4].filter((_, i) => held[i] === id)] as const),
        )
        for (let round = 0; round < 3; round++) {
          const given = sticky(owned, [0, 1, 2, 3, 4])
          const shares = dealt(Object.fromEntries(owned), Object.fromEntries(given))
          const next = members.map((id) => [id, (shares[id] ?? []).filter((p) => p >= 2)] as const)
          for (const [id, gets] of next) {
            const others = [...owned].filter(([other]) => other !== id).flatMap(([, of]) => of)
            expect(gets.filter((partition) => others.includes(partition))).toEqual([])
          }
          owned = new Map(next)
        }
        expect([...owned.values()].flat().toSorted()).toEqual([2, 3, 4])
        const idle = [...owned.values()].filter(({ length }) => length === 0).length
        expect(idle).toBe(Math.max(0, count - 3))
      }),
    )
  })
})

test('a leader deals as it likes where members say what we cannot read', () => {
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
