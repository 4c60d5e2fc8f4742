import { describe, expect, it } from 'vitest'
import { placesOf, sourceTimeline, splice, type Timeline } from '../../../src/router/index.ts'

// source [0..100) -> target's orders-v2 [7..27) -> source [100..
const moved: Timeline = splice(sourceTimeline('orders', 3), {
  end: 100n,
  next: { cluster: 'target', topic: 'orders-v2', partition: 3, start: 7n },
})
const back: Timeline = splice(moved, {
  end: 27n,
  next: { cluster: 'source', topic: 'orders', partition: 3, start: 104n },
})
const source = (offset: bigint) => ({ topic: 'orders', partition: 3, offset })
const target = (offset: bigint) => ({ topic: 'orders-v2', partition: 3, offset })

describe('where a virtual offset is on each cluster', () => {
  it.each([
    ['before a splice', sourceTimeline('orders', 3), 5n, source(5n), null],
    ['below the splice', moved, 99n, source(99n), null],
    ['at the splice', moved, 100n, source(100n), target(7n)],
    ['behind the splice', moved, 101n, null, target(8n)],
    ['at the second splice', back, 120n, source(104n), target(27n)],
    ['behind it', back, 121n, source(105n), null],
    ['at the first one, still', back, 100n, source(100n), target(7n)],
  ])('%s', (_, timeline, offset, onSource, onTarget) => {
    expect(placesOf(timeline, offset)).toEqual({ source: onSource, target: onTarget })
  })
})
