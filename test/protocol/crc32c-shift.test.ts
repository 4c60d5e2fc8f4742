import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c, crc32cShift } from '../../src/protocol/index.ts'

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })

describe('crc32cShift', () => {
  test('of a change anywhere in a message gives the crc of the whole', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 5000 })
    const change = fc.uint8Array({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(message, change, fc.nat(), (bytes, bits, place) => {
        const before = Buffer.from(bytes)
        const start = place % before.length
        const after = Buffer.from(before)
        bits.forEach((value, i) => {
          if (start + i < after.length) after[start + i] = value
        })
        const end = Math.min(start + bits.length, after.length)
        const difference = crc32c(before, start, end) ^ crc32c(after, start, end)
        const shifted = crc32cShift(difference, before.length - end)
        expect((crc32c(before) ^ shifted) >>> 0).toBe(crc32c(after))
      }),
      { numRuns: 500 },
    )
  })

  test('through a megabyte and an odd byte', () => {
    const before = Buffer.alloc(1024 * 1024 + 1, 7)
    const after = Buffer.from(before)
    after[0] = 8
    const shifted = crc32cShift(crc32c(before, 0, 1) ^ crc32c(after, 0, 1), before.length - 1)
    expect((crc32c(before) ^ shifted) >>> 0).toBe(crc32c(after))
  })

  test('two shifts are one, up to the largest count', () => {
    const half = fc.nat(0x3fffffff)
    fc.assert(
      fc.property(int32, half, half, (difference, a, b) => {
        const stepwise = crc32cShift(crc32cShift(difference, a), b)
        expect(crc32cShift(difference, a + b)).toBe(stepwise)
      }),
    )
    // The order of x modulo the Castagnoli polynomial divides 2^31 - 1: so many bytes change nothing.
    fc.assert(
      fc.property(int32, (difference) => {
        expect(crc32cShift(crc32cShift(difference, 1), 0x7fffffff)).toBe(crc32cShift(difference, 1))
      }),
    )
  })

  test('by nothing, and of nothing', () => {
    expect(crc32cShift(-1, 0)).toBe(0xffffffff)
    expect(crc32cShift(0, 12_345)).toBe(0)
  })
})
