import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apis, type Api, type Fields } from '../../src/protocol/index.ts'
import { decide, routedVersions, routes, type Decision } from '../../src/router/index.ts'
import { arbitraryMessage } from '../protocol/arbitrary.ts'
import {
  coordinatorsOf,
  orders,
  requestOf,
  source,
  tableOf,
  versionsOf,
  type Given,
} from './given.ts'

/** Where each request goes: given what is known, when this is asked, then it is forwarded, split or asked. */
const options = { splitFetchWaitMs: 100 }
const all = Object.values<Api>(apis)

/** The parts' destinations instead of their bytes. */
const told = (decision: Decision): unknown =>
  decision.kind === 'split' ? { split: decision.parts.map(({ to }) => to) } : decision

const routed = (route: string): { api: Api; name: string; version: number }[] =>
  all
    .filter(({ key }) => routes.get(key)?.route === route)
    .flatMap((api) => {
      const { max } = routedVersions(api.key, api.versions, false) ?? { max: -1 }
      return versionsOf(api, max).map((version) => ({ api, name: api.name, version }))
    })

/** Any request of a version: what does not matter for its route. */
function sampleOf(api: Api, version: number, fields: Readonly<Record<string, unknown>> = {}) {
  const [body = {}] = fc.sample(arbitraryMessage(api.request, version), {
    numRuns: 1,
    seed: version,
  })
  return requestOf<Fields, Fields>(api, version, { ...body, ...fields })
}

const nobody = coordinatorsOf({})

describe('what any broker answers', () => {
  test.each(routed('any'))('$name v$version goes to any', ({ api, version }) => {
    const decision = decide(tableOf(), sampleOf(api, version), nobody, options)
    expect(decision).toEqual({ kind: 'forward', to: 'any' })
  })
})

describe('what is about the broker that is asked', () => {
  test.each(routed('home'))('$name v$version goes to the home', ({ api, version }) => {
    const decision = decide(tableOf(), sampleOf(api, version), nobody, options)
    expect(decision).toEqual({ kind: 'forward', to: 'home' })
  })
})

describe('what the controller decides', () => {
  test.each(routed('controller'))('$name v$version goes there', ({ api, version }) => {
    const request = sampleOf(api, version)
    const forward = (given: Given) => decide(tableOf(given), request, nobody, options)
    expect(forward({ controller: 3 })).toEqual({ kind: 'forward', to: source(3) })
    // A broker will say who it is, or pass it on itself (KRaft).
    expect(forward({ controller: -1 })).toEqual({ kind: 'forward', to: 'any' })
    expect(forward({ controller: 9 })).toEqual({ kind: 'forward', to: 'any' })
  })
})

describe('what the session answers', () => {
  test.each(routed('sidecar'))('$name v$version never comes here', ({ api, version }) => {
    expect(() => decide(tableOf(), sampleOf(api, version), nobody, options)).toThrow()
  })
})

describe.each([
  { route: 'group', of: 'group', field: 'groupId' },
  { route: 'transaction', of: 'transaction', field: 'transactionalId' },
] as const)('what the coordinator of a $of answers', ({ route, of, field }) => {
  const named = (api: Api, version: number, key: string) =>
    sampleOf(
      api,
      version,
      api.key === apis.addPartitionsToTxn.key
        ? { v3AndBelowTransactionalId: key }
        : { [field]: key },
    )

  test.each(routed(route))('$name v$version goes there', ({ api, version }) => {
    for (const key of ['billing', 'größe', '', 'x'.repeat(300)]) {
      const request = named(api, version, key)
      const known = coordinatorsOf({ [key]: 3, other: 1 })
      const decision = decide(tableOf(), request, known, options)
      expect(decision).toEqual({ kind: 'forward', to: source(3) })
      const asked = decide(tableOf(), request, nobody, options)
      expect(asked).toEqual({ kind: 'ask', question: { kind: 'coordinator', of, keys: [key] } })
    }
  })
})

describe('InitProducerId without a transactional id', () => {
  test.each(versionsOf(apis.initProducerId, 5))('v%d goes to any broker', (version) => {
    const request = requestOf(apis.initProducerId, version, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    })
    const decision = decide(tableOf(), request, nobody, options)
    expect(decision).toEqual({ kind: 'forward', to: 'any' })
  })
})

const topicsOf = (partitions: Readonly<Record<string, readonly number[]>>) =>
  Object.entries(partitions)
type Places = Readonly<Record<string, readonly number[]>>

/** A request of each API that names partitions, by the names of its fields. */
const byLeader: readonly {
  readonly api: Api
  readonly version: number
  readonly body: (places: Places) => Record<string, unknown>
}[] = [
  {
    api: apis.produce,
    version: 9,
    body: (places) => ({
      acks: 1,
      timeoutMs: 1,
      topicData: topicsOf(places).map(([name, partitions]) => ({
        name,
        partitionData: partitions.map((index) => ({ index, records: null })),
      })),
    }),
  },
  {
    api: apis.fetch,
    version: 12,
    body: (places) => ({
      maxWaitMs: 500,
      minBytes: 1,
      forgottenTopicsData: [],
      rackId: '',
      topics: topicsOf(places).map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map((partition) => ({
          partition,
          fetchOffset: 0n,
          partitionMaxBytes: 1,
        })),
      })),
    }),
  },
  {
    api: apis.listOffsets,
    version: 5,
    body: (places) => ({
      replicaId: -1,
      topics: topicsOf(places).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -1n })),
      })),
    }),
  },
  {
    api: apis.deleteRecords,
    version: 2,
    body: (places) => ({
      timeoutMs: 1,
      topics: topicsOf(places).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, offset: 1n })),
      })),
    }),
  },
  {
    api: apis.offsetForLeaderEpoch,
    version: 3,
    body: (places) => ({
      topics: topicsOf(places).map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map((partition) => ({ partition, leaderEpoch: 1 })),
      })),
    }),
  },
  {
    api: apis.describeProducers,
    version: 0,
    body: (places) => ({
      topics: topicsOf(places).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    }),
  },
  {
    api: apis.writeTxnMarkers,
    version: 1,
    body: (places) => ({
      markers: [
        {
          producerId: 1n,
          producerEpoch: 1,
          transactionResult: false,
          coordinatorEpoch: 1,
          topics: topicsOf(places).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
        },
      ],
    }),
  },
]

const ask = (...topics: string[]) => ({ kind: 'ask', question: { kind: 'leaders', topics } })
const scenarios: readonly {
  readonly given: string
  readonly table?: Given
  readonly when: Places
  readonly then: unknown
}[] = [
  { given: 'a leader', when: { orders: [1] }, then: { kind: 'forward', to: source(2) } },
  {
    given: 'one leader of all',
    when: { orders: [0, 3] },
    then: { kind: 'forward', to: source(1) },
  },
  {
    given: 'one leader of all, over topics',
    table: { topics: { ...orders, bills: [3, 1] } },
    when: { orders: [0], bills: [1] },
    then: { kind: 'forward', to: source(1) },
  },
  {
    given: 'several leaders',
    when: { orders: [0, 1, 2, 3, 4, 5] },
    then: { split: [source(1), source(2), source(3)] },
  },
  {
    given: 'several leaders, over topics',
    table: { topics: { ...orders, bills: [3, 1] } },
    when: { orders: [1], bills: [0] },
    then: { split: [source(2), source(3)] },
  },
  { given: 'a topic that nobody knows', when: { news: [0] }, then: ask('news') },
  { given: 'a partition that nobody knows', when: { orders: [0, 6] }, then: ask('orders') },
  {
    given: 'a partition without a leader',
    table: { topics: { orders: [1, null] } },
    when: { orders: [0, 1] },
    then: ask('orders'),
  },
  {
    given: 'several topics that nobody knows',
    when: { news: [0, 1], orders: [0], olds: [0] },
    then: ask('news', 'olds'),
  },
  { given: 'a negative partition', when: { orders: [-1] }, then: ask('orders') },
  { given: 'nothing', when: {}, then: { kind: 'forward', to: 'any' } },
  {
    given: 'a topic without partitions',
    when: { orders: [] },
    then: { kind: 'forward', to: 'any' },
  },
]

describe.each(byLeader)('$api.name', ({ api, version, body }) => {
  test.each(scenarios)('given $given', ({ table, when, then }) => {
    const request = requestOf<Fields, Fields>(api, version, body(when))
    expect(told(decide(tableOf(table), request, nobody, options))).toEqual(then)
  })
})

test('every API by leader is told above', () => {
  const routedByLeader = [...routes].filter(([, row]) => row.route === 'leader')
  expect(new Set(byLeader.map(({ api }) => api.key))).toEqual(
    new Set(routedByLeader.map(([key]) => key)),
  )
})

describe('what several coordinators answer', () => {
  const known = coordinatorsOf({ a: 1, b: 2, c: 1 })
  const groupFields = (groups: readonly string[]): Record<number, Record<string, unknown>> => ({
    [apis.offsetFetch.key]: { groups: groups.map((groupId) => ({ groupId, topics: null })) },
    [apis.describeGroups.key]: { groups },
    [apis.deleteGroups.key]: { groupsNames: groups },
    [apis.consumerGroupDescribe.key]: { groupIds: groups },
    [apis.shareGroupDescribe.key]: { groupIds: groups },
    [apis.streamsGroupDescribe.key]: { groupIds: groups },
    [apis.describeShareGroupOffsets.key]: {
      groups: groups.map((groupId) => ({ groupId, topics: null })),
    },
    [apis.describeTransactions.key]: { transactionalIds: groups },
  })
  const of = (api: Api): string =>
    api.key === apis.describeTransactions.key ? 'transaction' : 'group'
  const several = [...routed('groups'), ...routed('transactions')].filter(
    ({ api, version }) => api.key !== apis.offsetFetch.key || version >= 8,
  )
  const decided = (api: Api, version: number, groups: readonly string[]): unknown =>
    told(decide(tableOf(), sampleOf(api, version, groupFields(groups)[api.key]), known, options))

  test.each(several)('$name v$version', ({ api, version }) => {
    const forward = (id: number) => ({ kind: 'forward', to: source(id) })
    expect(decided(api, version, ['a'])).toEqual(forward(1))
    expect(decided(api, version, ['a', 'c'])).toEqual(forward(1))
    expect(decided(api, version, ['a', 'b', 'c'])).toEqual({ split: [source(1), source(2)] })
    expect(decided(api, version, ['a', 'x', 'y'])).toEqual({
      kind: 'ask',
      question: { kind: 'coordinator', of: of(api), keys: ['x', 'y'] },
    })
    expect(decided(api, version, [])).toEqual({ kind: 'forward', to: 'any' })
  })

  test.each(versionsOf(apis.offsetFetch, 7))('OffsetFetch v%d asks for one group', (version) => {
    const request = sampleOf(apis.offsetFetch, version, { groupId: 'b' })
    const decision = decide(tableOf(), request, known, options)
    expect(decision).toEqual({ kind: 'forward', to: source(2) })
  })
})

describe('configurations', () => {
  const topic = { resourceType: 2, resourceName: 'orders' }
  const broker = (id: number | string) => ({ resourceType: 4, resourceName: String(id) })
  const logger = (id: number) => ({ resourceType: 8, resourceName: String(id) })
  const cases = routed('resource')
  const decided = (
    { api, version }: (typeof cases)[number],
    resources: readonly { resourceType: number; resourceName: string }[],
    given?: Given,
  ): unknown => {
    const configs =
      api.key === apis.describeConfigs.key ? { configurationKeys: null } : { configs: [] }
    const request = sampleOf(api, version, {
      resources: resources.map((resource) => ({ ...resource, ...configs })),
    })
    return told(decide(tableOf(given), request, nobody, options))
  }

  test.each(cases)('$name v$version: a broker for itself, others where they are kept', (which) => {
    const others = which.api.key === apis.describeConfigs.key ? 'any' : source(2)
    expect(decided(which, [topic])).toEqual({ kind: 'forward', to: others })
    expect(decided(which, [broker(3)])).toEqual({ kind: 'forward', to: source(3) })
    expect(decided(which, [logger(3), broker(3)])).toEqual({ kind: 'forward', to: source(3) })
    expect(decided(which, [topic, broker(1), broker(3), logger(1)])).toEqual({
      split: [others, source(1), source(3)],
    })
    // The defaults of all brokers have no name; a broker that is not there has nobody.
    for (const strange of [broker(''), broker(9), broker('-1'), broker('1e0'), broker(' 1')]) {
      expect(decided(which, [strange])).toEqual({ kind: 'forward', to: others })
    }
    expect(decided(which, [])).toEqual({ kind: 'forward', to: others })
    if (others !== 'any') {
      expect(decided(which, [topic], { controller: -1 })).toEqual({ kind: 'forward', to: 'any' })
    }
  })
})
