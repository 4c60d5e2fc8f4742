import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type Fields,
  type ProduceRequest,
} from '../../src/protocol/index.ts'
import {
  everyPartitionAcked,
  routeProduce,
  seenProduce,
  type ProduceRoute,
} from '../../src/router/index.ts'
import { arbitraryMessage, type Values } from '../protocol/arbitrary.ts'
import { source, versionsOf } from './given.ts'
import {
  decoded,
  garbage,
  header,
  lengthBytes,
  placed,
  routeOf,
  runs,
  spoiled,
  structs,
  table,
} from './peek.ts'

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
