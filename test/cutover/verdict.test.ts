import { describe, expect, test } from 'vitest'
import type { ClientEvent, RecordEvent } from '../clients/index.ts'
import type { History } from './history.ts'
import { formatVerdict, judge } from './verdict.ts'

const done: ClientEvent = { event: 'done', t: 10_000 }
const assigned = (...partitions: number[]): ClientEvent => ({ event: 'assigned', t: 0, partitions })
const acked = (value: string, partition: number, offset: number, t = offset): RecordEvent => ({
  ...{ event: 'acked', t, partition, offset, key: 'k', value },
})
const consumed = (value: string, partition: number, offset: number, t = offset): RecordEvent => ({
  ...{ event: 'consumed', t, partition, offset, key: 'k', value },
})

/** Two producers wrote three records into two partitions; one group of two members reads them. */
interface Made {
  readonly once: readonly ClientEvent[]
  readonly plain: readonly ClientEvent[]
  readonly first: readonly ClientEvent[]
  readonly second: readonly ClientEvent[]
}

const good: Made = {
  once: [acked('once-0', 0, 0), acked('once-2', 0, 1, 40)],
  plain: [acked('plain-1', 1, 0)],
  first: [consumed('once-0', 0, 0), consumed('once-2', 0, 1, 70)],
  second: [consumed('plain-1', 1, 0)],
}

const history = (made: Partial<Made> = {}, faults = false): History => {
  const { once, plain, first, second } = { ...good, ...made }
  return {
    producers: [
      { id: 'once', idempotent: true, events: [...once, done] },
      { id: 'plain', idempotent: false, events: [...plain, done] },
    ],
    groups: [
      {
        name: 'g',
        members: [
          { id: 'g-1', events: [assigned(0), ...first, done] },
          { id: 'g-2', events: [assigned(1), ...second, done] },
        ],
      },
    ],
    from: 1,
    to: 10_000,
    faults,
  }
}

const findings = (made: Partial<Made>, faults = false) => judge(history(made, faults)).findings

describe('the verdict of a cutover', () => {
  test('is good where every promise held, and gives the figures', () => {
    const verdict = judge(history())
    expect(verdict).toEqual({
      findings: [],
      errors: {},
      producers: {
        once: { acked: 2, ackGapMaxMs: 40 },
        plain: { acked: 1, ackGapMaxMs: 0 },
      },
      groups: {
        g: {
          ...{ consumed: 3, again: 0, gapMaxMs: 70, gapPartition: 0 },
          rebalances: { 'g-1': 0, 'g-2': 0 },
          disturbances: { 'g-1': 0, 'g-2': 0 },
        },
      },
    })
    expect(formatVerdict(verdict, verdict)).toBe(
      [
        'once: 2 acknowledged, longest gap 40 (control 40) ms',
        'plain: 1 acknowledged, longest gap 0 (control 0) ms',
        'g: 3 consumed, 0 again, longest gap 70 (control 70) ms in partition 0, rebalances 0+0',
        'every promise held',
      ].join('\n'),
    )
  })

  test('gives the figures of the cutover, not of how clients begin and end', () => {
    const { groups } = judge({ ...history(), from: 71, to: 80 })
    expect(groups['g']).toMatchObject({ gapMaxMs: 0, rebalances: { 'g-1': 0, 'g-2': 0 } })
    const late: ClientEvent = { event: 'assigned', t: 90, partitions: [0] }
    const ended = judge({ ...history({ second: [...good.second, late] }), to: 80 })
    expect(ended.groups['g']?.rebalances).toEqual({ 'g-1': 0, 'g-2': 0 })
  })

  test.for([true, false])('finds a lost record, faults or not (%s)', (faults) => {
    expect(findings({ second: [] }, faults)).toEqual([
      'lost: plain-1, acknowledged at 1@0 -1 ms after the flip, never came to g',
    ])
  })

  test('finds a loss in each group', () => {
    const { groups, ...rest } = history()
    const other = { name: 'h', members: [{ id: 'h-1', events: [...good.first, done] }] }
    expect(judge({ ...rest, groups: [...groups, other] }).findings).toEqual([
      'lost: plain-1, acknowledged at 1@0 -1 ms after the flip, never came to h',
    ])
  })

  test('finds what was acknowledged at another offset than it is read at', () => {
    expect(findings({ once: [acked('once-0', 0, 1), acked('once-2', 0, 0)] })).toEqual([
      'mismatch: once-0 was acknowledged at 0@1, g read it at 0@0',
      'mismatch: once-2 was acknowledged at 0@0, g read it at 0@1',
    ])
  })

  test('finds an offset that changes what it holds', () => {
    const second = [...good.second, consumed('plain-3', 1, 0, 5)]
    expect(findings({ second }, true)).toContain('mismatch: g read plain-1 and then plain-3 at 1@0')
  })

  test('finds offsets that are not contiguous over the splice', () => {
    const made = {
      once: [acked('once-0', 0, 0), acked('once-2', 0, 9)],
      first: [consumed('once-0', 0, 0), consumed('once-2', 0, 9)],
    }
    expect(findings(made)).toEqual(['hole: g read 2 of the offsets below 10 of partition 0'])
  })

  test('finds a record that is in the log twice; after a fault only of idempotent producers', () => {
    const first = [...good.first, consumed('once-0', 0, 2, 90)]
    expect(findings({ first }, true)).toContain('repeated: once-0 is in the log at 0@0 and at 0@2')
    const second = [...good.second, consumed('plain-1', 1, 1, 90)]
    expect(findings({ second })).toEqual(['repeated: plain-1 is in the log at 1@0 and at 1@1'])
    expect(findings({ second }, true)).toEqual([])
  })

  test('finds a record that was delivered twice, and counts it after a fault', () => {
    const second = [...good.second, assigned(0), consumed('once-2', 0, 1, 95)]
    expect(findings({ second })).toEqual(['again: once-2 at 0@1 was delivered again to g'])
    const verdict = judge(history({ second }, true))
    expect(verdict.findings).toEqual([])
    expect(verdict.groups['g']?.again).toBe(1)
  })

  test('finds what nobody here has written: a record that the target held before', () => {
    const second = [...good.second, consumed('old-0', 1, 1, 9)]
    expect(findings({ second }, true)).toEqual([
      'strange: old-0 at 1@1, which nobody here has written',
    ])
  })

  test('finds records of one producer out of order in the log', () => {
    const made = {
      once: [acked('once-2', 0, 0), acked('once-0', 0, 1)],
      first: [consumed('once-2', 0, 0), consumed('once-0', 0, 1)],
    }
    expect(findings(made, true)).toEqual([
      'disorder: once-0 at 0@1 stands behind once-2 in the log',
    ])
  })

  test('finds records that come out of order, also across members', () => {
    const first = [consumed('once-2', 0, 1, 50)]
    const second = [...good.second, consumed('once-0', 0, 0, 60)]
    expect(findings({ first, second })).toEqual(['disorder: g got 0@0 after offset 1'])
  })

  test('after a fault lets a member go back only in what it was assigned anew', () => {
    const back = consumed('once-0', 0, 0, 80)
    expect(findings({ first: [...good.first, assigned(0), back] }, true)).toEqual([])
    expect(findings({ first: [...good.first, assigned(1), back] }, true)).toEqual([
      'disorder: g-1 got 0@0 after offset 1',
    ])
  })

  test('finds errors and lost partitions, and after a fault only lists the errors', () => {
    const error: ClientEvent = { event: 'error', t: 5, where: 'produce', kind: 'K', message: '' }
    const lost: ClientEvent = { event: 'lost', t: 5, partitions: [0] }
    const made = { once: [...good.once, error, error], first: [...good.first, lost] }
    expect(findings(made)).toEqual([
      'error: once: produce: K (2 times)',
      'lost: g-1 was told that its partitions were lost',
    ])
    expect(judge(history(made, true))).toMatchObject({
      findings: [],
      errors: { 'once: produce: K': 2 },
    })
    expect(judge({ ...history(made), from: 6 }).findings).toEqual([])
  })

  test('finds a member that was rebalanced more than once', () => {
    const late = { ...assigned(0), t: 50 }
    expect(findings({ first: [...good.first, late] })).toEqual([])
    const first = [...good.first, late, late]
    expect(findings({ first })).toEqual(['unrest: g-1 was rebalanced 2 times'])
    expect(findings({ first }, true)).toEqual([])
  })

  test('lets an unordered cutover disturb a member twice, in however many generations', () => {
    const parallel = { sourcePartitions: 2, targetPartitions: 1 }
    const told = (...times: readonly number[]): string[] => {
      const first = [...good.first, ...times.map((t) => ({ ...assigned(0), t }))]
      return [...judge({ ...history({ first }), parallel }).findings]
    }
    expect(told(50, 51, 60, 5_000, 5_900, 6_800)).toEqual([])
    expect(told(50, 2_000, 4_000)).toEqual(['unrest: g-1 was rebalanced 3 times'])
  })

  test('follows what is sent to a partition of the source to where the target has it', () => {
    const parallel = { sourcePartitions: 2, targetPartitions: 1 }
    // The target had seven records of others.
    const once = [...good.once, acked('once-3', 1, 7, 80)]
    const second = [...good.second, consumed('once-3', 2, 7, 90)]
    expect(judge({ ...history({ once, second }), parallel }).findings).toEqual([])
    expect(findings({ once, second })).toEqual([
      'mismatch: once-3 was acknowledged at 1@7, g read it at 2@7',
      'hole: g read 1 of the offsets below 8 of partition 2',
    ])
    const elsewhere = [...good.second, consumed('once-3', 2, 8, 90)]
    expect(judge({ ...history({ once, second: elsewhere }), parallel }).findings).toEqual([
      'mismatch: once-3 was acknowledged at 1@7, g read it at 2@8',
    ])
  })

  test('excuses what a client loses by itself that sends a batch again to another partition', () => {
    const parallel = { sourcePartitions: 2, targetPartitions: 2 }
    // once-3 was written to partition 2, as 0; its answer was lost, and it went to partition 3, which is new.
    const once = [...good.once, acked('once-3', 3, 7, 80), acked('once-4', 0, 5, 81)]
    const second = [...good.second, consumed('once-3', 2, 5, 90), consumed('once-3', 3, 7, 91)]
    const told = (changes: Partial<History>, redeals: boolean) => {
      const { producers, ...rest } = history({ once, second }, true)
      const clients = producers.map((producer) => ({ ...producer, redeals }))
      return [...judge({ ...rest, producers: clients, parallel, ...changes }).findings]
    }
    const found = [
      'lost: once-4, acknowledged at 0@5 80 ms after the flip, never came to g',
      'repeated: once-3 is in the log at 2@5 and at 3@7',
    ]
    expect(told({}, true)).toEqual([])
    expect(told({}, false)).toEqual(found)
    // Partitions 0 and 2 of the client are one of the target.
    const one = [
      consumed('plain-1', 1, 0),
      consumed('once-3', 2, 5, 90),
      consumed('once-3', 2, 6, 91),
    ]
    const same = history(
      {
        once: [...once.slice(0, 2), acked('once-3', 2, 6, 80), acked('once-4', 0, 5, 81)],
        second: one,
      },
      true,
    )
    const producers = same.producers.map((producer) => ({ ...producer, redeals: true }))
    expect(judge({ ...same, producers, parallel }).findings).toEqual([])
    expect(told({ faults: false }, true)).toEqual(expect.arrayContaining(found))
  })

  test('finds a client that did not come to its end', () => {
    const { producers, ...rest } = history()
    const cut = producers.map((p) => ({ ...p, events: p.events.filter((e) => e !== done) }))
    expect(judge({ ...rest, producers: cut }).findings).toEqual([
      'unfinished: once did not end in its orderly way',
      'unfinished: plain did not end in its orderly way',
    ])
  })

  test('does not drown in what it finds', () => {
    const plain = Array.from({ length: 20 }, (_, i) => acked(`plain-${i}`, 2, i))
    expect(findings({ plain })).toHaveLength(13)
    expect(findings({ plain }).at(-1)).toBe('and 8 more')
  })
})
