import { describe, expect, test } from 'vitest'
import { apiByKey, apis, includes, type Api, type Fields } from '../../src/protocol/index.ts'
import type { Type } from '../../src/protocol/schema.ts'
import { rewriters, routedVersions, routes } from '../../src/router/index.ts'
import { versionsOf } from './given.ts'

/** Every API that we can decode is either offered to applications, or left out for a reason. */
const leftOut: Readonly<Record<string, string>> = {
  UnregisterBroker: 'takes a broker out of a cluster: for those who run it',
  GetTelemetrySubscriptions: 'a client that is told of none sends no telemetry (KIP-714)',
  PushTelemetry: 'belongs to GetTelemetrySubscriptions',
  AddRaftVoter: 'for controllers (KIP-853)',
  RemoveRaftVoter: 'for controllers (KIP-853)',
}

const all = Object.values<Api>(apis)

describe('every API', () => {
  test.each(all.map((api) => ({ name: api.name, api })))(
    '$name has a route or a reason',
    ({ api }) => {
      expect(routes.has(api.key)).toBe(!(api.name in leftOut))
    },
  )

  test('that has a route can be decoded', () => {
    for (const key of routes.keys()) expect(apiByKey(key)?.key).toBe(key)
    for (const name of Object.keys(leftOut)) expect(all.map((api) => api.name)).toContain(name)
  })

  test.each(all.map((api) => ({ name: api.name, api })))(
    '$name: what is routed is a part of what is known',
    ({ api }) => {
      for (const hasTarget of [false, true]) {
        const range = routedVersions(api.key, api.versions, hasTarget)
        if (range === undefined) continue
        expect(range.min).toBeGreaterThanOrEqual(api.versions.min)
        expect(range.max).toBeLessThanOrEqual(api.versions.max)
        expect(range.min).toBeLessThanOrEqual(range.max)
      }
    },
  )
})

describe('versions are held back', () => {
  const cases: readonly { api: Api; max: number; why: string }[] = [
    { api: apis.produce, max: 11, why: 'v12 begins transactions by itself (KIP-890)' },
    { api: apis.fetch, max: 15, why: 'v16 names leaders with their addresses (KIP-951)' },
    { api: apis.initProducerId, max: 5, why: 'v6 prepares transactions (KIP-939)' },
    { api: apis.addPartitionsToTxn, max: 3, why: 'v4 is for brokers' },
    { api: apis.addOffsetsToTxn, max: 3, why: 'transaction version 1' },
    { api: apis.endTxn, max: 4, why: 'v5 bumps epochs (KIP-890)' },
    { api: apis.txnOffsetCommit, max: 4, why: 'v5 adds its partitions by itself (KIP-890)' },
    { api: apis.describeQuorum, max: 1, why: 'v2 names the controllers by address (KIP-853)' },
  ]
  test.each(cases)('$api.name: up to $max, since $why', ({ api, max }) => {
    expect(routedVersions(api.key, api.versions, false)?.max).toBe(max)
  })

  test.each([
    apis.consumerGroupHeartbeat,
    apis.shareGroupHeartbeat,
    apis.shareFetch,
    apis.shareAcknowledge,
    apis.streamsGroupHeartbeat,
  ] as const satisfies readonly Api[])(
    '$name: not at all once there is a target',
    ({ key, versions }) => {
      expect(routedVersions(key, versions, false)).toEqual(versions)
      expect(routedVersions(key, versions, true)).toBeUndefined()
    },
  )

  test('an API that nobody routes, or that nobody can decode, is not offered', () => {
    expect(
      routedVersions(apis.pushTelemetry.key, apis.pushTelemetry.versions, false),
    ).toBeUndefined()
    expect(routedVersions(4, { min: 0, max: 7 }, false)).toBeUndefined()
    expect(routedVersions(apis.metadata.key, undefined, false)).toBeUndefined()
  })
})

/** Where a message has a field of one of these names, in some version that is offered. */
function addressesIn(fields: Fields, version: number, path = ''): string[] {
  const inType = (type: Type, at: string): string[] =>
    type.kind === 'array'
      ? inType(type.element, `${at}[]`)
      : type.kind === 'struct'
        ? addressesIn(type.fields, version, `${at}.`)
        : []
  return Object.entries(fields).flatMap(([name, field]) => {
    if (!includes(field.versions, version)) return []
    const own = /host|port$|endpoint|listener|address/i.test(name) ? [path + name] : []
    return [...own, ...inType(field.type, path + name)]
  })
}

describe('an answer that can name an address', () => {
  const harmless: Readonly<Record<string, string>> = {
    'groups[].members[].clientHost': "a client's host, as the broker sees it",
    'resources[].acls[].host': 'whom an ACL is about, as its author wrote it',
    'filterResults[].matchingAcls[].host': 'the same',
    partitionsByUserEndpoint: 'what Kafka Streams applications told of themselves (KIP-535)',
    'partitionsByUserEndpoint[].userEndpoint': 'the same',
    'partitionsByUserEndpoint[].userEndpoint.host': 'the same',
    'partitionsByUserEndpoint[].userEndpoint.port': 'the same',
    'groups[].members[].userEndpoint': 'the same',
    'groups[].members[].userEndpoint.host': 'the same',
    'groups[].members[].userEndpoint.port': 'the same',
    endpointInformationEpoch: 'a number (KIP-1071)',
  }
  const placesIn = (api: Api): string[] => {
    const max = routedVersions(api.key, api.versions, false)?.max ?? -1
    const places = versionsOf(api, max).flatMap((v) => addressesIn(api.response.fields, v))
    return [...new Set(places)]
  }
  const routed = all.filter(({ key }) => routes.has(key))
  const [rewritten, passed] = [true, false].map((isRewritten) =>
    routed
      .filter(({ key }) => rewriters.has(key) === isRewritten)
      .map((api) => ({ api, name: api.name })),
  )

  test.each(rewritten ?? [])('$name is rewritten', ({ api }) => {
    // DescribeConfigs names addresses in the values of configurations.
    if (api.key !== apis.describeConfigs.key) expect(placesIn(api)).not.toEqual([])
  })

  test.each(passed ?? [])('$name passes, for none is that of a broker', ({ api }) => {
    expect(placesIn(api).filter((place) => !(place in harmless))).toEqual([])
  })

  test('and that is called harmless does exist', () => {
    const places = new Set(routed.flatMap(placesIn))
    expect(Object.keys(harmless).filter((place) => !places.has(place))).toEqual([])
  })

  test('rewriters are for APIs that are routed', () => {
    for (const key of rewriters.keys()) expect(routes.has(key)).toBe(true)
  })
})
