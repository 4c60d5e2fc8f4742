import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  batches,
  decodeAssignment,
  DecodeError,
  decodeRecords,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  decodeSubscription,
  type Api,
} from '../../src/protocol/index.ts'
import { goldenFrames } from './golden.ts'

/**
 * Bytes from anywhere: decoding returns or throws a DecodeError, nothing else, in time that is
 * linear in the bytes, and makes no more than a bounded number of values for each byte.
 */
const versionsOf = ({ versions: { min, max } }: Api): number[] =>
  Array.from({ length: max - min + 1 }, (_, i) => min + i)
const targets = Object.values<Api>(apis).flatMap((api) =>
  versionsOf(api).flatMap((version) => [
    (bytes: Buffer): unknown => decodeRequest(api, version, bytes, 0),
    (bytes: Buffer): unknown => decodeResponse(api, version, bytes, 0),
  ]),
)

/** The value, or undefined where the bytes are refused as they should be. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return undefined
  }
}

/** How many values were made: array elements, fields, and the bytes of strings. */
function weight(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, inner) => sum + weight(inner), 1)
}

/** The widest struct has fewer fields than this, and every element of an array takes a byte. */
const fieldsMax = 60

describe('bytes from anywhere', () => {
  test('random bytes, to every API in every version', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(bytes, fc.constantFrom(...targets), (buffer, decode) => {
        const value = decoded(() => decode(buffer))
        expect(weight(value)).toBeLessThan((buffer.length + 1) * fieldsMax)
      }),
      { numRuns: 8000 },
    )
  })

  test.each([0x00, 0x01, 0x02, 0x7f, 0x80, 0xff])('nothing but %i, to every one', (byte) => {
    const buffer = Buffer.alloc(2000, byte)
    for (const decode of targets) {
      const value = decoded(() => decode(buffer))
      expect(weight(value)).toBeLessThan(buffer.length * fieldsMax)
    }
  })

  test('random bytes as headers, batches, and payloads of the consumer protocol', () => {
    const bytes = fc.uint8Array({ maxLength: 120 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(bytes, (buffer) => {
        decoded(() => decodeRequestHeader(buffer, 0))
        decoded(() => decodeResponseHeader(apis.metadata, 9, buffer, 0))
        decoded(() => [...batches(buffer)].map((batch) => decodeRecords(buffer, batch)))
        decoded(() => decodeSubscription(buffer))
        decoded(() => decodeAssignment(buffer))
      }),
      { numRuns: 5000 },
    )
  })
})

function decodeFrame(api: Api, version: number, part: 'request' | 'response', frame: Buffer) {
  if (part === 'request') {
    return decodeRequest(api, version, frame, decodeRequestHeader(frame, 0).bodyOffset)
  }
  const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
  return decodeResponse(api, version, frame, bodyOffset)
}

describe('golden frames, spoiled', () => {
  test('cut off at every byte: never taken for whole', () => {
    for (const { api, version, part, frame } of goldenFrames) {
      const step = Math.ceil(frame.length / 200)
      for (let end = 0; end < frame.length; end += step) {
        const value = decoded(() => decodeFrame(api, version, part, frame.subarray(0, end)))
        expect(value).toBeUndefined()
      }
    }
  })

  test('some bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.constantFrom(...goldenFrames), changes, (golden, list) => {
        const frame = Buffer.from(golden.frame)
        for (const [at, byte] of list) frame[at % frame.length] = byte
        const { api, version, part } = golden
        const value = decoded(() => decodeFrame(api, version, part, frame))
        expect(weight(value)).toBeLessThan(frame.length * fieldsMax)
      }),
      { numRuns: 8000 },
    )
  })

  test('a length of 2 GB put anywhere is refused before memory is taken for it', () => {
    const before = process.memoryUsage().rss
    for (const { api, version, part, frame } of goldenFrames) {
      for (const length of ['7fffffff', 'ffffffff07']) {
        const bytes = Buffer.from(length, 'hex')
        const step = Math.ceil(frame.length / 60)
        for (let at = 8; at + bytes.length <= frame.length; at += step) {
          const spoiled = Buffer.from(frame)
          bytes.copy(spoiled, at)
          decoded(() => decodeFrame(api, version, part, spoiled))
        }
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1024 * 1024)
  })
})
