import { describe, expect, test } from 'vitest'
import type { Status } from '../../src/admin/index.ts'
import type { Flip } from './flip.ts'
import type { GroupHistory } from './history.ts'
import { commitFindings, flipFindings, spliceFindings, unorderedFindings } from './outcome.ts'

const partition = {
  ...{ partition: 0, sourceEnd: 3, targetStart: 7, stragglers: 0, sourceWriteRate: 0 },
}
const status: Status = {
  ...{ name: 'app', version: '0', pid: 1, uptimeSeconds: 1, mode: 'ordered', direction: 'forward' },
  ...{ phase: 'spliced', waitingFor: ['group g: 3 records left'], groups: [], sidecars: [] },
  topics: [{ source: 'orders', target: 'orders', mode: 'ordered', partitions: [partition] }],
  fence: { durationMs: null, heldRequests: null },
  lastAbort: null,
  ...{ allowed: [], source: [], target: null, listeners: [], connections: 0 },
}
const flip: Flip = {
  phases: [
    { phase: 'fenced', atMs: 3 },
    { phase: 'target', atMs: 40 },
  ],
  ...{ reached: true, accepted: 1, refusals: [], status },
}
const group = (offset: number): GroupHistory => ({
  name: 'g',
  members: [
    {
      id: 'g-1',
      events: [{ event: 'consumed', t: 0, partition: 0, offset, key: 'k', value: 'p-0' }],
    },
  ],
})
const native = (end: bigint, committed = end) => ({
  ends: new Map([[0, end]]),
  committed: new Map([['g', new Map([[0, committed]])]]),
})

describe('what a cutover left behind', () => {
  test('is good where it reached the target at once', () => {
    expect(flipFindings(flip, false)).toEqual([])
  })

  test('is bad where it stands still, and says what it waits for', () => {
    const stuck = { ...flip, reached: false, phases: flip.phases.slice(0, 1), refusals: ['no'] }
    expect(flipFindings(stuck, true)).toEqual([
      'stuck: phase target was not reached; seen: fenced at 3 ms; waiting for: group g: 3 records left; refused: no',
    ])
  })

  test('is bad where it was given up, unless something was killed', () => {
    const again = { ...flip, accepted: 2 }
    expect(flipFindings(again, false)).toEqual([
      'given up: the cutover needed 2 attempts (fenced at 3 ms, target at 40 ms)',
    ])
    expect(flipFindings(again, true)).toEqual([])
  })

  test('is bad where a group has not committed the end', () => {
    expect(commitFindings(native(9n))).toEqual([])
    expect(commitFindings(native(9n, 5n))).toEqual(['commits: g has committed 5 of 0@9 itself'])
    expect(commitFindings({ ...native(9n), committed: new Map([['g', new Map()]]) })).toEqual([
      'commits: g has committed -1 of 0@9 itself',
    ])
  })

  test('is bad where offsets do not add up over the splice', () => {
    expect(spliceFindings(native(9n), status, 'orders', [group(4)])).toEqual([])
    expect(spliceFindings(native(9n), status, 'orders', [group(5)])).toEqual([
      'splice: g read partition 0 up to 6, and not to 5: 3 of the source, then 7 to 9 of the target',
    ])
    expect(spliceFindings(native(9n), status, 'bills', [group(4)])).toEqual([
      'splice: the status does not tell where partition 0 was spliced',
    ])
  })
})

describe('an unordered cutover', () => {
  const parallel = { sourcePartitions: 0, targetPartitions: 1 }
  const calm = { from: 100, to: 20_000, faults: false, parallel, groups: [group(4)] }
  const acked = (...times: readonly number[]) => ({
    ...{ id: 'p', idempotent: true },
    events: times.map((t, offset) => {
      return { event: 'acked', t, partition: 0, offset, key: 'k', value: `p-${offset}` } as const
    }),
  })

  test('is bad where a group reads the target late', () => {
    const reads = (t: number) => ({ ...calm, from: t, producers: [], groups: [group(4)] })
    expect(unorderedFindings(reads(-10_000))).toEqual([])
    expect(unorderedFindings(reads(-10_001))).toEqual([
      'growth: g read nothing of the target until 10001 ms after the flip',
    ])
  })

  test('is bad where a producer waits, and tells how long one without a sidecar did', () => {
    const producers = [acked(90, 300, 549, 799)]
    const paused = (stalls: readonly { t: number; ms: number }[]) =>
      unorderedFindings({ ...calm, producers, stalls })
    expect(paused([{ t: 500, ms: 200 }])).toEqual([
      'pause: a producer waited 250 ms for an acknowledgement',
    ])
    expect(paused([{ t: 810, ms: 51 }])).toEqual([
      'pause: a producer waited 250 ms for an acknowledgement, 40 of them with one beside the sidecar',
    ])
    expect(unorderedFindings({ ...calm, producers, faults: true })).toEqual([])
  })
})
