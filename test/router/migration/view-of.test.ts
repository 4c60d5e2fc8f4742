import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apply,
  initialState,
  noView,
  placeOf,
  replay,
  toNative,
  toVirtual,
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

const options = { hasTarget: true, preparing: false }
const view = (...entries: readonly Entry[]) => viewOf(after(...entries), options)

describe('the view of a migration', () => {
  it('is none before it begins', () => {
    expect(viewOf(initialState, { hasTarget: false, preparing: false })).toEqual(noView)
    expect(view(fence, abort)).toEqual({ ...noView, hasTarget: true })
  })

  it('lets no Fetch wait long before and during the fence', () => {
    expect(viewOf(initialState, { ...options, preparing: true }).shortFetches).toBe(true)
    expect(view(fence)).toMatchObject({ held: true, shortFetches: true, spliced: false })
    expect(view(fence, splice)).toMatchObject({ held: false, shortFetches: false, spliced: true })
  })

  it('keeps readers waiting while a splice is settled, and no longer', () => {
    const settling = (...entries: readonly Entry[]) =>
      viewOf(after(...entries), { ...options, settling: true }).settling
    expect([settling(), settling(fence), settling(fence, splice)]).toEqual([false, true, false])
    expect(settling(fence, abort)).toBe(false)
  })

  it('keeps the cluster id that clients know from the splice on', () => {
    expect(view(fence).clusterId).toBeNull()
    expect(view(fence, splice).clusterId).toBe('source-cluster')
  })

  it('shares the topics that an entry did not change', () => {
    const spliced = after(fence, splice)
    const { topics } = viewOf(spliced, options)
    const later = [group('moving'), group('moved'), drained, target].reduce((state, entry) => {
      const applied = apply(state, entry)
      return applied.ok ? applied.state : expect.fail(applied.reason)
    }, spliced)
    for (const [name, topic] of viewOf(later, { ...options, preparing: true }).topics) {
      expect(topic).toBe(topics.get(name))
    }
    expect(topics.size).toBe(2)
  })

  it('has places for groups', () => {
    const spliced = view(
      fence,
      splice,
      group('moving', 'a'),
      group('left', 'c'),
      group('forgotten', 'd'),
    )
    const places = ['a', 'c', 'd', 'new'].map((name) => placeOf(spliced, name))
    expect(places).toEqual(['moving', 'source', 'target', 'source'])
    expect(placeOf(view(fence, splice, group('moving'), group('moved')), 'billing')).toBe('target')
    expect(placeOf(view(fence, splice, group('moving'), aborted()), 'billing')).toBe('source')
  })

  it('makes the target the home when everything is there', () => {
    const groups = [group('moving', 'a'), group('moved', 'a'), group('left', 'c')]
    const all = view(fence, splice, ...groups, drained, target)
    expect(all.home).toBe('target')
    expect(all.groups).toEqual(new Map([['c', 'source']]))
    expect(placeOf(all, 'new')).toBe('target')
    const some = view(partial, splice, ...groups, drained, target)
    expect(some.home).toBe('source')
    expect(some.groups).toEqual(new Map([['a', 'target']]))
  })

  it('shows ordered topics led as before beside unordered ones, until all groups have moved', () => {
    const [orders, audit] = fence.topics
    const mixed = { ...fence, topics: [orders, { ...audit, targetPartitions: 1 }] }
    const [first, second] = splice.partitions
    const starts = [{ topic: 'audit', partition: 0, start: 3n }]
    const spliced = [mixed, { ...splice, partitions: [first, second], starts }]
    const stay = (...entries: readonly Entry[]) => view(...entries).leadersStay
    expect([stay(mixed), stay(...spliced), stay(...spliced, drained)]).toEqual([false, true, true])
    expect(stay(...spliced, drained, target)).toBe(false)
    expect(stay(fence, splice)).toBe(false)
  })

  it('has timelines that keep their laws, whatever came before', () => {
    let spliced = 0
    fc.assert(
      fc.property(anyRun, fc.bigInt(0n, 2n ** 62n), (run, offset) => {
        const { state } = replay(run)
        for (const topic of viewOf(state, options).topics.values()) {
          for (const [i, timeline] of topic.timelines.entries()) {
            const [source, opened, ...more] = timeline
            expect(more).toEqual([])
            expect(source).toMatchObject({ cluster: 'source', topic: topic.name, partition: i })
            expect(source.end === null).toBe(opened === undefined)
            if (opened === undefined) continue
            spliced++
            expect(opened).toMatchObject({
              cluster: 'target',
              topic: topic.targetName,
              partition: i,
            })
            expect(opened.end).toBeNull()
            expect(opened.virtualStart).toBe(source.end)
            expect(opened.epochBase).toBeGreaterThan(source.epochBase)
            expect(toNative(opened, toVirtual(opened, offset))).toBe(offset)
          }
        }
      }),
    )
    expect(spliced).toBeGreaterThan(10)
  })
})
