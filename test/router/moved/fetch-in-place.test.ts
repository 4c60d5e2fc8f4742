import { describe, expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeBatch,
  encodeRequest,
  encodeResponse,
  type RequestInput,
} from '../../../src/protocol/index.ts'
import {
  moveFetch,
  moveFetchInPlace,
  sourceTimeline,
  splice,
  type FetchPatcher,
  type Readings,
  type RequestFrame,
} from '../../../src/router/index.ts'
import { topicIdOf } from '../given.ts'
import { movedTable, sourceEnd, tableOf, targetIdOf, targetStart } from '../translations/given.ts'

const versions = Array.from({ length: 12 }, (_, i) => 4 + i)
const seen: unknown[] = []
const readings: Readings = {
  exhaustedFrom: () => undefined,
  emptyAt() {},
  endOf: () => undefined,
  endSeen: (_, end) => void seen.push(end),
  positionSeen: (_, __, offset, clientId) => void seen.push([offset, clientId]),
  gone: () => false,
}
const options = { splitFetchWaitMs: 100, gatheredBytesMax: 1_000, readings, reader: {} }

/** `orders` has the same name on the target, where one broker leads partitions 0 and 1, another one 2. */
const timelines = [0, 1, 2].map((partition) => {
  const next = { cluster: 'target' as const, topic: 'orders', partition, start: targetStart }
  return splice(sourceTimeline('orders', partition), { end: sourceEnd, next })
})
const orders = { name: 'orders', targetName: 'orders', topicId: topicIdOf('orders'), timelines }
const table = tableOf(
  { orders: [11, 11, 12] },
  { clusterId: 'source-cluster', topics: new Map([['orders', orders]]), spliced: true },
)

type Body = RequestInput<typeof apis.fetch>
const asking = (
  version: number,
  offsets: Readonly<Record<number, bigint>>,
  more: Partial<Body> = {},
  name = 'orders',
): Body => ({
  ...{ maxWaitMs: 500, minBytes: 1, maxBytes: 5_000, isolationLevel: 1 },
  ...(version >= 7 ? { sessionId: 0, sessionEpoch: 0 } : {}),
  topics: [
    {
      ...(version >= 13 ? { topicId: topicIdOf(name) } : { topic: name }),
      partitions: Object.entries(offsets).map(([partition, fetchOffset]) => ({
        partition: Number(partition),
        ...{ fetchOffset, partitionMaxBytes: 1_000 },
        ...(version >= 9 ? { currentLeaderEpoch: 3 } : {}),
        ...(version >= 12 ? { lastFetchedEpoch: 2 } : {}),
      })),
    },
  ],
  ...more,
})

/** The frame with its length, somewhere in a buffer. */
function framed(version: number, body: Body, before = 5) {
  const frame = encodeRequest(apis.fetch, version, { correlationId: 7, clientId: 'me' }, body)
  const buffer = Buffer.concat([Buffer.alloc(before, 0xff), frame, Buffer.alloc(9, 0xff)])
  return { buffer, at: before, frameEnd: before + frame.length }
}

function inPlace(version: number, body: Body, on = table) {
  const { buffer, at, frameEnd } = framed(version, body)
  return moveFetchInPlace(on, buffer, at, frameEnd, version, options)
}

/** A whole frame, without its length. */
function requestOf(version: number, frame: Buffer): RequestFrame {
  return { api: apis.fetch, version, ...decodeRequestHeader(frame, 0), frame }
}

const decoded = (version: number, frame: Buffer) =>
  decodeRequest(apis.fetch, version, frame, decodeRequestHeader(frame, 0).bodyOffset)

const answerTo = (version: number): Buffer =>
  encodeResponse(apis.fetch, version, 7, {
    ...(version >= 7 ? { sessionId: 9 } : {}),
    responses: [
      {
        ...(version >= 13 ? { topicId: targetIdOf('orders') } : { topic: 'orders' }),
        partitions: [0, 1].map((partitionIndex) => ({
          ...{
            partitionIndex,
            errorCode: 0,
            highWatermark: 30n,
            lastStableOffset: 30n,
            abortedTransactions: [],
          },
          ...(version >= 5 ? { logStartOffset: 7n } : {}),
          records: encodeBatch({ baseOffset: 20n, records: [{ timestamp: 1n, value: null }] }),
        })),
      },
    ],
  })

function shownBy(version: number, patcher: FetchPatcher) {
  const answer = answerTo(version)
  patcher.patch(answer, 0, answer.length)
  const { bodyOffset } = decodeResponseHeader(apis.fetch, version, answer, 4)
  return decodeResponse(apis.fetch, version, answer, bodyOffset)
}

describe.each(versions)('Fetch v%d', (version) => {
  const body = asking(version, { 0: sourceEnd + 13n, 1: sourceEnd })

  test('becomes where it lies what decoding it would give, and so does its answer', () => {
    seen.length = 0
    const { buffer, at, frameEnd } = framed(version, body)
    const before = Buffer.from(buffer)
    const there = moveFetchInPlace(table, buffer, at, frameEnd, version, options)
    if (there === undefined) throw new Error('it is one of those')
    expect(buffer).toEqual(before)
    expect(seen).toEqual([])
    const patcher = there.translate()
    expect(seen.splice(0)).toEqual([[sourceEnd + 13n, 'me'], [sourceEnd, 'me']]) // prettier-ignore
    const shown = shownBy(version, patcher)
    const seenInPlace = seen.splice(0)

    const request = requestOf(version, before.subarray(at + 4, frameEnd))
    const long = moveFetch(table, request, options)
    if (long.kind !== 'stream') throw new Error(long.kind)
    seen.length = 0
    expect(there.to).toBe(long.to)
    expect(decoded(version, buffer.subarray(at + 4, frameEnd))).toEqual(
      decoded(version, long.frame.subarray(4)),
    )
    expect(shown).toEqual(shownBy(version, long.patcher))
    expect(seenInPlace).toEqual(seen)
    expect(shown.responses[0]?.partitions[0]?.records?.readBigInt64BE(0)).toBe(
      20n + sourceEnd - targetStart,
    )
    expect(buffer.subarray(0, at)).toEqual(before.subarray(0, at))
    expect(buffer.subarray(frameEnd)).toEqual(before.subarray(frameEnd))
  })

  test.each([
    ['from before the splice', asking(version, { 0: sourceEnd - 1n })],
    ['from two brokers', asking(version, { 0: sourceEnd, 2: sourceEnd })],
    ['of nothing', asking(version, {})],
    ['of a partition that nobody knows', asking(version, { 0: sourceEnd, 9: sourceEnd })],
    ['of a topic that has not moved', asking(version, { 0: sourceEnd }, {}, 'bills')],
  ])('is another one: %s', (_, other) => {
    expect(inPlace(version, other)).toBeUndefined()
  })

  test('is read as far as it goes, and no further', () => {
    const { buffer, at, frameEnd } = framed(version, body)
    for (let end = at + 14; end < frameEnd; end++) {
      expect(moveFetchInPlace(table, buffer, at, end, version, options)).toBeUndefined()
    }
  })

  const since7 = version >= 7 ? test : undefined
  since7?.('is another one where topics are forgotten', () => {
    const forgottenTopicsData = [{ topic: 'orders', topicId: topicIdOf('orders'), partitions: [2] }]
    expect(inPlace(version, { ...body, forgottenTopicsData })).toBeUndefined()
  })

  const since11 = version >= 11 ? test : undefined
  since11?.('is another one where a rack is named', () => {
    expect(inPlace(version, { ...body, rackId: 'a' })).toBeUndefined()
  })

  test('of a renamed topic is told its name, unless it goes by its id', () => {
    expect(inPlace(version, asking(version, { 0: sourceEnd }), movedTable()) !== undefined).toBe(
      version >= 13,
    )
  })
})
