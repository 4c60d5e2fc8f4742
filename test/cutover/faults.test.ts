import { describe, expect, test } from 'vitest'
import { killKinds, planKill } from './faults.ts'

const plans = (kind: (typeof killKinds)[number]) =>
  Array.from({ length: 20 }, (_, seed) => planKill({ kind, seed }, 3))

describe('the kills', () => {
  test('are repeated by their seed, and differ by kind and seed', () => {
    const all = killKinds.flatMap(plans)
    expect(killKinds.flatMap(plans)).toEqual(all)
    expect(new Set(all.map((plan) => plan.atMs)).size).toBeGreaterThan(50)
  })

  test('come before the flip, while it is quick, and while the groups move; to every broker', () => {
    for (const kind of killKinds) {
      const times = plans(kind).map((plan) => plan.atMs)
      expect(times.some((ms) => ms < 0)).toBe(true)
      expect(times.some((ms) => ms >= 0 && ms < 500)).toBe(true)
      expect(times.some((ms) => ms > 2_000)).toBe(true)
      expect(times.every((ms) => ms >= -300 && ms < 6_000)).toBe(true)
      expect(new Set(plans(kind).map((plan) => plan.broker))).toEqual(new Set([0, 1, 2]))
    }
  })
})
