import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apply,
  groupTransitions,
  initialState,
  phases,
  recovered,
  replay,
  standingOf,
  transitions,
  viewOf,
  type Entry,
} from '../../../src/router/index.ts'
import {
  abort,
  aborted,
  after,
  anyRun,
  drained,
  fence,
  group,
  partial,
  splice,
  target,
} from './given.ts'

const verdict = (state: ReturnType<typeof after>, entry: Entry): string => {
  const applied = apply(state, entry)
  return applied.ok ? applied.state.phase : applied.reason
}

const carried = { kind: 'carried', topic: 'orders', partition: 0, sourceEnd: 104n } as const

describe('the phases', () => {
  const roads = {
    source: [],
    fenced: [fence],
    spliced: [fence, splice],
    drained: [fence, splice, drained],
    target: [fence, splice, drained, target],
  }
  const all: readonly Entry[] = [fence, abort, splice, drained, target, carried, group('moving')]

  it.each([
    ['source', { fence: 'fenced' }],
    ['fenced', { abort: 'source', splice: 'spliced' }],
    ['spliced', { drained: 'drained', carried: 'spliced', 'group-moving': 'spliced' }],
    ['drained', { target: 'target', carried: 'drained', 'group-moving': 'drained' }],
    // Everything has moved there already.
    ['target', { carried: 'target' }],
  ] as const)('from %s lead to %o and nowhere else', (phase, next) => {
    const taken = all.flatMap((entry) => {
      const applied = apply(after(...roads[phase]), entry)
      return applied.ok ? [[entry.kind, applied.state.phase]] : []
    })
    expect(Object.fromEntries(taken)).toEqual(next)
  })

  it('say what is refused', () => {
    expect(verdict(initialState, splice)).toBe('splice is not possible in phase source')
    expect(verdict(after(fence, splice), abort)).toBe('abort is not possible in phase spliced')
  })

  it('hold for any run of entries, and no entry makes the machine throw', () => {
    const reached = new Set<string>()
    fc.assert(
      fc.property(anyRun, (run) => {
        let state = initialState
        for (const entry of run) {
          const applied = apply(state, entry)
          if (!applied.ok) {
            expect(applied.reason).not.toBe('')
            continue
          }
          const row: Partial<Record<string, string>> = transitions[state.phase]
          expect(applied.state.phase).toBe(row[entry.kind])
          for (const [name, standing] of applied.state.groups) {
            const before = standingOf(state, name)
            const ways: Partial<Record<string, string>> = groupTransitions[before]
            if (standing !== before) expect(ways[entry.kind]).toBe(standing)
          }
          state = applied.state
          reached.add(state.phase)
        }
        expect(replay(run).state).toEqual(state)
      }),
      { numRuns: 1000 },
    )
    expect([...reached].sort()).toEqual([...phases].sort())
  })
})

describe('a fence', () => {
  it('has a number of its own, also after an abort', () => {
    const state = after(fence, abort)
    expect(state.fence).toEqual({ id: 1, at: 1000, endedAt: 1100, abortReason: 'no' })
    expect(state.topics.size).toBe(0)
    expect(verdict(state, fence)).toBe('fence 1 is not behind fence 1')
    expect(verdict(state, { ...fence, fence: 2 })).toBe('fenced')
  })

  it('is ended by its own outcome only', () => {
    const stands = 'fence 2 is not the one that stands, which is 1'
    expect(verdict(after(fence), { ...abort, fence: 2 })).toBe(stands)
    expect(verdict(after(fence), { ...splice, fence: 2 })).toBe(stands)
  })

  it.each([
    [[fence.topics[0], fence.topics[0]], 'a topic is in the plan twice'],
    [[fence.topics[0], { ...fence.topics[1], targetName: 'orders-v2' }], 'in the plan twice'],
    [[{ ...fence.topics[0], partitions: 0 }], '0 is no number of partitions (topic orders)'],
    [[{ ...fence.topics[0], partitions: 2 ** 40 }], '1099511627776 is no number of partitions'],
  ])('refuses a plan that makes no sense: %o', (topics, reason) => {
    expect(verdict(initialState, { ...fence, topics })).toContain(reason)
  })
})

describe('a splice', () => {
  const [first, second, third] = splice.partitions
  it.each([
    [[first, second], 'the splice lacks audit 0'],
    [[...splice.partitions, first], 'a partition is in the splice twice'],
    [[...splice.partitions, { ...first, partition: 2 }], 'a partition that the fence has not'],
    [[first, second, { ...third, start: -1n }], 'an offset of audit 0 is negative'],
  ])('is of every partition of the fence, once: %#', (partitions, reason) => {
    expect(verdict(after(fence), { ...splice, partitions })).toContain(reason)
  })

  it('opens the target segment of each partition where the source ends', () => {
    const { topics, fence: ended } = after(fence, splice)
    expect(ended?.endedAt).toBe(1200)
    expect(topics.get('orders')?.timelines[0]).toMatchObject([
      { cluster: 'source', topic: 'orders', partition: 0, start: 0n, end: 100n, virtualStart: 0n },
      { cluster: 'target', topic: 'orders-v2', start: 7n, end: null, virtualStart: 100n },
    ])
  })
})

describe('a flip', () => {
  const topic = { name: 'logs', targetName: 'logs-v2', topicId: null, partitions: 2, targetPartitions: 3 } // prettier-ignore
  const starts = [0, 1, 2].map((partition) => ({ topic: 'logs', partition, start: 7n }))
  const plan = { fence: 1, at: 1, clusterId: 'c', everyTopic: false, topics: [topic] }
  const flip = { kind: 'flip', ...plan, starts } as const

  it('shows both clusters at once, and ends where a splice does', () => {
    const state = after(flip)
    expect(state).toMatchObject({ phase: 'spliced', fence: { id: 1, endedAt: 1 } })
    const logs = state.topics.get('logs')
    expect(logs?.parallel).toEqual({ sourcePartitions: 2, targetPartitions: 3 })
    const shown = logs?.timelines.map(([{ cluster, partition }]) => `${cluster} ${partition}`)
    expect(shown).toEqual(['source 0', 'source 1', 'target 0', 'target 1', 'target 2'])
  })

  it.each([
    [{ ...flip, starts: starts.slice(1) }, 'the splice lacks partition 0 of logs-v2'],
    [
      { ...flip, starts: [...starts, { topic: 'logs', partition: 3, start: 0n }] },
      'the splice has a partition that the fence has not',
    ],
    [
      { ...flip, topics: [{ ...topic, targetPartitions: undefined }] },
      'topic logs is ordered: it needs a fence',
    ],
    [
      { ...flip, topics: [{ ...topic, partitions: 5_000, targetPartitions: 1 }] },
      '5001 lanes of producers are too many (topic logs)',
    ],
  ])('is refused where it makes no sense: %o', (entry, reason) => {
    expect(verdict(initialState, entry)).toBe(reason)
  })

  it('of a plan with ordered topics, too, waits for their fence, behind which the others flow', () => {
    const mixed = { ...fence, topics: [...fence.topics, topic] }
    const fenced = after(mixed)
    const view = viewOf(fenced, { hasTarget: true, preparing: false })
    expect(view.topics.has('logs')).toBe(false)
    expect([...view.topics.keys()]).toEqual(fence.topics.map(({ name }) => name))
    expect(verdict(fenced, splice)).toBe('the splice lacks partition 0 of logs-v2')
    const spliced = after(mixed, { ...splice, starts })
    expect(spliced.topics.get('logs')?.timelines).toHaveLength(5)
    expect(spliced.topics.get('logs')?.parallel).toBeDefined()
  })
})

it('shows the placeholder of a group that moves until it has moved, or has not', () => {
  const placeholder = { memberId: 'm', generationId: 1 }
  const moving: Entry = { kind: 'group-moving', group: 'billing', at: 1500, placeholder }
  const shown = (...entries: readonly Entry[]) => [
    ...viewOf(after(fence, splice, ...entries), { hasTarget: true, preparing: false }).placeholders,
  ]
  expect(shown(moving, group('moving', 'mail'))).toEqual([['billing', placeholder]])
  expect(shown(moving, group('moved'))).toEqual([])
  expect(shown(moving, aborted())).toEqual([])
  expect(shown(moving, aborted(), group('moving'))).toEqual([])
})

describe('a group', () => {
  const standing = (...entries: readonly Entry[]): string =>
    standingOf(after(fence, splice, ...entries), 'billing')

  it.each([
    ['source', []],
    ['moving', [group('moving')]],
    ['moved', [group('moving'), group('moved')]],
    ['source', [group('moving'), aborted()]],
    ['moved', [group('moving'), aborted(), group('moving'), group('moved')]],
    ['left', [group('left')]],
    ['moving', [group('left'), group('moving')]],
    ['forgotten', [group('left'), group('forgotten')]],
    ['forgotten', [group('forgotten')]],
    ['moved', [drained, target]],
    ['left', [group('left'), drained, target]],
    ['source', [group('left'), drained, target, group('moving'), aborted()]],
    ['moved', [group('moving'), aborted(), drained, target]],
  ])('is %s after %j', (expected, entries) => {
    expect(standing(...entries)).toBe(expected)
  })

  it.each([
    [group('moved'), [], 'group-moved is not possible for group billing, which is on the source'],
    [group('moving'), [group('moving')], 'which is moving'],
    [group('forgotten'), [group('moving')], 'which is moving'],
    [aborted(), [group('moving'), group('moved')], 'which is on the target'],
    [group('moving'), [group('forgotten')], 'which is forgotten, and on the target'],
    [group('moving'), [drained, target], 'which is on the target'],
    [target, [drained, group('moving')], 'group billing is moving'],
  ])('refuses %j after %j', (entry, entries, reason) => {
    expect(verdict(after(fence, splice, ...entries), entry)).toContain(reason)
  })

  it('that begins behind a partial cutover begins on the source, and can move', () => {
    const state = after(partial, splice, drained, target)
    expect(standingOf(state, 'new')).toBe('source')
    expect(verdict(state, group('moving', 'new'))).toBe('target')
  })
})

describe('carried stragglers', () => {
  it.each([
    [{ sourceEnd: 99n }, 'orders 0 is carried to 100 already, behind 99'],
    [{ partition: 2 }, 'orders 2 is not in the plan'],
    [{ topic: 'toString' }, 'toString 0 is not in the plan'],
    [{ sourceEnd: 100n }, 'spliced'],
  ])('are those behind the splice, of the plan: %#', (change, expected) => {
    expect(verdict(after(fence, splice), { ...carried, ...change })).toBe(expected)
  })

  it('are carried once', () => {
    const state = after(fence, splice, carried)
    expect(state.carried).toEqual(new Map([['orders/0', 104n]]))
    expect(verdict(state, { ...carried, sourceEnd: 103n })).toContain('carried to 104 already')
  })
})

describe('a restart', () => {
  it('aborts a fence that has no outcome', () => {
    const entries = recovered(after(fence), 5000)
    expect(entries).toEqual([
      { kind: 'abort', fence: 1, at: 5000, reason: 'the sidecar was started again' },
    ])
    expect(after(fence, ...entries).phase).toBe('source')
  })

  it('sends the joins of moving groups back to the source', () => {
    const state = after(fence, splice, group('moving', 'a'), group('moving', 'b'), group('left'))
    expect(recovered(state, 5000)).toMatchObject([
      { kind: 'group-aborted', group: 'a' },
      { kind: 'group-aborted', group: 'b' },
    ])
  })

  it('leaves every other phase as it was, and nothing in hand', () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { state } = replay(run)
        const restarted = recovered(state, 1).reduce((before, entry) => {
          const applied = apply(before, entry)
          return applied.ok ? applied.state : expect.fail(applied.reason)
        }, state)
        expect(restarted.phase).toBe(state.phase === 'fenced' ? 'source' : state.phase)
        expect([...restarted.groups.values()]).not.toContain('moving')
        expect(recovered(restarted, 2)).toEqual([])
      }),
    )
  })

  it('tells what a journal holds that means nothing there', () => {
    expect(replay([splice, fence])).toMatchObject({
      state: { phase: 'fenced' },
      refused: [{ entry: splice, reason: 'splice is not possible in phase source' }],
    })
  })
})
