import { beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../../src/log.ts'
import { GroupsMover } from '../../../src/migrator/groups/index.ts'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import type { GroupStanding } from '../../../src/router/index.ts'
import { group, sourceEnd, World } from './world.ts'

let world: World
let mover: GroupsMover
let standings: Map<string, GroupStanding>

beforeEach(() => {
  world = new World()
  standings = new Map()
  const standing = (name: string): GroupStanding => standings.get(name) ?? 'source'
  const log = silentLog
  const { write } = world.options
  mover = new GroupsMover({
    ...world.options,
    standing,
    log,
    write: async (entry) => {
      await write(entry)
      const to = { 'group-moving': 'moving', 'group-moved': 'moved', 'group-aborted': 'source' }
      standings.set(entry.group, to[entry.kind] as GroupStanding)
    },
  })
  world.commit(1, sourceEnd)
})

const row = { group, members: 1, remaining: 40, ratePerSecond: null, etaSeconds: null }

describe('the groups', () => {
  test('are not known before they were looked at', () => {
    expect([mover.rows, mover.facts]).toEqual([[], undefined])
  })

  test('drain: how far, how fast, how long', async () => {
    world.commit(0, 60n)
    world.join([{ clientId: 'app-1', rejoinMs: 100 }])
    await mover.tick()
    expect(mover.rows).toEqual([{ ...row, state: 'draining' }])
    await world.clock.until(world.clock.sleep(2_000, new AbortController().signal))
    world.commit(0, 80n)
    await mover.tick()
    expect(mover.rows).toEqual([
      { ...row, state: 'draining', remaining: 20, ratePerSecond: 10, etaSeconds: 2 },
    ])
    expect(mover.facts).toEqual([
      {
        ...{ group, state: 'active', members: 1, remaining: 20n, drained: false },
        behindIn: ['orders'],
        ...{ ratePerSecond: 10, etaSeconds: 2 },
      },
    ])
  })

  test('rest while nobody comes or goes', async () => {
    const pass = (ms: number) => world.clock.until(world.clock.sleep(ms, new AbortController().signal)) // prettier-ignore
    world.commit(0, 60n)
    expect(mover.restedMs(group)).toBe(0)
    world.join([{ clientId: 'app-1', rejoinMs: 100 }])
    for (const ms of [0, 2_000, 3_000]) {
      await pass(ms)
      await mover.tick()
    }
    expect(mover.restedMs(group)).toBe(5_000)
    const [member] = world.source.group(group).members
    world.source.group(group).leave(member?.id ?? '', null, world.clock.now())
    await mover.tick()
    expect(mover.restedMs(group)).toBe(0)
  })

  test('that were moving when the sidecar died have nothing left on the target', async () => {
    world.leaveBehind([
      { clientId: 'kafka-cutover', rejoinMs: null },
      { clientId: 'gone', rejoinMs: null },
    ])
    const at = world.clock.wallClock()
    await world.clock.until(mover.recover([{ kind: 'group-moved', group: 'other', at }]))
    expect(world.target.group(group).members).toHaveLength(2)
    await world.clock.until(mover.recover([{ kind: 'group-moved', group, at: at - 300_000 }]))
    expect(world.target.group(group).members).toHaveLength(2)
    await world.clock.until(mover.recover([{ kind: 'group-moved', group, at }]))
    expect(world.target.group(group).members).toEqual([])
  })

  test('serve their clients, whatever the target does not answer', async () => {
    world.target.on(apis.describeGroups, () => new Promise(() => {}))
    const at = world.clock.wallClock()
    await world.clock.until(mover.recover([{ kind: 'group-moving', group, at }]))
    expect(world.clock.now()).toBe(2_000)
  })

  test('that are drained move, and are waited for no longer', async () => {
    world.commit(0, sourceEnd)
    world.join([{ clientId: 'app-1', rejoinMs: 100 }])
    await mover.tick()
    expect(mover.rows).toMatchObject([{ group, state: 'moving' }])
    await world.clock.until(mover.settled())
    await mover.tick()
    expect(mover.rows).toMatchObject([{ group, state: 'moved', remaining: 0, etaSeconds: 0 }])
    expect(mover.blockers).toEqual([])
    expect(world.entries.map(({ kind }) => kind)).toEqual(['group-moving', 'group-moved'])
  })

  test('without members are listed, with what they have left', async () => {
    world.commit(0, 60n)
    await mover.tick()
    expect(mover.rows).toEqual([{ ...row, members: 0, state: 'dormant' }])
    expect(mover.facts).toMatchObject([
      { state: 'dormant', remaining: 40n, behindIn: ['orders'], drained: false },
    ])
    expect(world.events).toEqual([])
  })

  test('that have nothing to do with the plan are left alone', async () => {
    world.source.groups.clear()
    world.source.group('other').offsets.commit('unplanned', 0, stored)
    await mover.tick()
    expect([mover.rows, mover.facts, mover.blockers]).toEqual([[], [], []])
  })

  test('whose move failed say why, and are tried again later', async () => {
    world.commit(0, sourceEnd)
    world.join([{ clientId: 'app-1', rejoinMs: 100 }])
    const errorCode = errorCodes.GROUP_AUTHORIZATION_FAILED
    world.target.fault = (key) => (key === apis.joinGroup.key ? errorCode : undefined)
    await mover.tick()
    await world.clock.until(mover.settled())
    world.target.fault = () => undefined
    await mover.tick()
    expect(mover.blockers).toEqual([
      'group billing: the target refused our place in group billing: JoinGroup was answered GROUP_AUTHORIZATION_FAILED; tried again in 5 s at the earliest',
    ])
    expect(world.events).toEqual([])
    // Also until the target has forgotten the id that it gave out and that never joined.
    await world.clock.until(world.clock.sleep(30_000, new AbortController().signal))
    await mover.tick()
    await world.clock.until(mover.settled())
    expect(mover.rows).toMatchObject([{ state: 'moved' }])
  })

  test('that are members of KIP-848 are named, and not taken for dormant ones', async () => {
    world.commit(0, sourceEnd)
    const told = { protocolType: 'consumer', groupState: 'Stable', groupType: 'Consumer' }
    world.source.on(apis.listGroups, () => ({
      errorCode: 0,
      groups: [{ groupId: group, ...told }],
    }))
    await mover.tick()
    expect(mover.blockers[0]).toContain('KIP-848')
    expect(world.events).toEqual([])
  })

  test('stay as they are when the journal cannot be written, and the owner is told', async () => {
    world.commit(0, sourceEnd)
    world.write = () => Promise.reject(new Error('disk full'))
    await mover.tick()
    await expect(world.clock.until(mover.settled())).rejects.toThrow('disk full')
    await expect(mover.tick()).rejects.toThrow('disk full')
  })
})

const stored = { offset: 1n, leaderEpoch: -1, metadata: '' }
