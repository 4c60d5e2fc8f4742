import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  DecodeError,
  encodeRequest,
  encodeResponse,
  type Fields,
  type ProduceRequest,
  type ProduceResponse,
} from '../../../src/protocol/index.ts'
import {
  batchHeaderBytes,
  patchProduceResponse,
  walkProduceBatches,
  type Shift,
} from '../../../src/router/patch/index.ts'
import { arbitraryMessage, type Values } from '../../protocol/arbitrary.ts'
import { batch, lengthBytes, spoiled, structs } from './given.ts'

const versions = Array.from({ length: 10 }, (_, i) => 3 + i)
const name = fc.constantFrom('a', 'b', 'n'.repeat(249))
const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(of, { minLength: 9, maxLength: 9 })

/** Visits `[at, end)` and gives what was visited: the header of each batch, null where there is none. */
function walked(buffer: Buffer, at: number, end: number, frameEnd: number, version: number) {
  const visits: unknown[] = []
  const outcome = walkProduceBatches(
    buffer,
    at,
    end,
    frameEnd,
    version,
    (topic, partition, batchAt, indexAt) => {
      const header = Buffer.from(buffer.subarray(batchAt, batchAt + batchHeaderBytes))
      visits.push([topic, partition, batchAt < 0 ? null : header, buffer.readInt32BE(indexAt)])
    },
  )
  return { outcome, visits }
}

describe('a Produce request', () => {
  const records = fc.oneof(
    { weight: 4, arbitrary: batch },
    { weight: 1, arbitrary: fc.constantFrom(null, Buffer.alloc(0), Buffer.alloc(60)) },
  )
  const requests = (version: number): fc.Arbitrary<Buffer> =>
    fc
      .tuple(
        arbitraryMessage(apis.produce.request, version),
        some(name),
        some(fc.record({ index: fc.nat(5), records })),
      )
      .map(([values, names, places]) => {
        let topics = 0
        let partitions = 0
        const topicData = structs(values['topicData']).map((topic) => ({
          ...topic,
          name: names[topics++ % names.length],
          partitionData: structs(topic['partitionData']).map((partition) => ({
            ...partition,
            ...places[partitions++ % places.length],
          })),
        }))
        const header = { correlationId: 1, clientId: 'client' }
        const body: Values = { ...values, topicData }
        return encodeRequest<Fields, Fields>(apis.produce, version, header, body)
      })
  const read = (frame: Buffer, version: number): ProduceRequest => {
    const { bodyOffset } = decodeRequestHeader(frame, lengthBytes)
    return decodeRequest(apis.produce, version, frame, bodyOffset)
  }
  const truth = ({ topicData }: ProduceRequest): unknown[] =>
    topicData.flatMap(({ name: topic, partitionData }) =>
      partitionData.map(({ index, records: written }) => {
        const hasBatch = written !== null && written.length >= batchHeaderBytes
        const header = hasBatch ? Buffer.from(written.subarray(0, batchHeaderBytes)) : null
        return [topic, index, header, index]
      }),
    )

  test.each(versions)('v%d: each partition is visited, wherever the frame lies', (version) => {
    let visited = 0
    fc.assert(
      fc.property(requests(version), fc.nat(9), (frame, at) => {
        const buffer = Buffer.concat([Buffer.alloc(at, 0xff), frame, Buffer.alloc(70, 0xff)])
        const end = at + frame.length
        const { outcome, visits } = walked(buffer, at, end, end, version)
        expect(outcome).toBe('visited')
        expect(visits).toEqual(truth(read(frame, version)))
        visited += visits.length
      }),
      { numRuns: 100 },
    )
    expect(visited).toBeGreaterThan(50)
  })

  test.each(versions)('v%d: of a part of it, all are visited or none', (version) => {
    fc.assert(
      fc.property(requests(version), (frame) => {
        const wanted = truth(read(frame, version))
        for (let end = 12; end < frame.length; end++) {
          const buffer = Buffer.concat([frame.subarray(0, end), Buffer.alloc(70, 0xff)])
          const { outcome, visits } = walked(buffer, 0, end, frame.length, version)
          expect(outcome).not.toBe('malformed')
          expect(visits).toEqual(outcome === 'visited' ? wanted : [])
        }
      }),
      { numRuns: 20 },
    )
  })

  test.each(versions)(
    'v%d: one partition needs no more than the header of its batch',
    (version) => {
      const records = Buffer.alloc(100_000)
      const body = {
        acks: 1,
        timeoutMs: 1,
        topicData: [{ name: 'a', partitionData: [{ index: 2, records }] }],
      }
      const header = { correlationId: 1, clientId: 'x' }
      const frame = encodeRequest(apis.produce, version, header, body)
      const behind = version >= 9 ? 3 : 0
      const batchAt = frame.length - behind - records.length
      const enough = batchAt + batchHeaderBytes
      expect(walked(frame, 0, enough - 1, frame.length, version).outcome).toBe('incomplete')
      expect(walked(frame, 0, enough, frame.length, version)).toEqual({
        outcome: 'visited',
        visits: [['a', 2, Buffer.alloc(batchHeaderBytes), 2]],
      })
      const cut = batchAt + records.length - 1
      expect(walked(frame, 0, enough, cut, version).outcome).toBe('malformed')
    },
  )

  test.each(versions)('v%d: spoiled bytes throw nothing and are never incomplete', (version) => {
    fc.assert(
      fc.property(spoiled(requests(version)), (frame) => {
        const { outcome } = walked(frame, 0, frame.length, frame.length, version)
        expect(outcome).not.toBe('incomplete')
      }),
      { numRuns: 200 },
    )
  })
})

describe('the answer to Produce', () => {
  const number = fc.oneof(fc.constant(-1n), fc.bigInt({ min: 0n, max: 2n ** 42n }))
  const numbers = fc.record({
    index: fc.nat(3),
    baseOffset: number,
    logStartOffset: number,
    name,
  })
  const shifts: readonly (Shift | undefined)[] = [
    { offset: 1000n, epoch: 1 },
    { offset: -5n, epoch: 0, logStart: 17n },
    undefined,
  ]
  const lookup = (topic: string, partition: number): Shift | undefined =>
    topic === 'b' ? undefined : shifts[partition]
  const answers = (version: number): fc.Arbitrary<Buffer> =>
    fc
      .tuple(arbitraryMessage(apis.produce.response, version), some(numbers))
      .map(([values, places]) => {
        let used = 0
        const next = () => places[used++ % places.length]
        const responses = structs(values['responses']).map((topic) => ({
          ...topic,
          name: next()?.name,
          partitionResponses: structs(topic['partitionResponses']).map((partition) => {
            const { index, baseOffset, logStartOffset } = next() ?? {}
            return {
              ...partition,
              ...{ index, baseOffset },
              ...(version >= 5 ? { logStartOffset } : {}),
            }
          }),
        }))
        return encodeResponse<Fields, Fields>(apis.produce, version, 1, { ...values, responses })
      })
  const read = (frame: Buffer, version: number): ProduceResponse => {
    const { bodyOffset } = decodeResponseHeader(apis.produce, version, frame, lengthBytes)
    return decodeResponse(apis.produce, version, frame, bodyOffset)
  }
  const moved = (offset: bigint, by: bigint): bigint => (offset < 0n ? offset : offset + by)
  const truth = (answer: ProduceResponse): ProduceResponse => ({
    ...answer,
    responses: answer.responses.map((topic) => ({
      ...topic,
      partitionResponses: topic.partitionResponses.map((each) => {
        const shift = lookup(topic.name, each.index)
        if (shift === undefined) return each
        const { logStartOffset } = each
        return {
          ...each,
          baseOffset: moved(each.baseOffset, shift.offset),
          logStartOffset:
            logStartOffset < 0n ? -1n : (shift.logStart ?? logStartOffset + shift.offset),
        }
      }),
    })),
  })

  test.each(versions)('v%d: is what decoding would give', (version) => {
    let shifted = 0
    fc.assert(
      fc.property(answers(version), fc.nat(9), (frame, start) => {
        const wanted = encodeResponse(apis.produce, version, 1, truth(read(frame, version)))
        const buffer = Buffer.concat([Buffer.alloc(start), frame, Buffer.alloc(9, 0xff)])
        const end = start + frame.length
        patchProduceResponse(buffer, start, end, version, lookup)
        expect(buffer).toEqual(Buffer.concat([Buffer.alloc(start), wanted, Buffer.alloc(9, 0xff)]))
        if (!wanted.equals(frame)) shifted++
      }),
      { numRuns: 150 },
    )
    expect(shifted).toBeGreaterThan(15)
  })

  test.each(versions)('v%d: spoiled bytes are a DecodeError or pass', (version) => {
    let refused = 0
    fc.assert(
      fc.property(spoiled(answers(version)), (frame) => {
        try {
          patchProduceResponse(frame, 0, frame.length, version, lookup)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
          refused++
        }
      }),
      { numRuns: 200 },
    )
    expect(refused).toBeGreaterThan(5)
  })
})
