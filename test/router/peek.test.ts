import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeId } from '../../src/ids.ts'
import {
  apis,
  DecodeError,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type FetchRequest,
  type Fields,
  type ProduceRequest,
} from '../../src/protocol/index.ts'
import {
  answeredSessionId,
  answeredSessionIdEndsAt,
  everyPartitionAcked,
  routeFetch,
  routeProduce,
  seenFetch,
  seenProduce,
  type Destination,
  type FetchRoute,
  type ProduceRoute,
} from '../../src/router/index.ts'
import { arbitraryMessage, type Values } from '../protocol/arbitrary.ts'
import { source, tableOf, topicIdOf, versionsOf } from './given.ts'

/** What looks at requests in place sees what decoding them would tell - or nothing, but never a lie. */
const topics = { a: [1, 2, 3], b: [1, 1, 1], c: [2, null, 2, undefined, 3] }
const table = tableOf({ topics, followers: [2, 3] })
const runs = { numRuns: 150 }
const lengthBytes = 4

const header = fc.record({
  correlationId: fc.integer(),
  clientId: fc.option(fc.string({ unit: 'grapheme', maxLength: 8 })),
})
const topicName = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'unknown')
const partitionIndex = fc.constantFrom(0, 0, 0, 1, 2, 3, 4, -1, 1_000_000)

/** A message in which topics and partitions are mostly ones that the table knows. */
function placed(
  message: fc.Arbitrary<Values>,
  names: { topics: string; name: string; id?: string; partitions: string; index: string },
): fc.Arbitrary<Values> {
  const some = fc.array(fc.record({ name: topicName, index: partitionIndex }), {
    minLength: 12,
    maxLength: 12,
  })
  return fc.tuple(message, some).map(([values, places]) => {
    let used = 0
    const next = () => places[used++ % places.length] ?? { name: 'a', index: 0 }
    const moved = structs(values[names.topics]).map((topic) => {
      const { name } = next()
      return {
        ...topic,
        ...(names.id === undefined ? { [names.name]: name } : { [names.id]: topicIdOf(name) }),
        [names.partitions]: structs(topic[names.partitions]).map((partition) => ({
          ...partition,
          [names.index]: next().index,
        })),
      }
    })
    return { ...values, [names.topics]: moved }
  })
}

/** The elements of an arbitrary array of structs. */
const structs = (list: unknown): readonly Values[] =>
  Array.isArray(list) ? list.filter((each): each is Values => typeof each === 'object') : []

const leadersOf = (name: string, index: number): Destination | undefined =>
  table.topics.get(name)?.partitions[index]?.write ?? undefined

/** The route by what is named: nothing known of one partition outweighs everything else. */
function routeOf(
  places: readonly (readonly [string, number])[],
): Destination | 'split' | 'unknown' {
  const leaders = places.map(([name, index]) => leadersOf(name, index))
  if (leaders.includes(undefined)) return 'unknown'
  const [first, ...others] = new Set(leaders)
  return first === undefined ? 'unknown' : others.length > 0 ? 'split' : first
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Bytes that began as a frame: some of them others, some of them missing. */
const spoiled = (frames: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      frames,
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([frame, changes]) => {
      const bytes = Buffer.from(frame)
      for (const [place, value] of changes) {
        // The key and version stay: they are read elsewhere.
        const at = 8 + Math.floor(place * (bytes.length - 9))
        bytes[at] = value
      }
      bytes.writeInt32BE(bytes.length - lengthBytes)
      return bytes
    })
const garbage = (key: number, version: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 12, maxLength: 200 }).map((bytes) => {
    const frame = Buffer.from(bytes)
    frame.writeInt32BE(frame.length - lengthBytes)
    frame.writeInt16BE(key, 4)
    frame.writeInt16BE(version, 6)
    return frame
  })

describe('Produce', () => {
  const versions = versionsOf(apis.produce, 12)
  const truth = ({ topicData }: ProduceRequest): ProduceRoute =>
    routeOf(
      topicData.flatMap(({ name, partitionData }) =>
        partitionData.map(({ index }) => [name, index] as const),
      ),
    )
  const requests = (version: number): fc.Arbitrary<Buffer> =>
    fc
      .tuple(
        header,
        placed(arbitraryMessage(apis.produce.request, version), {
          topics: 'topicData',
          name: 'name',
          partitions: 'partitionData',
          index: 'index',
        }),
      )
      .map(([head, body]) => encodeRequest<Fields, Fields>(apis.produce, version, head, body))
  const read = (frame: Buffer, version: number): ProduceRequest | undefined =>
    decoded(() =>
      decodeRequest(
        apis.produce,
        version,
        frame,
        decodeRequestHeader(frame, lengthBytes).bodyOffset,
      ),
    )

  test.each(versions)('v%d: the route of a whole request is that of its partitions', (version) => {
    fc.assert(
      fc.property(requests(version), (frame) => {
        const asked = read(frame, version)
        if (asked === undefined) throw new Error('the codec does not read what it wrote')
        const route = routeProduce(table, frame, 0, frame.length, frame.length, version)
        expect(route).toBe(truth(asked))
        expect(seenProduce.acks).toBe(asked.acks)
        const names = asked.topicData.map(({ name }) => name)
        if (asked.topicData.some(({ partitionData }) => partitionData.length > 0)) {
          if (route === 'unknown') expect(names).toContain(seenProduce.unknownTopic)
        }
      }),
      runs,
    )
  })

  test.each(versions)('v%d: of a part of it, the same or nothing yet', (version) => {
    fc.assert(
      fc.property(requests(version), (frame) => {
        const asked = read(frame, version)
        const wanted = asked === undefined ? 'incomplete' : truth(asked)
        for (let end = 12; end < frame.length; end++) {
          // What follows in the buffer belongs to another frame and must not be looked at.
          const buffer = Buffer.concat([frame.subarray(0, end), Buffer.alloc(64, 0xff)])
          const route = routeProduce(table, buffer, 0, end, frame.length, version)
          if (route !== 'incomplete') expect(route).toBe(wanted)
        }
      }),
      { numRuns: 40 },
    )
  })

  test.each(versions)('v%d: one partition is routed by the bytes before its records', (version) => {
    const records = Buffer.alloc(100_000)
    const body = {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 'a', partitionData: [{ index: 2, records }] }],
    }
    const frame = encodeRequest(apis.produce, version, { correlationId: 1, clientId: 'x' }, body)
    expect(routeProduce(table, frame, 0, 64, frame.length, version)).toBe(source(3))
  })

  test.each(versions)(
    'v%d: bytes that are anything give a route of whatever they decode to',
    (version) => {
      const bytes = fc.oneof(spoiled(requests(version)), garbage(apis.produce.key, version))
      fc.assert(
        fc.property(bytes, (frame) => {
          const route = routeProduce(table, frame, 0, frame.length, frame.length, version)
          const asked = read(frame, version)
          if (asked !== undefined) expect(route).toBe(truth(asked))
          expect(route).not.toBe('incomplete')
        }),
        { numRuns: 400 },
      )
    },
  )

  test.each(versions)('v%d: wherever the frame lies in the buffer', (version) => {
    fc.assert(
      fc.property(requests(version), fc.nat(40), (frame, at) => {
        const buffer = Buffer.concat([Buffer.alloc(at, 0xff), frame, Buffer.alloc(9, 0xff)])
        const end = at + frame.length
        const route = routeProduce(table, buffer, at, end, end, version)
        expect(route).toBe(routeProduce(table, frame, 0, frame.length, frame.length, version))
      }),
      runs,
    )
  })
})

describe('the answer to Produce', () => {
  const versions = versionsOf(apis.produce, 12)
  const answers = (version: number): fc.Arbitrary<Buffer> =>
    fc
      .tuple(arbitraryMessage(apis.produce.response, version), fc.boolean(), fc.integer())
      .map(([body, isGood, id]) =>
        encodeResponse<Fields, Fields>(apis.produce, version, id, isGood ? healed(body) : body),
      )
  const healed = (body: Values): Values => ({
    ...body,
    responses: structs(body['responses']).map((topic) => ({
      ...topic,
      partitionResponses: structs(topic['partitionResponses']).map((partition) => ({
        ...partition,
        errorCode: 0,
      })),
    })),
  })
  const truth = (frame: Buffer, version: number): boolean | undefined =>
    decoded(() => {
      const { bodyOffset } = decodeResponseHeader(apis.produce, version, frame, lengthBytes)
      const { responses } = decodeResponse(apis.produce, version, frame, bodyOffset)
      return responses.every(({ partitionResponses }) =>
        partitionResponses.every(({ errorCode }) => errorCode === 0),
      )
    })

  test.each(versions)('v%d: tells whether every partition was acknowledged', (version) => {
    let acked = 0
    fc.assert(
      fc.property(answers(version), (frame) => {
        const answer = everyPartitionAcked(frame, 0, frame.length, version)
        expect(answer).toBe(truth(frame, version))
        if (answer) acked++
      }),
      runs,
    )
    expect(acked).toBeGreaterThan(10)
  })

  test.each(versions)(
    'v%d: cut off or spoiled, it throws nothing and acknowledges no error',
    (version) => {
      fc.assert(
        fc.property(spoiled(answers(version)), fc.nat(60), (frame, missing) => {
          const end = Math.max(8, frame.length - missing)
          const answer = everyPartitionAcked(frame, 0, end, version)
          if (missing === 0 && truth(frame, version) === false) expect(answer).toBe(false)
        }),
        { numRuns: 400 },
      )
    },
  )
})

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
