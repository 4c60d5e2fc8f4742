import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apis, type Api, type Fields } from '../../src/protocol/index.ts'
import { rewriters, type RoutingTable } from '../../src/router/index.ts'
import { arbitraryMessage, type Values } from '../protocol/arbitrary.ts'
import { bootstrapPort, realHost, realPort, virtualHost } from './given.ts'
import { all, offered, real, rewritten, some, virtual } from './rewriters.ts'

describe('no real address survives', () => {
  const cases = Object.values<Api>(apis)
    .filter(({ key }) => rewriters.has(key))
    .flatMap((api) => offered(api).map((version) => ({ api, name: api.name, version })))
  const portBytes = Buffer.alloc(4)
  portBytes.writeInt32BE(realPort)

  /** Any answer of this version in which every address is that of some broker. */
  const answers = (api: Api, version: number): fc.Arbitrary<Values> =>
    fc
      .tuple(
        arbitraryMessage(api.response, version),
        fc.infiniteStream(fc.constantFrom(1, 2, 3, 9)),
      )
      .map(([values, ids]) => {
        const next = (): number => Number(ids.next().value)
        const place = (value: unknown): unknown => {
          if (Array.isArray(value)) return value.map(place)
          if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
          const struct = Object.fromEntries(
            Object.entries(value).map(([name, field]) => [name, place(field)]),
          )
          if (!('host' in struct) || struct['host'] === '') return struct
          const id = next()
          const idField = 'brokerId' in struct ? 'brokerId' : 'nodeId'
          return { ...struct, ...real(id), [idField]: id }
        }
        const placed = place(values)
        return typeof placed === 'object' && placed !== null ? { ...placed } : {}
      })

  test.each(cases)('$name v$version', ({ api, version }) => {
    fc.assert(
      fc.property(answers(api, version), fc.constantFrom(all, some), (body, table) => {
        const { bytes } = rewritten(api, version, body, table)
        expect(bytes.includes('kafka.internal')).toBe(false)
        expect(bytes.includes(portBytes)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

describe('Metadata', () => {
  const broker = (id: number) => ({ nodeId: id, ...real(id), rack: null })
  const answer = (ids: readonly number[]): Values => ({
    brokers: ids.map(broker),
    clusterId: 'source-cluster',
    controllerId: 2,
    topics: [
      {
        errorCode: 0,
        name: 'orders',
        partitions: [
          {
            errorCode: 0,
            partitionIndex: 0,
            leaderId: 3,
            leaderEpoch: 7,
            replicaNodes: [3, 1],
            isrNodes: [3],
          },
        ],
      },
    ],
  })

  test.each(offered(apis.metadata))(
    'v%d: the brokers are virtual, all else is as it was',
    (version) => {
      const { body, facts, nodeIds } = rewritten(apis.metadata, version, answer([1, 2, 3]))
      expect(body.brokers.map(({ nodeId: id, host, port }) => ({ id, host, port }))).toEqual([
        { id: 1, ...virtual(1) },
        { id: 2, ...virtual(2) },
        { id: 3, ...virtual(3) },
      ])
      expect(nodeIds).toEqual([1, 2, 3])
      const [topic] = body.topics
      expect(topic?.partitions[0]).toMatchObject({
        leaderId: 3,
        replicaNodes: [3, 1],
        isrNodes: [3],
      })
      if (version >= 1) expect(body.controllerId).toBe(2)
      if (version >= 2) expect(body.clusterId).toBe('source-cluster')
      if (version >= 7) expect(topic?.partitions[0]?.leaderEpoch).toBe(7)
      expect(facts).toMatchObject([{ kind: 'metadata', scope: 'asked-topics' }])
    },
  )

  test('a broker without a virtual one is left out, and named as missing', () => {
    const { body, nodeIds } = rewritten(apis.metadata, 9, answer([1, 2, 3, 9]), some)
    expect(body.brokers.map(({ nodeId: id }) => id)).toEqual([1, 2])
    expect(nodeIds).toEqual([1, 2, 3, 9])
  })

  test('what is learned has the real addresses', () => {
    const { facts } = rewritten(apis.metadata, 9, answer([1]))
    expect(facts).toMatchObject([{ answer: { brokers: [real(1)] } }])
  })
})

describe('DescribeCluster', () => {
  const { describeCluster } = apis
  const answer = (ids: readonly number[]): Values => ({
    errorCode: 0,
    errorMessage: null,
    clusterId: 'source-cluster',
    controllerId: 2,
    brokers: ids.map((id) => ({ brokerId: id, ...real(id), rack: null })),
    clusterAuthorizedOperations: 0,
  })
  test.each(offered(describeCluster))('v%d', (version) => {
    const { body, nodeIds } = rewritten(describeCluster, version, answer([1, 3, 9]), some)
    expect(body.brokers.map(({ brokerId, host, port }) => ({ brokerId, host, port }))).toEqual([
      { brokerId: 1, ...virtual(1) },
    ])
    expect(nodeIds).toEqual([1, 3, 9])
    expect(body.controllerId).toBe(2)
  })
})

describe('DescribeConfigs', () => {
  const { describeConfigs } = apis
  const described = (value: string, resourceType = 4): Values => ({
    results: [
      {
        errorCode: 0,
        errorMessage: null,
        resourceType,
        resourceName: '1',
        configs: [
          {
            name: 'advertised.listeners',
            value,
            readOnly: false,
            isSensitive: false,
            synonyms: [{ name: 'advertised.listeners', value, source: 4 }],
            documentation: null,
          },
        ],
      },
    ],
  })
  const shownFor = (value: string, table: RoutingTable, resourceType = 4): string | null => {
    const { body } = rewritten(describeConfigs, 4, described(value, resourceType), table)
    const [config] = body.results[0]?.configs ?? []
    expect(config?.synonyms[0]?.value).toBe(config?.value)
    return config?.value ?? null
  }

  test('a broker shows its virtual listeners', () => {
    expect(
      shownFor(`PLAINTEXT://${realHost(1)}:${realPort},X://${realHost(2)}:${realPort}`, all),
    ).toBe(
      `PLAINTEXT://${virtualHost}:${bootstrapPort + 1},X://${virtualHost}:${bootstrapPort + 2}`,
    )
  })

  test('a topic shows what it has', () => {
    const value = `see ${realHost(1)}:${realPort}`
    expect(shownFor(value, all, 2)).toBe(value)
  })

  test('an address that only begins or ends like that of a broker stays', () => {
    for (const value of [`x-${realHost(1)}:${realPort}`, `${realHost(1)}:${realPort}1`]) {
      expect(shownFor(`PLAINTEXT://${value}`, all)).toBe(`PLAINTEXT://${value}`)
    }
  })

  test('a value that is none stays none', () => {
    const { body } = rewritten(describeConfigs, 0, {
      results: [
        {
          errorCode: 0,
          errorMessage: null,
          resourceType: 4,
          resourceName: '1',
          configs: [
            { name: 'secret', value: null, readOnly: false, isDefault: false, isSensitive: true },
          ],
        },
      ],
    })
    expect(body.results[0]?.configs[0]?.value).toBeNull()
  })
})

describe.each([apis.shareFetch, apis.shareAcknowledge] as const satisfies readonly Api[])(
  '$name',
  (api) => {
    test.each(offered(api))('v%d: hints at leaders are virtual, or dropped', (version) => {
      const body: Values = {
        errorMessage: null,
        responses: [],
        nodeEndpoints: [1, 3].map((id) => ({ nodeId: id, ...real(id), rack: null })),
      }
      const { body: shown } = rewritten<Fields, Fields>(api, version, body, some)
      expect(shown['nodeEndpoints']).toEqual([{ nodeId: 1, ...virtual(1), rack: null }])
    })
  },
)
