import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  emptyTopology,
  learnMetadata,
  type MetadataScope,
  type Topology,
} from '../../src/cluster/index.ts'
import { nodeId } from '../../src/ids.ts'
import { metadata, uuid, type Answered, type AnsweredTopic } from './given.ts'

/** The snapshot after these answers, each of which lists every topic. */
const after = (...answers: readonly Answered[]): Topology =>
  answers.reduce<Topology>(
    (known, answer) => learnMetadata(known, metadata(answer), 'every-topic'),
    emptyTopology,
  )
const then = (known: Topology, answer: Answered, scope: MetadataScope = 'asked-topics'): Topology =>
  learnMetadata(known, metadata(answer), scope)
const leaderOf = (topology: Topology, topic = 'orders', partition = 0) => {
  const known = topology.topics.get(topic)?.partitions[partition]
  return known === undefined ? undefined : [known.leader, known.leaderEpoch]
}
const orders = (partition: readonly [number, number, ...number[]], id?: string): Answered => ({
  topics: { orders: { ...(id === undefined ? {} : { id }), partitions: { 0: partition } } },
})

describe('a leader', () => {
  test.each([
    { name: 'with a higher epoch is believed', first: [1, 5], second: [2, 6], wanted: [2, 6] },
    { name: 'with the same epoch is believed', first: [1, 5], second: [2, 5], wanted: [2, 5] },
    { name: 'with a lower epoch is not', first: [1, 5], second: [2, 4], wanted: [1, 5] },
    { name: 'without an epoch is (old brokers)', first: [1, -1], second: [2, -1], wanted: [2, -1] },
    { name: 'that is none now is believed', first: [1, 5], second: [-1, 6], wanted: [-1, 6] },
  ] as const)('$name', ({ first, second, wanted }) => {
    expect(leaderOf(then(after(orders(first)), orders(second)))).toEqual(wanted)
  })

  test('is believed by partition: one may lag behind while the other is new', () => {
    const known = after({ topics: { orders: { partitions: { 0: [1, 5], 1: [1, 5] } } } })
    const next = then(known, { topics: { orders: { partitions: { 0: [2, 4], 1: [2, 6] } } } })
    expect([leaderOf(next, 'orders', 0), leaderOf(next, 'orders', 1)]).toEqual([
      [1, 5],
      [2, 6],
    ])
  })
})

describe('a topic', () => {
  test('that is not listed any more is gone, if every topic is listed', () => {
    const known = after({ topics: { orders: { partitions: { 0: [1, 1] } }, bills: {} } })
    expect([...then(known, { topics: { bills: {} } }, 'every-topic').topics.keys()]).toEqual([
      'bills',
    ])
    expect(then(known, { topics: { bills: {} } }).topics.has('orders')).toBe(true)
  })

  test('that is unknown to who was asked for it is gone; any other error tells nothing', () => {
    const known = after(orders([1, 1]))
    const error = (code: number) => then(known, { topics: { orders: { error: code } } })
    expect(error(3).topics.has('orders')).toBe(false)
    for (const code of [5, 29, 72]) expect(error(code)).toBe(known)
  })

  test('that is answered with an error for all topics stays', () => {
    const known = after(orders([1, 1]))
    expect(then(known, { topics: { orders: { error: 5 } } }, 'every-topic')).toBe(known)
  })

  test('that was deleted is not found by its id any more', () => {
    const known = after(orders([1, 1], 'a'))
    expect(known.topicNames.get(uuid('a'))).toBe('orders')
    for (const gone of [
      then(known, {}, 'every-topic'),
      then(known, { topics: { orders: { error: 3 } } }),
    ]) {
      expect(gone.topicNames.has(uuid('a'))).toBe(false)
      expect(gone.topicNames.size).toBe(0)
    }
  })

  test('that was created anew has a new id, and epochs begin again', () => {
    const known = after(orders([1, 9], 'a'))
    const next = then(known, orders([2, 0], 'b'))
    expect(leaderOf(next)).toEqual([2, 0])
    expect([...next.topicNames]).toEqual([[uuid('b'), 'orders']])
  })

  test('keeps its id when somebody does not tell it (before 2.8)', () => {
    const known = after(orders([1, 3], 'a'))
    const next = then(known, orders([2, 4]))
    expect(next.topics.get('orders')?.topicId).toBe(uuid('a'))
    expect(next.topicNames.get(uuid('a'))).toBe('orders')
    expect(leaderOf(next)).toEqual([2, 4])
  })

  test('gets its id when somebody tells it at last, and its epochs hold', () => {
    const next = then(after(orders([1, 9])), orders([2, 3], 'a'))
    expect(next.topics.get('orders')?.topicId).toBe(uuid('a'))
    expect(next.topicNames.get(uuid('a'))).toBe('orders')
    expect(leaderOf(next)).toEqual([1, 9])
  })

  test('grows and, created anew, shrinks', () => {
    const two: AnsweredTopic = { id: 'a', partitions: { 0: [1, 1], 1: [2, 1] } }
    const known = after({ topics: { orders: two } })
    expect(known.topics.get('orders')?.partitions).toHaveLength(2)
    const grown = then(known, {
      topics: { orders: { ...two, partitions: { ...two.partitions, 2: [1, 1] } } },
    })
    expect(grown.topics.get('orders')?.partitions).toHaveLength(3)
    const shrunk = then(grown, { topics: { orders: { id: 'b', partitions: { 0: [1, 0] } } } })
    expect(shrunk.topics.get('orders')?.partitions).toHaveLength(1)
  })

  test('with a gap among its partitions has a gap', () => {
    const known = after({ topics: { orders: { partitions: { 2: [1, 1] } } } })
    expect(known.topics.get('orders')?.partitions).toHaveLength(3)
    expect(leaderOf(known, 'orders', 0)).toBeUndefined()
    expect(leaderOf(known, 'orders', 2)).toEqual([1, 1])
  })

  test('without a name (asked for by an id that is unknown) tells nothing', () => {
    const known = after(orders([1, 1]))
    const answer = metadata({})
    const nameless = {
      errorCode: 100,
      name: null,
      topicId: uuid('x'),
      isInternal: false,
      partitions: [],
    }
    const topics = [{ ...nameless, topicAuthorizedOperations: 0 }]
    expect(learnMetadata(known, { ...answer, topics }, 'asked-topics')).toBe(known)
  })
})

describe('brokers', () => {
  test('are those of the last answer', () => {
    const next = after({ brokers: [1, 2] }, { brokers: [2, 3] })
    expect([...next.brokers.keys()]).toEqual([2, 3])
  })

  test('are kept when a broker that is still starting names none', () => {
    const known = after({ brokers: [1, 2] })
    expect(then(known, { brokers: [] })).toBe(known)
  })

  test.each([{ host: 'elsewhere' }, { port: 9093 }, { rack: 'r1' }])(
    'that moved are new: %o',
    (change) => {
      const known = after({ brokers: [1, 2] })
      const next = then(known, { brokers: [1, { id: 2, ...change }] })
      expect(next).not.toBe(known)
      expect(next.brokers.get(nodeId(2))).toMatchObject(change)
    },
  )

  test('in another order are the same', () => {
    const known = after({ brokers: [1, 2] })
    expect(then(known, { brokers: [2, 1] })).toBe(known)
  })
})

describe('the cluster', () => {
  test('keeps the id and the controller that somebody does not tell', () => {
    const known = after({ clusterId: 'c', controllerId: 2 })
    const next = then(known, { clusterId: null, controllerId: -1 })
    expect(next).toBe(known)
    expect([next.clusterId, next.controllerId]).toEqual(['c', 2])
  })

  test('has the controller of the last answer', () => {
    expect(after({ controllerId: 2 }, { controllerId: 1 }).controllerId).toBe(1)
  })
})

const topic: fc.Arbitrary<AnsweredTopic> = fc.record(
  {
    id: fc.constantFrom('a', 'b'),
    error: fc.constantFrom(0, 0, 0, 3, 5),
    partitions: fc.dictionary(
      fc.constantFrom('0', '1', '3'),
      fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 4 }), fc.nat(3)),
    ),
  },
  { requiredKeys: ['error', 'partitions'] },
)
const answer: fc.Arbitrary<Answered> = fc.record({
  brokers: fc.uniqueArray(fc.integer({ min: 1, max: 4 })),
  clusterId: fc.constantFrom('c', null),
  controllerId: fc.integer({ min: -1, max: 3 }),
  // An id belongs to one topic.
  topics: fc
    .dictionary(fc.constantFrom('orders', 'bills'), topic)
    .map((topics) =>
      Object.fromEntries(
        Object.entries(topics).map(([name, { id, ...rest }]) => [
          name,
          id === undefined ? rest : { ...rest, id: `${name}-${id}` },
        ]),
      ),
    ),
})
const scope = fc.constantFrom<MetadataScope>('every-topic', 'asked-topics')
const history = fc.array(fc.tuple(answer, scope), { maxLength: 6 })
const learn = (answers: readonly (readonly [Answered, MetadataScope])[]): Topology =>
  answers.reduce<Topology>((known, [each, of]) => then(known, each, of), emptyTopology)

describe('laws', () => {
  test('an answer heard twice tells nothing the second time', () => {
    fc.assert(
      fc.property(history, answer, scope, (before, last, of) => {
        const once = then(learn(before), last, of)
        expect(then(once, last, of)).toBe(once)
      }),
      { numRuns: 1000 },
    )
  })

  test('a snapshot never changes, and what did not change is shared', () => {
    fc.assert(
      fc.property(history, answer, scope, (before, last, of) => {
        const known = learn(before)
        const copy = structuredClone(known)
        const next = then(known, last, of)
        expect(known).toEqual(copy)
        for (const [name, each] of next.topics) {
          const old = known.topics.get(name)
          if (old !== undefined && old !== each) expect(each).not.toEqual(old)
        }
      }),
      { numRuns: 500 },
    )
  })

  test("ids and names are each other's inverse", () => {
    fc.assert(
      fc.property(history, (answers) => {
        const { topics, topicNames } = learn(answers)
        for (const [name, { topicId }] of topics) {
          if (topicId !== null) expect(topicNames.get(topicId)).toBe(name)
        }
        for (const [topicId, name] of topicNames) expect(topics.get(name)?.topicId).toBe(topicId)
      }),
      { numRuns: 500 },
    )
  })

  test('while a topic keeps its id, epochs of a partition only rise', () => {
    fc.assert(
      fc.property(history, answer, scope, (before, last, of) => {
        const known = learn(before)
        const next = then(known, last, of)
        for (const [name, { topicId, partitions }] of next.topics) {
          const old = known.topics.get(name)
          if (old === undefined || (old.topicId !== null && old.topicId !== topicId)) continue
          partitions.forEach((partition, i) => {
            const was = old.partitions[i]
            if (was === undefined || partition === undefined || partition.leaderEpoch < 0) return
            expect(partition.leaderEpoch).toBeGreaterThanOrEqual(was.leaderEpoch)
          })
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('brokers never vanish altogether', () => {
    fc.assert(
      fc.property(history, answer, scope, (before, last, of) => {
        const known = learn(before)
        if (known.brokers.size > 0) expect(then(known, last, of).brokers.size).toBeGreaterThan(0)
      }),
    )
  })
})
