import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeId } from '../../src/ids.ts'
import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  errorCodes,
  type Api,
  type Decoded,
  type Fields,
} from '../../src/protocol/index.ts'
import { rewriters, routedVersions, type RoutingTable } from '../../src/router/index.ts'
import { arbitraryMessage, type Values } from '../protocol/arbitrary.ts'
import {
  bootstrapPort,
  correlationId,
  realHost,
  realPort,
  requestOf,
  tableOf,
  versionsOf,
  virtualHost,
} from './given.ts'

/** Answers as clients see them: every broker has its virtual address, and no real one is left. */
const all = tableOf()
/** Broker 3 is known and has no virtual broker yet; 9 is not known. */
const some = tableOf({ brokers: [1, 2, 3], virtual: [1, 2] })
const real = (id: number) => ({ host: realHost(id), port: realPort })
const virtual = (slot: number) => ({ host: virtualHost, port: bootstrapPort + slot })

const requests: Readonly<Record<number, Values>> = {
  [apis.produce.key]: { acks: 1, timeoutMs: 1, topicData: [] },
  [apis.metadata.key]: { topics: [] },
  [apis.describeConfigs.key]: { resources: [] },
  [apis.describeCluster.key]: {},
  [apis.shareFetch.key]: { topics: [], forgottenTopicsData: [] },
  [apis.shareAcknowledge.key]: { topics: [] },
}

/** Rewrites an answer; what it tells, and what it becomes, as bytes and decoded. */
function rewritten<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  body: Values,
  table: RoutingTable = all,
  asked: Values = {},
) {
  const rewrite = rewriters.get(api.key)
  if (rewrite === undefined) throw new Error(`${api.name} has no rewriter`)
  const lookup = version >= 4 ? { coordinatorKeys: ['billing'] } : { key: 'billing' }
  const known = api.key === apis.findCoordinator.key ? lookup : requests[api.key]
  const request = requestOf<Fields, Fields>(api, version, { ...known, ...asked })
  const frame = encodeResponse<Fields, Fields>(api, version, correlationId, body).subarray(4)
  const naming = rewrite(request, frame)
  const { facts, nodeIds } = naming
  const bytes = naming.encode(table)
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
  const header = decodeResponseHeader(api, version, bytes, 4)
  expect(header.correlationId).toBe(correlationId)
  const decoded: Decoded<S> = decodeResponse(api, version, bytes, header.bodyOffset)
  return { facts, nodeIds, bytes, body: decoded }
}

const offered = (api: Api): number[] =>
  versionsOf(api, routedVersions(api.key, api.versions, false)?.max)

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

describe('FindCoordinator', () => {
  const { findCoordinator } = apis
  const found = (id: number, version: number, key = 'billing', errorCode = 0): Values => {
    const where = errorCode === 0 ? { nodeId: id, ...real(id) } : { nodeId: -1, host: '', port: -1 }
    const message = version >= 1 ? { errorMessage: null } : {}
    return version >= 4
      ? { coordinators: [{ key, errorCode, ...message, ...where }] }
      : { errorCode, ...message, ...where }
  }
  const ask = (version: number, keyType: number): Values => ({
    ...(version >= 4 ? { key: '', coordinatorKeys: ['billing'] } : { key: 'billing' }),
    ...(version >= 1 ? { keyType } : {}),
  })
  const shown = (
    version: number,
    body: Decoded<(typeof findCoordinator)['response']['fields']>,
  ) => {
    const {
      nodeId: id,
      host,
      port,
      errorCode,
    } = version >= 4 ? (body.coordinators[0] ?? body) : body
    return { id, host, port, errorCode }
  }

  test.each(offered(findCoordinator))('v%d: of a group, with its virtual address', (version) => {
    const answer = rewritten(findCoordinator, version, found(2, version), all, ask(version, 0))
    expect(shown(version, answer.body)).toEqual({ id: 2, ...virtual(2), errorCode: 0 })
    expect(answer.nodeIds).toEqual([2])
    expect(answer.facts).toEqual([
      { kind: 'coordinator', of: 'group', key: 'billing', nodeId: nodeId(2) },
    ])
  })

  test.each(offered(findCoordinator).filter((v) => v >= 1))(
    'v%d: of a transactional id',
    (version) => {
      const { facts } = rewritten(findCoordinator, version, found(3, version), all, ask(version, 1))
      expect(facts).toEqual([
        { kind: 'coordinator', of: 'transaction', key: 'billing', nodeId: nodeId(3) },
      ])
    },
  )

  test('v6: of a share group, shown and not remembered', () => {
    const { facts, body } = rewritten(findCoordinator, 6, found(3, 6), all, ask(6, 2))
    expect(facts).toEqual([])
    expect(shown(6, body)).toEqual({ id: 3, ...virtual(3), errorCode: 0 })
  })

  test.each(offered(findCoordinator))(
    'v%d: at a broker without a virtual one, is not available yet',
    (version) => {
      for (const id of [3, 9]) {
        const { body, nodeIds } = rewritten(
          findCoordinator,
          version,
          found(id, version),
          some,
          ask(version, 0),
        )
        expect(shown(version, body)).toEqual({
          id: -1,
          host: '',
          port: -1,
          errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
        })
        expect(nodeIds).toEqual([id])
      }
    },
  )

  test.each(offered(findCoordinator))(
    'v%d: an error stays the error, and tells nothing',
    (version) => {
      const refused = found(-1, version, 'billing', errorCodes.GROUP_AUTHORIZATION_FAILED)
      const { body, facts, nodeIds } = rewritten(
        findCoordinator,
        version,
        refused,
        all,
        ask(version, 0),
      )
      expect(shown(version, body)).toEqual({
        id: -1,
        host: '',
        port: -1,
        errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED,
      })
      expect([facts, nodeIds]).toEqual([[], []])
    },
  )

  test('v4: several, each by itself', () => {
    const coordinators = [
      ...[found(1, 4, 'a'), found(3, 4, 'b'), found(-1, 4, 'c', 15)].flatMap(
        (each) => each['coordinators'] as unknown[],
      ),
    ]
    const asked = { key: '', keyType: 0, coordinatorKeys: ['a', 'b', 'c'] }
    const { body, facts } = rewritten(findCoordinator, 4, { coordinators }, some, asked)
    expect(body.coordinators.map(({ key, errorCode, port }) => [key, errorCode, port])).toEqual([
      ['a', 0, bootstrapPort + 1],
      ['b', 15, -1],
      ['c', 15, -1],
    ])
    // What is learned is what the cluster said, virtual broker or not.
    expect(facts.map((fact) => fact.kind === 'coordinator' && fact.key)).toEqual(['a', 'b'])
  })
})

describe('Produce', () => {
  const { produce } = apis
  const refused = (leaderId: number, hints: readonly number[], errorCode = 6): Values => ({
    responses: [
      {
        name: 'orders',
        partitionResponses: [
          {
            index: 0,
            errorCode,
            baseOffset: -1n,
            currentLeader: { leaderId, leaderEpoch: 8 },
          },
          { index: 1, errorCode: 0, baseOffset: 5n },
        ],
      },
    ],
    nodeEndpoints: hints.map((id) => ({ nodeId: id, ...real(id), rack: 'r' })),
  })

  test.each([10, 11])('v%d: a hint at the leader (KIP-951) has its virtual address', (version) => {
    const { body, facts } = rewritten(produce, version, refused(2, [2]))
    expect(body.nodeEndpoints).toEqual([{ nodeId: 2, ...virtual(2), rack: 'r' }])
    const [moved, fine] = body.responses[0]?.partitionResponses ?? []
    expect(moved?.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 8 })
    expect(fine).toMatchObject({ errorCode: 0, baseOffset: 5n })
    expect(facts).toEqual([{ kind: 'leaders-moved' }])
  })

  test.each([10, 11])('v%d: one at a broker without a virtual one is dropped, whole', (version) => {
    const { body } = rewritten(produce, version, refused(3, [3]), some)
    expect(body.nodeEndpoints).toEqual([])
    expect(body.responses[0]?.partitionResponses[0]?.currentLeader).toEqual({
      leaderId: -1,
      leaderEpoch: -1,
    })
  })

  test.each(offered(produce).filter((v) => v < 10))(
    'v%d: has none, and tells that a leader moved',
    (version) => {
      const { responses } = refused(-1, [])
      const plain = {
        responses: (responses as { name: string; partitionResponses: Values[] }[]).map((topic) => ({
          ...topic,
          partitionResponses: topic.partitionResponses.map(({ index, errorCode, baseOffset }) => ({
            index,
            errorCode,
            baseOffset,
          })),
        })),
      }
      const { facts, body } = rewritten(produce, version, plain)
      expect(facts).toEqual([{ kind: 'leaders-moved' }])
      expect(body.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([
        6, 0,
      ])
    },
  )

  test('another error tells nothing', () => {
    const { facts } = rewritten(produce, 11, refused(-1, [], errorCodes.MESSAGE_TOO_LARGE))
    expect(facts).toEqual([])
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
