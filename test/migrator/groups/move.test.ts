import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import { batch, group, sourceEnd, targetStart, World, type MemberScript } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})

const app = (clientId: string, rejoinMs: number | null): MemberScript => ({ clientId, rejoinMs })
const onTarget = (partition: number) =>
  world.target.group(group).offsets.get('orders-v2', partition)?.offset
const drain = () => {
  world.commit(0, sourceEnd)
  world.commit(1, sourceEnd + 5n)
}

describe('a live group', () => {
  beforeEach(() => {
    drain()
    world.join([app('app-1', 200), app('app-2', 900)])
  })

  test('moves: journal, barrier, offsets, journal, joins, in this order', async () => {
    expect(await world.move()).toEqual({ kind: 'moved' })
    expect(world.events).toEqual(['group-moving', 'begin', 'group-moved', 'release target'])
    expect([onTarget(0), onTarget(1)]).toEqual([targetStart, targetStart + 5n])
    expect(world.source.group(group).phase).toBe('Empty')
  })

  test('meets on the target in one generation, from which the placeholder is gone', async () => {
    await world.move()
    const { members, generation, phase } = world.target.group(group)
    expect(members.map(({ clientId }) => clientId)).toEqual(['app-1', 'app-2'])
    // The placeholder's own was the first.
    expect([generation, phase]).toEqual([2, 'CompletingRebalance'])
  })

  test('has its placeholder on the target before its members notice anything', async () => {
    const joined: boolean[] = []
    const { begin } = world.gate
    world.gate.begin = (name) => {
      joined.push(world.target.group(group).phase === 'Stable')
      begin(name)
    }
    await world.move()
    expect(joined).toEqual([true])
  })

  test('is not kept waiting by a placeholder whose leaving was lost', async () => {
    let lost = 0
    world.target.fault = (key) => {
      const isLost = key === apis.leaveGroup.key && world.events.length === 4 && ++lost <= 3
      return isLost ? 'lost' : undefined
    }
    expect(await world.move()).toEqual({ kind: 'moved' })
    const { members } = world.target.group(group)
    expect(members.map(({ clientId }) => clientId)).toEqual(['app-1', 'app-2'])
    expect(lost).toBe(4)
    expect(world.clock.now()).toBeLessThan(2_000)
  })

  test('keeps what its commits said beside the offset', async () => {
    await world.move()
    expect(world.target.group(group).offsets.get('orders-v2', 0)?.metadata).toBe('mine')
  })

  test('stays when its offsets were set back meanwhile', async () => {
    const { begin } = world.gate
    world.gate.begin = (name) => {
      world.commit(0, 10n)
      begin(name)
    }
    expect(await world.move()).toEqual({
      kind: 'aborted',
      reason: 'group billing went back on orders-0: 90 records left',
    })
    expect(world.events.slice(-2)).toEqual(['group-aborted', 'release source'])
  })

  test('stays when the target does not tell what was committed there', async () => {
    world.target.on(apis.offsetFetch, () => ({ errorCode: 0, topics: [] }))
    const outcome = await world.move()
    expect(outcome).toMatchObject({ kind: 'aborted' })
    expect(outcome).toHaveProperty('reason', expect.stringContaining('which tells nothing'))
  })
})

describe('what a sidecar that died has left on the target', () => {
  const placeholder = { clientId: 'kafka-cutover', rejoinMs: null }

  test('is ended: its placeholder, and the joins that waited with it', async () => {
    drain()
    world.leaveBehind([placeholder, app('gone', null)])
    world.join([app('app-1', 200)])
    expect(await world.move()).toEqual({ kind: 'moved' })
    const { members } = world.target.group(group)
    expect(members.map(({ clientId }) => clientId)).toEqual(['app-1'])
    expect(world.clock.now()).toBeLessThan(1_000)
  })

  test('are no members that joined it by themselves', async () => {
    drain()
    world.leaveBehind([app('direct', null)])
    world.join([app('app-1', 200)])
    expect(await world.move()).toMatchObject({ kind: 'refused' })
    const { members } = world.target.group(group)
    expect(members.map(({ clientId }) => clientId)).toEqual(['direct'])
  })
})

describe('a member that does not come', () => {
  test('is named, the others go back, and the placeholder leaves', async () => {
    drain()
    world.join([app('app-1', 200), app('bypass', null)])
    const outcome = await world.move()
    expect(outcome).toMatchObject({ kind: 'aborted' })
    expect(outcome).toHaveProperty('reason', expect.stringContaining('bypass at 10.0.0.3'))
    expect(world.events).toEqual(['group-moving', 'begin', 'group-aborted', 'release source'])
    expect(world.target.group(group).members).toEqual([])
    expect(world.clock.now()).toBeLessThan(21_000)
  })

  test('costs those who wait no more than their rebalance timeout', async () => {
    drain()
    world.join([{ ...app('app-1', 0), rebalanceTimeoutMs: 6_000 }, app('bypass', null)])
    await world.move()
    expect(world.clock.now()).toBeLessThanOrEqual(6_100)
  })
})

describe('before anything is noticed, a move is refused', () => {
  beforeEach(drain)

  test('by a target that does not let the placeholder in', async () => {
    world.join([app('app-1', 0)])
    const errorCode = errorCodes.GROUP_AUTHORIZATION_FAILED
    world.target.fault = (key) => (key === apis.joinGroup.key ? errorCode : undefined)
    expect(await world.move()).toEqual({
      kind: 'refused',
      reason:
        'the target refused our place in group billing: JoinGroup was answered GROUP_AUTHORIZATION_FAILED',
    })
    expect(world.events).toEqual([])
  })

  test('and its placeholder is gone, even if the answer to its join was lost', async () => {
    world.join([app('app-1', 0)])
    let joins = 0
    world.target.fault = (key) =>
      key === apis.joinGroup.key && ++joins === 2 ? 'unheard' : undefined
    expect(await world.move()).toMatchObject({ kind: 'refused' })
    expect(world.events).toEqual([])
    expect(world.target.group(group).members).toEqual([])
  })

  test('when the group has members on the target', async () => {
    world.join([app('app-1', 0)])
    await world.move()
    world.events.length = 0
    world.join([app('app-1', 0)])
    expect(await world.move()).toHaveProperty(
      'reason',
      'it has members on the target already: app-1 at 10.0.0.3',
    )
    expect(world.events).toEqual([])
  })

  test('while the group rebalances', async () => {
    world.join([app('app-1', 0)])
    const progress = world.progress()
    await progress
    const [member] = world.source.group(group).members
    world.source.group(group).leave('nobody', null, 0)
    if (member !== undefined) world.source.on(apis.describeGroups, () => rebalancing(member.id))
    expect(await world.move()).toEqual({ kind: 'refused', reason: 'it rebalances on the source' })
  })
})

const rebalancing = (memberId: string) => ({
  groups: [
    {
      ...{ errorCode: 0, groupId: group, groupState: 'PreparingRebalance' },
      ...{ protocolType: 'consumer', protocolData: '' },
      members: [
        {
          ...{ memberId, clientId: 'app', clientHost: '/h' },
          ...{ memberMetadata: Buffer.alloc(0), memberAssignment: Buffer.alloc(0) },
        },
      ],
    },
  ],
})

describe('a dormant group', () => {
  test('is copied without a placeholder, as an administrator commits', async () => {
    drain()
    expect(await world.move()).toEqual({ kind: 'moved' })
    expect(world.events).toEqual(['group-moving', 'begin', 'group-moved', 'release target'])
    expect([onTarget(0), onTarget(1)]).toEqual([targetStart, targetStart + 5n])
    expect(world.target.asked).not.toContain('JoinGroup')
  })
})

describe('partitions without a commit', () => {
  test('go on where the group reads, or at the splice: no policy decides', async () => {
    world.commit(0, sourceEnd)
    world.positions.set('orders 1', sourceEnd + 3n)
    world.join([app('app-1', 100)])
    expect(await world.move()).toEqual({ kind: 'moved' })
    expect(onTarget(1)).toBe(targetStart + 3n)
  })

  test('where nothing is left to read, at the splice', async () => {
    const records = batch(sourceEnd - 1n, 1, true)
    world.source.logs.set('orders 1', { start: 0n, end: sourceEnd, records })
    world.commit(0, sourceEnd)
    world.join([app('app-1', 100)])
    expect(await world.move()).toEqual({ kind: 'moved' })
    expect(onTarget(1)).toBe(targetStart)
  })
})

describe('the journal', () => {
  test('that fails leaves everything as it is: nobody knows what the others read', async () => {
    drain()
    world.join([app('app-1', 100)])
    world.write = ({ kind }) =>
      kind === 'group-moved' ? Promise.reject(new Error('disk full')) : Promise.resolve()
    await expect(world.move()).rejects.toThrow('disk full')
    expect(world.events).toEqual(['group-moving', 'begin'])
  })
})

describe('whatever goes wrong', () => {
  const rejoin = fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: null })
  const members = fc.array(fc.record({ clientId: fc.constantFrom('a', 'b'), rejoinMs: rejoin }), {
    maxLength: 4,
  })
  const fault = fc.option(
    fc.record({
      side: fc.constantFrom('source', 'target'),
      fromAsk: fc.nat(120),
      asks: fc.nat(200),
      with: fc.constantFrom('lost', errorCodes.UNKNOWN_MEMBER_ID, errorCodes.UNKNOWN_SERVER_ERROR),
    }),
  )

  test('joins go to the target only behind group-moved, and every move ends', async () => {
    await fc.assert(
      fc.asyncProperty(members, fault, async (scripts, failing) => {
        world = new World()
        drain()
        world.join(scripts)
        const progress = await world.progress()
        if (failing !== null) {
          const cluster = failing.side === 'source' ? world.source : world.target
          const first = cluster.asked.length + failing.fromAsk
          cluster.fault = () => {
            const at = cluster.asked.length
            const isNow = at >= first && at < first + failing.asks
            return isNow ? (failing.with as number | 'lost') : undefined
          }
        }
        const outcome = await world.moveFrom(progress)
        const told = world.events.filter((event) => event !== 'begin')
        expect(told).toEqual(ways[outcome.kind])
        expect(world.clock.now()).toBeLessThan(75_000)
        if (outcome.kind !== 'moved') return
        expect([onTarget(0), onTarget(1)]).toEqual([targetStart, targetStart + 5n])
      }),
      { numRuns: 200 },
    )
  })

  const ways = {
    moved: ['group-moving', 'group-moved', 'release target'],
    aborted: ['group-moving', 'group-aborted', 'release source'],
    refused: [],
  }
})
