import { describe, expect, test } from 'vitest'
import { etaSeconds, sampled, type Rate } from '../../../src/migrator/groups/rate.ts'

const after = (samples: readonly (readonly [number, bigint])[]): Rate => {
  let rate: Rate | undefined
  for (const [atMs, remaining] of samples) rate = sampled(rate, remaining, atMs)
  if (rate === undefined) throw new Error('no samples')
  return rate
}

describe('how fast a group drains', () => {
  test('is not known after one look', () => {
    const rate = after([[0, 100n]])
    expect([rate.perSecond, etaSeconds(rate)]).toEqual([null, null])
  })

  test('is what two looks tell, and the rest of it takes so long', () => {
    const rate = after([
      [0, 1000n],
      [2000, 600n],
    ])
    expect([rate.perSecond, etaSeconds(rate)]).toEqual([200, 3])
  })

  test('follows a change by half in the half-life', () => {
    const rate = after([
      [0, 101_000n],
      [100_000, 1000n],
      [105_000, 1000n],
    ])
    expect(rate.perSecond).toBeCloseTo(500)
  })

  test('is the mean of what was seen, from the beginning: commits come every few seconds', () => {
    const drained = (s: number): number => Math.floor(s / 5) * 200_000
    const looks = Array.from({ length: 51 }, (_, i) => i / 5)
    const rate = after(looks.map((s) => [s * 1000, BigInt(1_000_000 - drained(s))] as const))
    // 40,000 records a second, of which 600,000 are left: 15 s.
    expect(etaSeconds(rate)).toBeGreaterThan(9)
    expect(etaSeconds(rate)).toBeLessThan(16)
  })

  test('does not depend on how often it is looked at', () => {
    const seldom = after([
      [0, 1000n],
      [1000, 900n],
      [9000, 100n],
    ])
    const often = after([
      [0, 1000n],
      [1000, 900n],
      ...[2, 3, 4, 5, 6, 7, 8, 9].map((s) => [s * 1000, 1000n - BigInt(s) * 100n] as const),
    ])
    expect(often.perSecond).toBeCloseTo(seldom.perSecond ?? -1)
  })

  test('has no ETA while it stands still or goes back, and 0 when nothing is left', () => {
    expect(
      etaSeconds(
        after([
          [0, 5n],
          [1000, 5n],
        ]),
      ),
    ).toBeNull()
    expect(
      etaSeconds(
        after([
          [0, 5n],
          [1000, 50n],
        ]),
      ),
    ).toBeNull()
    expect(etaSeconds(after([[0, 0n]]))).toBe(0)
  })

  test('two looks at one time are one', () => {
    expect(
      after([
        [0, 10n],
        [0, 5n],
      ]),
    ).toEqual({ remaining: 5n, atMs: 0, perSecond: null, weight: 0 })
  })
})
