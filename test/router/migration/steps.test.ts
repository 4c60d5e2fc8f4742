import { describe, expect, it } from 'vitest'
import {
  apply,
  initialState,
  nextStep,
  type Entry,
  type Facts,
  type GroupFact,
  type Step,
} from '../../../src/router/index.ts'
import { abort, after, drained, fence, group, partial, splice, target } from './given.ts'

const options = { fenceDeadlineMs: 5000, dormant: 'wait' } as const
const settled = (end: bigint) => ({ logEnd: end, highWatermark: end, lastStable: end })

/** What makes `splice` the next entry. */
const ready = {
  quiesced: true,
  ackedEnds: new Map([['orders/0', 100n]]),
  sourceEnds: new Map([
    ['orders/0', settled(100n)],
    ['orders/1', settled(0n)],
    ['audit/0', settled(2n ** 60n)],
  ]),
  targetEnds: new Map([
    ['orders/0', 7n],
    ['orders/1', 0n],
    ['audit/0', 3n],
  ]),
} as const satisfies Facts

const fenced = (facts: Facts, now = 1200): Step => nextStep(after(fence), facts, now, options)

const withEnd = (end: Partial<ReturnType<typeof settled>> | { logEnd: null }): Facts => ({
  ...ready,
  sourceEnds: new Map([...ready.sourceEnds, ['orders/0', { ...settled(100n), ...end }]]),
})

describe('a fence', () => {
  it('of a mixed plan waits for the positions on unordered topics, and splices with them', () => {
    const logs = { name: 'logs', targetName: 'logs', topicId: null, partitions: 1, targetPartitions: 1 } // prettier-ignore
    const mixed = after({ ...fence, topics: [...fence.topics, logs] })
    expect(nextStep(mixed, { ...ready, starts: [] }, 1200, options)).toEqual({
      kind: 'wait',
      for: ['the positions of the groups of logs on the target'],
    })
    const starts = [{ topic: 'logs', partition: 0, start: 7n }]
    const step = nextStep(mixed, { ...ready, starts }, 1200, options)
    expect(step).toEqual({ kind: 'append', entry: { ...splice, starts } })
    expect(step.kind === 'append' && apply(mixed, step.entry).ok).toBe(true)
  })

  it('ends in the splice when nothing is waited for', () => {
    expect(fenced(ready)).toEqual({ kind: 'append', entry: splice })
    expect(apply(after(fence), splice).ok).toBe(true)
    expect(fenced(withEnd({ logEnd: null }))).toEqual({ kind: 'append', entry: splice })
  })

  it.each<[string, Facts, string[]]>([
    ['requests', { ...ready, quiesced: false }, ['what is being produced to be acknowledged']],
    ['answers', { ...ready, ackedEnds: undefined }, ['what is being produced to be acknowledged']],
    [
      'a blocker',
      { ...ready, blockers: ['transaction pay-1 to end'] },
      ['transaction pay-1 to end'],
    ],
    [
      'the target',
      { ...ready, targetEnds: new Map([...ready.targetEnds].slice(1)) },
      ['the end of orders-0 on the target'],
    ],
    [
      'the source',
      { ...ready, sourceEnds: new Map([...ready.sourceEnds].slice(0, 2)) },
      ['the end of audit-0 on the source'],
    ],
    [
      'a transaction',
      withEnd({ lastStable: 98n }),
      ['a transaction on orders-0 to end (open since offset 98)'],
    ],
    ['replicas', withEnd({ logEnd: 104n }), ['the replicas of orders-0 to catch up (100 of 104)']],
    [
      'what acks=1 acknowledged',
      { ...withEnd({ logEnd: null }), ackedEnds: new Map([['orders/0', 101n]]) },
      ['the replicas of orders-0 to catch up (100 of 101 acknowledged)'],
    ],
  ])('waits for %s', (_, facts, sentences) => {
    expect(fenced(facts)).toEqual({ kind: 'wait', for: sentences })
    expect(fenced(facts, 5999)).toEqual({ kind: 'wait', for: sentences })
    const reason = `after 5000 ms the fence still waited for ${sentences.join('; ')}`
    expect(fenced(facts, 6000)).toEqual({
      kind: 'append',
      entry: { kind: 'abort', fence: 1, at: 6000, reason },
    })
  })

  it('that is late is aborted, though nothing is missing', () => {
    expect(fenced(ready, 5999)).toMatchObject({ entry: { kind: 'splice' } })
    expect(fenced(ready, 6000)).toMatchObject({
      entry: { kind: 'abort', reason: 'after 5000 ms the fence still waited for the journal' },
    })
  })

  it('names no more than can be read', () => {
    const [topic] = fence.topics
    const large = after({ ...fence, topics: [{ ...topic, partitions: 1000 }] })
    const step = nextStep(large, { quiesced: true, ackedEnds: new Map() }, 1200, options)
    const sentences = step.kind === 'wait' ? step.for : []
    expect(sentences).toHaveLength(21)
    expect(sentences[20]).toBe('980 more')
  })
})

describe('groups', () => {
  const fact = (change: Partial<GroupFact> = {}): GroupFact => ({
    group: 'billing',
    state: 'active',
    members: 2,
    remaining: 1204n,
    behindIn: ['orders'],
    drained: false,
    ...change,
  })
  const drainedFact = fact({ remaining: 0n, behindIn: [], drained: true })
  const dormantFact = fact({ state: 'dormant', members: 0 })
  const step = (
    entries: readonly Entry[],
    facts: Facts,
    dormant: 'wait' | 'leave' = 'wait',
  ): Step => nextStep(after(fence, splice, ...entries), facts, 9000, { ...options, dormant })
  const waits = (sentence: string): Step => ({ kind: 'wait', for: [sentence] })
  const appends = (entry: Entry): Step => ({ kind: 'append', entry })

  it('are waited for, each until it is drained', () => {
    expect(step([], {})).toEqual(waits('the groups of the source to be known'))
    expect(step([], { blockers: ['the source to answer'] })).toEqual(waits('the source to answer'))
    expect(step([], { groups: [fact()] })).toEqual(
      waits('group billing: 1204 records left on orders'),
    )
    expect(step([], { groups: [fact({ ratePerSecond: 409.7, etaSeconds: 2.1 })] })).toEqual(
      waits('group billing: 1204 records left on orders, 410/s, 3 s'),
    )
    expect(step([], { groups: [fact({ remaining: null })] })).toEqual(
      waits('group billing: how much it has left is not known yet'),
    )
    expect(step([], { groups: [fact({ remaining: 0n, behindIn: [] })] })).toEqual(
      waits('group billing: it rebalances; what it reads is not known yet'),
    )
    expect(step([], { groups: [drainedFact] })).toEqual(appends({ kind: 'drained', at: 9000 }))
    expect(step([], { groups: [] })).toEqual(appends({ kind: 'drained', at: 9000 }))
    expect(step([], { groups: [], blockers: ['a reader'] })).toEqual(waits('a reader'))
  })

  it.each([
    [['orders', 'audit'], 'orders and audit'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
  ])('are waited for by the topics %j in which they are behind', (behindIn, words) => {
    expect(step([], { groups: [fact({ behindIn })] })).toEqual(
      waits(`group billing: 1204 records left on ${words}`),
    )
  })

  it('that are drained are waited for until they have moved', () => {
    const groups = [drainedFact]
    expect(step([drained], { groups })).toEqual(waits('group billing: to move'))
    expect(step([drained, group('moving')], { groups })).toEqual(waits('group billing: is moving'))
    expect(step([drained, group('moving'), group('moved')], { groups })).toEqual(
      appends({ kind: 'target', at: 9000 }),
    )
  })

  it('that move are waited for though the source shows them no more', () => {
    expect(step([drained, group('moving')], { groups: [] })).toEqual(
      waits('group billing: is moving'),
    )
    expect(step([drained], { groups: [fact()] })).toEqual(
      waits('group billing: 1204 records left on orders'),
    )
  })

  it('that are dormant are waited for, unless the operator lets them stay', () => {
    const facts = { groups: [dormantFact] }
    const sentence =
      'group billing: 1204 records left on orders, no members; start it again to read them, or give them up: kafka-cutover forget --group billing'
    expect(step([], facts)).toEqual(waits(sentence))
    expect(step([], facts, 'leave')).toEqual(appends(group9('left')))
    expect(step([drained], facts, 'leave')).toEqual(appends(group9('left')))
    for (const kind of ['left', 'forgotten'] as const) {
      expect(step([group(kind)], facts)).toEqual(appends({ kind: 'drained', at: 9000 }))
      expect(step([group(kind), drained], facts)).toEqual(appends({ kind: 'target', at: 9000 }))
    }
  })

  it('that have read everything wait for the source to be quiet, and are not left for that', () => {
    const read = fact({ state: 'dormant', members: 0, remaining: 0n })
    const sentence =
      'group billing: it has read orders to the end, and moves when nobody writes there on the source any more'
    expect(step([], { groups: [read] })).toEqual(waits(sentence))
    expect(step([], { groups: [read] }, 'leave')).toEqual(waits(sentence))
    expect(step([], { groups: [{ ...read, state: 'active' }] })).toEqual(waits(sentence))
  })

  it('that are drained or active are not left', () => {
    const dormant = fact({
      group: 'a',
      state: 'empty-drained',
      remaining: 0n,
      behindIn: [],
      drained: true,
    })
    expect(step([], { groups: [dormant] }, 'leave')).toEqual(appends({ kind: 'drained', at: 9000 }))
    expect(step([], { groups: [fact()] }, 'leave').kind).toBe('wait')
  })

  const group9 = (kind: 'left'): Entry => ({ kind: `group-${kind}`, group: 'billing', at: 9000 })
})

describe('nothing is waited for', () => {
  it.each([
    ['source', initialState],
    ['source', after(fence, abort)],
    ['target', after(fence, splice, drained, target)],
    ['target', after(partial, splice, drained, target)],
  ])('in phase %s', (phase, state) => {
    expect(state.phase).toBe(phase)
    expect(nextStep(state, ready, 99_999, options)).toEqual({ kind: 'wait', for: [] })
  })
})
