import { beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../../src/log.ts'
import {
  administrator,
  copyOffsets,
  GroupsMover,
  Tail,
} from '../../../src/migrator/groups/index.ts'
import { quietMs } from '../../../src/migrator/groups/open-ends.ts'
import { late, needed } from '../../../src/migrator/source-writes.ts'
import {
  parallelTimelines,
  sourceTimeline,
  splice,
  type GroupStanding,
  type PlannedTopic,
} from '../../../src/router/index.ts'
import { batch, group, sourceEnd, targetStart, World } from './world.ts'

/** 2 partitions on the source, which goes on behind 100, and 3 on the target, which begin at 7. */
const names = { name: 'orders', targetName: 'orders-v2' }
const parallel = { sourcePartitions: 2, targetPartitions: 3 }
const starts = [targetStart, targetStart, targetStart]
const timelines = parallelTimelines({ ...names, sourcePartitions: 2, starts })
const orders: PlannedTopic = { ...names, topicId: null, timelines, parallel }

let world: World
let mover: GroupsMover

beforeEach(() => {
  world = new World()
  world.topics.set('orders', orders)
  const standings = new Map<string, GroupStanding>()
  mover = new GroupsMover({
    ...world.options,
    standing: (name) => standings.get(name) ?? 'source',
    log: silentLog,
    write: async (entry) => {
      await world.options.write(entry)
      const to = { 'group-moving': 'moving', 'group-moved': 'moved', 'group-aborted': 'source' }
      standings.set(entry.group, to[entry.kind] as GroupStanding)
    },
  })
  for (const partition of [0, 1]) world.commit(partition, sourceEnd)
})

const pass = (ms: number) => world.clock.until(world.clock.sleep(ms, new AbortController().signal))
const write = (partition: number, end: bigint): void => {
  const records = batch(0n, Number(end))
  world.source.logs.set(`orders ${partition}`, { start: 0n, end, records })
}
const looks = async (ms: number): Promise<void> => {
  await mover.tick()
  await pass(ms)
  await mover.tick()
}
const commitOnTarget = (partition: number, offset: bigint): void => {
  const stored = { offset, leaderEpoch: -1, metadata: '' }
  world.target.group(group).offsets.commit('orders-v2', partition, stored)
}
const onTarget = () =>
  [0, 1, 2].map((partition) => {
    const all = world.target.groups.get(group)?.offsets.all() ?? []
    const of = all.find(({ topic }) => topic === 'orders-v2')?.partitions ?? []
    return of.find((each) => each.partition === partition)?.value.offset
  })

describe('a group of an unordered topic', () => {
  test('is drained when it has read the source to its end, where nobody has written for a while', async () => {
    world.join([{ clientId: 'app', rejoinMs: 100 }])
    await looks(quietMs - 1)
    expect(mover.facts).toMatchObject([{ drained: false, remaining: 0n, behindIn: ['orders'] }])
    await pass(1)
    await mover.tick()
    expect(mover.rows).toMatchObject([{ state: 'moving' }])
    await world.clock.until(mover.settled())
  })

  test('is behind by what somebody writes to the source, and waits until they have stopped', async () => {
    world.join([{ clientId: 'app', rejoinMs: 100 }])
    await looks(quietMs - 1)
    write(1, sourceEnd + 5n)
    await pass(1)
    await mover.tick()
    expect(mover.facts).toMatchObject([{ drained: false, remaining: 5n }])
    world.commit(1, sourceEnd + 5n)
    await pass(quietMs - 1)
    await mover.tick()
    expect(mover.facts).toMatchObject([{ drained: false, remaining: 0n }])
    await pass(1)
    await mover.tick()
    expect(mover.rows).toMatchObject([{ state: 'moving' }])
    await world.clock.until(mover.settled())
  })

  test('moves with nothing of the source: what it has on the target is there already', async () => {
    commitOnTarget(0, 7n)
    commitOnTarget(1, 12n)
    world.positions.set('orders 4', 9n)
    world.join([{ clientId: 'app', rejoinMs: 100 }])
    await looks(quietMs)
    await world.clock.until(mover.settled())
    expect(world.entries).toMatchObject([
      { kind: 'group-moving', placeholder: { memberId: 'target-1', generationId: 1 } },
      { kind: 'group-moved' },
    ])
    expect(onTarget()).toEqual([7n, 12n, 9n])
  })

  test('that began behind the flip, and has committed nothing there, goes on where it reads, or at T0', async () => {
    world.positions.set('orders 3', 8n)
    await looks(quietMs)
    await world.clock.until(mover.settled())
    expect(onTarget()).toEqual([7n, 8n, 7n])
  })

  test('that reads an ordered topic, too, waits for both, and takes the offsets of that one along', async () => {
    const end = {
      end: 50n,
      next: { cluster: 'target', topic: 'bills', partition: 0, start: 3n },
    } as const
    const bills = { name: 'bills', targetName: 'bills', topicId: null }
    world.topics.set('bills', { ...bills, timelines: [splice(sourceTimeline('bills', 0), end)] })
    world.source.logs.set('bills 0', { start: 0n, end: 50n, records: batch(0n, 50) })
    const commit = (offset: bigint) => {
      const stored = { offset, leaderEpoch: -1, metadata: '' }
      world.source.group(group).offsets.commit('bills', 0, stored)
    }
    commit(49n)
    for (const partition of [0, 1, 2]) commitOnTarget(partition, 8n)
    await looks(quietMs)
    expect(mover.facts).toMatchObject([{ drained: false, remaining: 1n, behindIn: ['bills'] }])
    commit(50n)
    await mover.tick()
    await world.clock.until(mover.settled())
    expect(world.target.group(group).offsets.all()).toMatchObject([
      { topic: 'orders-v2', partitions: [8n, 8n, 8n].map((offset) => ({ value: { offset } })) },
      { topic: 'bills', partitions: [{ partition: 0, value: { offset: 3n } }] },
    ])
  })

  test('stays where somebody writes to the source while it moves', async () => {
    world.join([{ clientId: 'app', rejoinMs: 100 }])
    await looks(quietMs)
    write(0, sourceEnd + 1n)
    world.commit(0, sourceEnd + 1n)
    await world.clock.until(mover.settled())
    expect(world.entries).toMatchObject([
      { kind: 'group-moving' },
      { kind: 'group-aborted', reason: 'orders-0 was written to on the source meanwhile' },
    ])
  })

  test('that is given up goes on at the target where it had got to there', async () => {
    world.source.groups.delete(group)
    world.commit(0, 20n)
    commitOnTarget(1, 12n)
    await mover.tick()
    const progress = mover.progressOf(group)
    if (progress === undefined) throw new Error('it was not seen')
    const { options, target, topics } = world
    const from = { ...options, tail: new Tail(options.source) }
    await expect(copyOffsets(from, target, progress, topics, administrator, 0)).rejects.toThrow(
      'went back on orders-0: 80 records left',
    )
    expect(onTarget()).toEqual([undefined, 12n, undefined])
    await copyOffsets(from, target, progress, topics, administrator, 0, 'skip')
    expect(onTarget()).toEqual([7n, 12n, 7n])
  })

  test('is not drained while records are left that it has committed nothing on', async () => {
    world.source.groups.delete(group)
    world.commit(1, sourceEnd)
    world.join([{ clientId: 'app', rejoinMs: 100 }])
    await looks(quietMs)
    expect(mover.facts).toMatchObject([{ drained: false, remaining: sourceEnd }])
  })
})

describe('the source of an unordered topic', () => {
  test('is said to be written to: where, and how fast', async () => {
    const { tail } = world.options
    await tail.ends.look(world.topics, 0)
    expect(tail.ends.writtenTo(world.topics, 0)).toEqual([])
    expect(tail.ends.unsettled(world.topics, 0)).toEqual(['orders'])
    expect(needed(tail.ends, world.topics, 0)).toEqual([
      '10 s in which nobody writes to orders on the source',
    ])
    write(0, sourceEnd + 5n)
    await tail.ends.look(world.topics, 2_000)
    // It was on its way at the flip.
    expect(tail.ends.writtenTo(world.topics, 2_000)).toEqual([])
    write(1, sourceEnd + 250n)
    await tail.ends.look(world.topics, 5_000)
    expect(tail.ends.writtenTo(world.topics, 5_000)).toEqual(['orders-1 (57/s)'])
    expect(needed(tail.ends, world.topics, 5_000)).toEqual([
      'the source, which is still written to, and therefore still needed: orders-1 (57/s); send these producers through a sidecar',
    ])
    expect(late(tail.ends, world.topics, 5_000)[0]).toContain('still written to: orders-1 (57/s)')
    expect(tail.ends.of('orders', 1)).toMatchObject({ end: 350n, written: 250n })
    await tail.ends.look(world.topics, 5_000 + quietMs)
    expect(tail.ends.writtenTo(world.topics, 5_000 + quietMs)).toEqual([])
    expect(needed(tail.ends, world.topics, 5_000 + quietMs)).toEqual([])
  })

  test('is asked for nothing where every topic is ordered', async () => {
    const { tail } = world.options
    const ordered = { ...orders, parallel: undefined }
    await tail.ends.look(new Map([['orders', ordered]]), 0)
    expect(world.source.asked).toEqual([])
  })
})
