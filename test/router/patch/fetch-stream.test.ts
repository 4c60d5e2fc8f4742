import { describe, expect, test } from 'vitest'
import { apis, encodeBatch, encodeResponse, type Fields } from '../../../src/protocol/index.ts'
import { FetchPatcher, type Shift } from '../../../src/router/patch/index.ts'
import { lengthBytes } from './given.ts'

const lookup = (): Shift => ({ offset: 1000n, epoch: 100 })

describe('an answer to Fetch, as a stream,', () => {
  const body = (value: Buffer) => ({
    responses: [
      {
        topic: 'a',
        partitions: [
          {
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 1n,
            records: encodeBatch({ baseOffset: 5n, records: [{ timestamp: 1n, value }] }),
          },
        ],
      },
    ],
  })

  test('of a payload passes as far as it is there', () => {
    const frame = encodeResponse(apis.fetch, 11, 1, body(Buffer.alloc(100_000)))
    const patcher = new FetchPatcher(11, lookup)
    expect(patcher.patch(frame, 0, 5)).toBe(0)
    expect(patcher.patch(frame, 0, 500)).toBe(500)
    expect(patcher.patch(frame, 500, 50_000)).toBe(50_000)
    expect(patcher.patch(frame, 50_000, frame.length)).toBe(frame.length)
  })

  test('ends with its frame: what follows in the buffer is not looked at', () => {
    const frame = encodeResponse(apis.fetch, 12, 1, body(Buffer.alloc(10)))
    const buffer = Buffer.concat([frame, frame])
    expect(new FetchPatcher(12, lookup).patch(buffer, 0, buffer.length)).toBe(frame.length)
    expect(buffer.subarray(frame.length)).not.toEqual(buffer.subarray(0, frame.length))
  })

  test.each([
    ['too short', -1, 'it does not end where its size says'],
    ['too long', 1, 'it does not end where its size says'],
    ['negative', -100_000, 'a frame of'],
  ])('whose size is %s is refused', (_, more, reason) => {
    const frame = encodeResponse(apis.fetch, 12, 1, body(Buffer.alloc(10)))
    const buffer = Buffer.concat([frame, Buffer.alloc(8)])
    buffer.writeInt32BE(frame.length - lengthBytes + more)
    const patcher = new FetchPatcher(12, lookup)
    expect(() => patcher.patch(buffer, 0, buffer.length)).toThrow(reason)
  })

  test.each([
    ['an unknown magic byte', 16, 3],
    ['no length to speak of', 11, 13],
  ])('with a batch of %s is refused', (_, at, value) => {
    const given = body(Buffer.alloc(0))
    const batch = given.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    batch[at] = value
    const frame = encodeResponse(apis.fetch, 11, 1, given)
    expect(() => new FetchPatcher(11, lookup).patch(frame, 0, frame.length)).toThrow(
      'a-0: no record batch',
    )
  })

  test('with an endless length is refused before it is whole', () => {
    const frame = Buffer.alloc(1000, 0xff)
    frame.writeInt32BE(frame.length - lengthBytes)
    const patcher = new FetchPatcher(12, lookup)
    expect(patcher.patch(frame, 0, 40)).toBe(8)
    expect(() => patcher.patch(frame, 8, 100)).toThrow('a length is malformed')
  })

  const tagged = (data: Buffer, ofTopic: Buffer) => {
    const given = { ...body(Buffer.alloc(0)).responses[0] }
    const partitions = given.partitions?.map((each) => ({
      ...each,
      unknownTags: [{ tag: 1, data }],
    }))
    const topic = { ...given, partitions, unknownTags: [{ tag: 1, data: ofTopic }] }
    return encodeResponse<Fields, Fields>(apis.fetch, 12, 1, { responses: [topic] })
  }

  test('a leader is hidden, and a tagged field of a topic is none', () => {
    const frame = tagged(Buffer.alloc(9), Buffer.alloc(9))
    expect(new FetchPatcher(12, lookup).patch(frame, 0, frame.length)).toBe(frame.length)
    const hidden = Buffer.concat([Buffer.alloc(8, 0xff), Buffer.alloc(1)])
    const wanted = tagged(hidden, Buffer.alloc(9))
    expect(frame.subarray(-25)).toEqual(wanted.subarray(-25))
  })

  test('a leader that is too short is refused', () => {
    const frame = tagged(Buffer.alloc(7), Buffer.alloc(9))
    expect(() => new FetchPatcher(12, lookup).patch(frame, 0, frame.length)).toThrow(
      'tagged field 1 of 7 bytes',
    )
  })

  test('of numbers beyond an int64 wraps, as in Java', () => {
    const given = body(Buffer.alloc(0))
    const records = given.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    records.writeBigInt64BE(2n ** 63n - 1n)
    const frame = encodeResponse(apis.fetch, 11, 1, given)
    expect(new FetchPatcher(11, lookup).patch(frame, 0, frame.length)).toBe(frame.length)
  })
})
