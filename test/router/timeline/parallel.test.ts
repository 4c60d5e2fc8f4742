import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  laneOf,
  lanesOf,
  parallelTimelines,
  shownPartition,
  writtenPartition,
  writtenSegment,
} from '../../../src/router/index.ts'

const count = fc.integer({ min: 1, max: 40 })
const shape = fc.record({ sourcePartitions: count, targetPartitions: count })
const every = ({
  sourcePartitions: n,
  targetPartitions: m,
}: {
  sourcePartitions: number
  targetPartitions: number
}) => Array.from({ length: n + m }, (_, p) => p)

test('clients see N partitions of the source, then M of the target, each from where it begins', () => {
  const starts = [0n, 7n, 3n]
  const shown = parallelTimelines({ name: 'a', targetName: 'b', sourcePartitions: 2, starts })
  expect(
    shown.map(([{ cluster, topic, partition, start, virtualStart }, ...more]) => {
      expect(more).toEqual([])
      return [cluster, topic, partition, start, virtualStart]
    }),
  ).toEqual([
    ['source', 'a', 0, 0n, 0n],
    ['source', 'a', 1, 0n, 0n],
    ['target', 'b', 0, 0n, 0n],
    ['target', 'b', 1, 7n, 7n],
    ['target', 'b', 2, 3n, 3n],
  ])
})

test('everything is written to the target, and what lies there is written where it is read', () => {
  fc.assert(
    fc.property(shape, (parallel) => {
      const { sourcePartitions: n, targetPartitions: m } = parallel
      const starts = Array.from({ length: m }, () => 0n)
      const shown = parallelTimelines({ name: 'a', targetName: 'b', sourcePartitions: n, starts })
      for (const p of every(parallel)) {
        const segment = writtenSegment(parallel, shown, p)
        expect(segment).toMatchObject({ cluster: 'target', topic: 'b' })
        expect(segment.partition).toBe(writtenPartition(parallel, p))
        if (p >= n) expect(segment).toBe(shown[p]?.[0])
      }
      for (let q = 0; q < m; q++) {
        expect(writtenPartition(parallel, shownPartition(parallel, q))).toBe(q)
      }
    }),
  )
})

test('no two partitions share a lane of one of the target, and the lanes are as few as can be', () => {
  fc.assert(
    fc.property(shape, (parallel) => {
      const lanes = new Set<string>()
      let highest = 0
      for (const p of every(parallel)) {
        const lane = laneOf(parallel, p)
        lanes.add(`${writtenPartition(parallel, p)} ${lane}`)
        highest = Math.max(highest, lane)
      }
      expect(lanes.size).toBe(every(parallel).length)
      expect(highest + 1).toBe(lanesOf(parallel))
    }),
  )
})
