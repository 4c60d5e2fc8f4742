import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  growVirtualBrokers,
  intersect,
  type VersionRanges,
  type VirtualBroker,
} from '../../src/cluster/index.ts'
import { nodeId } from '../../src/ids.ts'

const grow = (existing: readonly VirtualBroker[], ...ids: readonly number[]) =>
  growVirtualBrokers(existing, ids.map(nodeId))
const shown = (brokers: readonly VirtualBroker[]) =>
  brokers.map(({ slot, nodeId: id }) => [slot, id])

describe('virtual brokers', () => {
  test('are numbered from 1, in the order of their node ids', () => {
    expect(shown(grow([], 7, 3, 5))).toEqual([
      [1, 3],
      [2, 5],
      [3, 7],
    ])
  })

  test('keep their numbers for good; new ones follow', () => {
    const first = grow([], 3, 5)
    expect(shown(grow(first, 1, 5, 4))).toEqual([
      [1, 3],
      [2, 5],
      [3, 1],
      [4, 4],
    ])
  })

  test('of brokers that are gone stay', () => {
    const known = grow([], 1, 2)
    expect(grow(known, 2)).toBe(known)
    expect(grow(known)).toBe(known)
  })

  const ids = fc.array(fc.nat(20))
  test('laws: nobody moves, nobody is twice there, numbers have no gap', () => {
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 6 }), (steps) => {
        let known: readonly VirtualBroker[] = []
        for (const step of steps) {
          const next = grow(known, ...step)
          expect(next.slice(0, known.length)).toEqual(known)
          expect(next.map(({ slot }) => slot)).toEqual(next.map((_, i) => i + 1))
          expect(new Set(next.map((broker) => broker.nodeId)).size).toBe(next.length)
          for (const id of step) expect(next.some((broker) => broker.nodeId === id)).toBe(true)
          expect(grow(next, ...step)).toBe(next)
          known = next
        }
      }),
    )
  })
})

describe('the versions that everybody knows', () => {
  const ranges = (known: Readonly<Record<number, readonly [number, number]>>): VersionRanges =>
    new Map(Object.entries(known).map(([key, [min, max]]) => [Number(key), { min, max }]))

  test.each([
    { everybody: [], common: {} },
    { everybody: [{ 1: [0, 5] }], common: { 1: [0, 5] } },
    { everybody: [{ 1: [0, 5] }, { 1: [3, 9] }], common: { 1: [3, 5] } },
    { everybody: [{ 1: [0, 2] }, { 1: [3, 9] }], common: {} },
    { everybody: [{ 1: [0, 3] }, { 1: [3, 9] }], common: { 1: [3, 3] } },
    { everybody: [{ 1: [0, 5], 2: [0, 1] }, { 1: [0, 5] }], common: { 1: [0, 5] } },
    { everybody: [{ 1: [0, 5] }, {}], common: {} },
  ] as const)('$everybody', ({ everybody, common }) => {
    expect(intersect(everybody.map(ranges))).toEqual(ranges(common))
  })

  const some = fc
    .dictionary(fc.constantFrom('0', '1', '2'), fc.tuple(fc.nat(9), fc.nat(9)))
    .map((known) =>
      ranges(
        Object.fromEntries(
          Object.entries(known).map(([key, [a, b]]) => [key, [Math.min(a, b), Math.max(a, b)]]),
        ),
      ),
    )
  test('laws: a version is common if and only if each knows it, in whatever order they are asked', () => {
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 4 }), (everybody) => {
        const common = intersect(everybody)
        for (let key = 0; key < 3; key++) {
          for (let version = 0; version < 10; version++) {
            const knows = (known: VersionRanges): boolean => {
              const range = known.get(key)
              return range !== undefined && range.min <= version && version <= range.max
            }
            expect(knows(common)).toBe(everybody.every(knows))
          }
        }
        const sorted = (known: VersionRanges) => [...known].sort(([a], [b]) => a - b)
        expect(sorted(intersect([...everybody].reverse()))).toEqual(sorted(common))
      }),
      { numRuns: 500 },
    )
  })
})
