import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeId } from '../../src/ids.ts'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  encodeRequest,
  encodeResponse,
  type FetchRequest,
  type Fields,
} from '../../src/protocol/index.ts'
import {
  answeredSessionId,
  answeredSessionIdEndsAt,
  routeFetch,
  seenFetch,
  type FetchRoute,
} from '../../src/router/index.ts'
import { arbitraryMessage } from '../protocol/arbitrary.ts'
import { source, topicIdOf, versionsOf } from './given.ts'
import {
  decoded,
  garbage,
  header,
  lengthBytes,
  placed,
  routeOf,
  runs,
  spoiled,
  table,
} from './peek.ts'

describe('Fetch', () => {
  const versions = versionsOf(apis.fetch, 15)
  const homes = [undefined, nodeId(1), nodeId(2), nodeId(3), nodeId(9)]
  const nameById = new Map(['a', 'b', 'c'].map((name) => [topicIdOf(name), name]))
  const placesOf = ({ topics: asked }: FetchRequest, version: number) =>
    asked.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(
        ({ partition }) =>
          [version >= 13 ? (nameById.get(topicId) ?? '') : topic, partition] as const,
      ),
    )
  /** @param mayFollow whether a rack in the request counts */
  function truth(
    asked: FetchRequest,
    version: number,
    home: (typeof homes)[number],
    mayFollow = true,
  ): FetchRoute {
    const places = placesOf(asked, version)
    if (places.length === 0) return 'none'
    const route = routeOf(places)
    if (route === 'unknown' || !mayFollow || home === undefined || version < 11) return route
    const follower = source(home)
    const holds = places.every(([name, index]) => {
      const partition = table.topics.get(name)?.partitions[index]
      return partition?.read === follower || partition?.followers.includes(follower) === true
    })
    return holds && asked.rackId !== '' ? follower : route
  }
  const requests = (version: number): fc.Arbitrary<Buffer> =>
    fc
      .tuple(
        header,
        placed(arbitraryMessage(apis.fetch.request, version), {
          topics: 'topics',
          name: 'topic',
          ...(version >= 13 ? { id: 'topicId' } : {}),
          partitions: 'partitions',
          index: 'partition',
        }),
      )
      .map(([head, body]) => encodeRequest<Fields, Fields>(apis.fetch, version, head, body))
  const read = (frame: Buffer, version: number): FetchRequest | undefined =>
    decoded(() =>
      decodeRequest(apis.fetch, version, frame, decodeRequestHeader(frame, lengthBytes).bodyOffset),
    )

  test.each(versions)('v%d: the route of a whole request is that of its partitions', (version) => {
    fc.assert(
      fc.property(requests(version), fc.constantFrom(...homes), (frame, home) => {
        const asked = read(frame, version)
        if (asked === undefined) throw new Error('the codec does not read what it wrote')
        const route = routeFetch(table, frame, 0, frame.length, version, home)
        expect(route).toBe(truth(asked, version, home))
        expect(seenFetch).toMatchObject({
          maxWaitMs: asked.maxWaitMs,
          sessionId: asked.sessionId,
          sessionEpoch: asked.sessionEpoch,
        })
      }),
      runs,
    )
  })

  test.each(versions)('v%d: cut off, it is malformed, or routed by what is there', (version) => {
    fc.assert(
      fc.property(requests(version), fc.constantFrom(...homes), (frame, home) => {
        const asked = read(frame, version)
        if (asked === undefined) throw new Error('the codec does not read what it wrote')
        const right = ['malformed', truth(asked, version, home), truth(asked, version, home, false)]
        for (let end = 12; end < frame.length; end++) {
          const buffer = Buffer.concat([frame.subarray(0, end), Buffer.alloc(64, 0xff)])
          expect(right).toContain(routeFetch(table, buffer, 0, end, version, home))
        }
      }),
      { numRuns: 30 },
    )
  })

  test.each(versions)(
    'v%d: bytes that are anything give a route of whatever they decode to',
    (version) => {
      const bytes = fc.oneof(spoiled(requests(version)), garbage(apis.fetch.key, version))
      fc.assert(
        fc.property(bytes, fc.constantFrom(...homes), (frame, home) => {
          const route = routeFetch(table, frame, 0, frame.length, version, home)
          const asked = read(frame, version)
          if (asked !== undefined) expect(route).toBe(truth(asked, version, home))
        }),
        { numRuns: 400 },
      )
    },
  )
})

describe('the answer to Fetch', () => {
  test.each(versionsOf(apis.fetch, 15).filter((v) => v >= 7))(
    'v%d: begins with its session',
    (version) => {
      fc.assert(
        fc.property(fc.integer(), fc.integer(), (sessionId, id) => {
          const frame = encodeResponse(apis.fetch, version, id, { sessionId, responses: [] })
          const begin = frame.subarray(0, answeredSessionIdEndsAt)
          expect(answeredSessionId(begin, 0, version)).toBe(sessionId)
        }),
        runs,
      )
    },
  )
})
