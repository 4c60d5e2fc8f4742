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
  type Api,
} from '../../src/protocol/index.ts'
import { arbitraryMessage } from './arbitrary.ts'

const versionsOf = ({ versions: { min, max } }: Api): number[] =>
  Array.from({ length: max - min + 1 }, (_, i) => min + i)
const cases = Object.values<Api>(apis).flatMap((api) =>
  versionsOf(api).map((version) => ({ api, name: api.name, version })),
)
const lengthBytes = 4
const runs = { numRuns: 15 }

describe('what is encoded decodes to itself, and its bytes encode to themselves', () => {
  test.each(cases)('$name request v$version', ({ api, version }) => {
    const header = fc.record({
      correlationId: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
      clientId: fc.option(fc.string({ unit: 'grapheme' })),
    })
    fc.assert(
      fc.property(header, arbitraryMessage(api.request, version), (given, body) => {
        const frame = encodeRequest(api, version, given, body)
        expect(frame.readInt32BE()).toBe(frame.length - lengthBytes)
        const read = decodeRequestHeader(frame, lengthBytes)
        expect(read).toMatchObject({ ...given, apiKey: api.key, apiVersion: version })
        const decoded = decodeRequest(api, version, frame, read.bodyOffset)
        expect(decoded).toEqual(body)
        expect(encodeRequest(api, version, read, decoded)).toEqual(frame)
      }),
      runs,
    )
  })

  test.each(cases)('$name response v$version', ({ api, version }) => {
    fc.assert(
      fc.property(arbitraryMessage(api.response, version), (body) => {
        const frame = encodeResponse(api, version, 77, body)
        expect(frame.readInt32BE()).toBe(frame.length - lengthBytes)
        const read = decodeResponseHeader(api, version, frame, lengthBytes)
        expect(read.correlationId).toBe(77)
        const decoded = decodeResponse(api, version, frame, read.bodyOffset)
        expect(decoded).toEqual(body)
        expect(encodeResponse(api, version, 77, decoded)).toEqual(frame)
      }),
      runs,
    )
  })
})
