import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type Fields,
} from '../../src/protocol/index.ts'
import { decide } from '../../src/router/index.ts'
import { correlationId, requestOf, topicIdOf } from './given.ts'
import { known, table } from './splits.ts'

describe('Fetch over several brokers', () => {
  const { fetch } = apis
  const split = (version: number, more: Record<string, unknown>) => {
    const topics = [
      {
        topic: 'orders',
        topicId: topicIdOf('orders'),
        partitions: [0, 1, 2].map((partition) => ({
          partition,
          fetchOffset: 0n,
          partitionMaxBytes: 1,
        })),
      },
    ]
    const body = { maxWaitMs: 5_000, minBytes: 1, topics, forgottenTopicsData: [], ...more }
    const request = requestOf<Fields, Fields>(fetch, version, body)
    const decision = decide(table, request, known, { splitFetchWaitMs: 100 })
    if (decision.kind !== 'split') throw new Error('not split')
    const parts = decision.parts.map(({ frame }) =>
      decodeRequest(fetch, version, frame, decodeRequestHeader(frame, 4).bodyOffset),
    )
    return { parts, merge: decision.merge }
  }

  test.each([7, 11, 12, 15])(
    'v%d: has no session, no rack, a short wait and a share of the bytes',
    (version) => {
      const { parts } = split(version, {
        sessionId: 9,
        sessionEpoch: 0,
        maxBytes: 3_000,
        rackId: version >= 11 ? 'r' : '',
      })
      for (const part of parts) {
        expect(part).toMatchObject({
          sessionId: 0,
          sessionEpoch: -1,
          maxWaitMs: 100,
          maxBytes: 1_000,
          rackId: '',
          minBytes: 1,
        })
      }
    },
  )

  test('waits no longer than it was asked to', () => {
    for (const part of split(11, { maxWaitMs: 20 }).parts) expect(part.maxWaitMs).toBe(20)
  })

  test('asks for a byte at least', () => {
    for (const part of split(11, { maxBytes: 1 }).parts) expect(part.maxBytes).toBe(1)
  })

  test('has the first error of its parts, and never a session', () => {
    const { merge } = split(11, {})
    const answers = [0, 71, 56].map((errorCode) =>
      encodeResponse(fetch, 11, correlationId, { errorCode, sessionId: 5, responses: [] }).subarray(
        4,
      ),
    )
    const merged = merge(answers)
    const { bodyOffset } = decodeResponseHeader(fetch, 11, merged, 4)
    expect(decodeResponse(fetch, 11, merged, bodyOffset)).toMatchObject({
      errorCode: 71,
      sessionId: 0,
    })
  })

  test('bytes that are no answer are a DecodeError', () => {
    const { merge } = split(11, {})
    expect(() => merge([Buffer.alloc(12, 0xff), Buffer.alloc(12), Buffer.alloc(3)])).toThrow()
  })
})
