import { beforeEach, describe, expect, test } from 'vitest'
import { apis } from '../../../src/protocol/index.ts'
import { batch, group, sourceEnd, World } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
  world.commit(1, sourceEnd)
})

const log = (...batches: Buffer[]) =>
  world.source.logs.set('orders 0', {
    start: 0n,
    end: sourceEnd,
    records: Buffer.concat(batches),
  })
const fetches = () => world.source.asked.filter((name) => name === 'Fetch').length

describe('a partition is drained', () => {
  test('when the commit has reached the end; nothing is read for it', async () => {
    world.commit(0, sourceEnd)
    expect(await world.progress()).toMatchObject({ drained: true, remaining: 0n })
    expect(fetches()).toBe(0)
  })

  test('when only control records follow the commit', async () => {
    log(batch(0n, 98), batch(98n, 1, true), batch(99n, 1, true))
    world.commit(0, 98n)
    expect(await world.progress()).toMatchObject({ drained: true, remaining: 0n })
  })

  test('when compaction took what followed the commit', async () => {
    log(batch(0n, 50))
    world.commit(0, 50n)
    expect((await world.progress()).drained).toBe(true)
  })

  test('when retention took what followed the commit', async () => {
    world.source.logs.set('orders 0', {
      start: sourceEnd,
      end: sourceEnd,
      records: Buffer.alloc(0),
    })
    world.commit(0, 50n)
    expect((await world.progress()).drained).toBe(true)
  })

  test('when what follows was written behind the splice', async () => {
    log(batch(0n, 98), batch(98n, 2, true), batch(sourceEnd, 4))
    world.commit(0, 98n)
    expect((await world.progress()).drained).toBe(true)
  })

  test('without a commit, when the group reads at the end', async () => {
    world.positions.set('orders 0', sourceEnd)
    expect((await world.progress()).drained).toBe(true)
  })
})

describe('a partition is not drained', () => {
  test('while a record follows the commit', async () => {
    world.commit(0, 99n)
    expect(await world.progress()).toMatchObject({ drained: false, remaining: 1n })
  })

  test('while a record follows control records', async () => {
    log(batch(0n, 97), batch(97n, 2, true), batch(99n, 1))
    world.commit(0, 97n)
    expect(await world.progress()).toMatchObject({ drained: false, remaining: 3n })
  })

  test('without a commit, while the log holds anything', async () => {
    expect(await world.progress()).toMatchObject({ drained: false, remaining: sourceEnd })
  })

  test('when the broker answered before it had caught up', async () => {
    world.source.logs.set('orders 0', { start: 0n, end: 90n, records: batch(0n, 90) })
    world.commit(0, 90n)
    await expect(world.progress()).rejects.toThrow('ends at 90, before 100')
  })
})

describe('the cluster is not asked again', () => {
  test('while the group is before a record that was seen lately', async () => {
    world.commit(0, 10n)
    await world.progress()
    world.commit(0, 20n)
    await world.progress()
    expect(fetches()).toBe(1)
  })

  test('once nothing was left', async () => {
    log(batch(0n, 98), batch(98n, 2, true))
    world.commit(0, 98n)
    await world.progress()
    const asked = fetches()
    world.commit(0, 99n)
    await world.progress()
    expect(fetches()).toBe(asked)
  })
})

describe('a group', () => {
  test('without commits or members on the plan has nothing to do with it', async () => {
    world.source.groups.delete(group)
    expect(await world.progress()).toMatchObject({ concern: 'none', partitions: [] })
  })

  test('is known by what its members subscribe to', async () => {
    world.source.groups.delete(group)
    world.join([{ clientId: 'app-1', rejoinMs: null }])
    expect(await world.progress()).toMatchObject({
      concern: 'planned',
      members: 1,
      state: 'Stable',
      clientHosts: ['app-1 at 10.0.0.3'],
    })
  })

  test('that rebalances is not taken for one that reads nothing', async () => {
    world.source.groups.delete(group)
    const { describeGroups } = apis
    const member = { memberId: 'm', clientId: 'c', clientHost: '/h' }
    const told = { memberMetadata: Buffer.alloc(0), memberAssignment: Buffer.alloc(0) }
    world.source.on(describeGroups, () => ({
      groups: [
        {
          ...{ errorCode: 0, groupId: group, groupState: 'PreparingRebalance' },
          ...{ protocolType: 'consumer', protocolData: '', members: [{ ...member, ...told }] },
        },
      ],
    }))
    expect(await world.progress()).toMatchObject({ concern: 'unknown', drained: false })
  })
})
