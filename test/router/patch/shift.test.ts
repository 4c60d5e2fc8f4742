import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addInt64 } from '../../../src/router/patch/shift.ts'

describe('adding to an int64 in place', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const nearCarry = fc
    .tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2, max: 2 }))
    .map(([high, low]) => BigInt(high) * 2n ** 32n + BigInt(low))
  const any = fc.oneof(int64, nearCarry)

  it('is what the bigints give, wrapped, whatever was added before', () => {
    fc.assert(
      fc.property(any, fc.array(any, { minLength: 1, maxLength: 5 }), (start, offsets) => {
        const buffer = Buffer.alloc(24, 0xaa)
        buffer.writeBigInt64BE(start, 8)
        let sum = start
        for (const offset of offsets) {
          addInt64(buffer, 8, offset)
          sum = BigInt.asIntN(64, sum + offset)
          expect(buffer.readBigInt64BE(8)).toBe(sum)
        }
        expect(buffer.readBigUInt64BE(0)).toBe(0xaaaa_aaaa_aaaa_aaaan)
        expect(buffer.readBigUInt64BE(16)).toBe(0xaaaa_aaaa_aaaa_aaaan)
      }),
    )
  })
})
