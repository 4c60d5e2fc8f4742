import { beforeEach, describe, expect, test } from 'vitest'
import { Group, type JoinAsk, type JoinResult, type SyncResult } from '../../src/embedded/index.ts'
import { errorCodes } from '../../src/protocol/index.ts'

let group: Group
beforeEach(() => {
  group = new Group('billing', 0)
})

const metadata = (text: string) => Buffer.from(text)
const anyone = (overrides: Partial<JoinAsk> = {}): JoinAsk => ({
  memberId: '',
  instanceId: null,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: metadata('m') }],
  mustKnowMemberId: false,
  canSkipAssignment: true,
  newMemberId: 'a',
  ...overrides,
})

/** What was answered, undefined while nothing was. */
function join(overrides: Partial<JoinAsk>, now = 0): { result?: JoinResult } {
  const answer: { result?: JoinResult } = {}
  group.join(anyone(overrides), now, (result) => (answer.result = result))
  return answer
}

function sync(
  memberId: string,
  generationId: number,
  assignments: Record<string, string> = {},
  now = 0,
  protocolName: string | null = null,
): { result?: SyncResult } {
  const answer: { result?: SyncResult } = {}
  const claim = { memberId, instanceId: null, generationId, protocolType: null, protocolName }
  const bytes = new Map(Object.entries(assignments).map(([id, text]) => [id, Buffer.from(text)]))
  group.sync(claim, bytes, now, (result) => (answer.result = result))
  return answer
}

const beat = (memberId: string, generationId: number, now = 0, instanceId: string | null = null) =>
  group.heartbeat({ memberId, generationId, instanceId }, now)

/** Members a (the leader) and b, stable in generation 2. */
function stablePair(): void {
  join({ newMemberId: 'a' })
  sync('a', 1, { a: 'all' })
  join({ newMemberId: 'b' })
  join({ memberId: 'a' })
  sync('b', 2)
  sync('a', 2, { a: 'left', b: 'right' })
  expect([group.phase, group.generation]).toEqual(['Stable', 2])
}

describe('a group', () => {
  test('takes a new member through a generation', () => {
    const joined = join({ newMemberId: 'a' })
    expect(joined.result).toMatchObject({
      errorCode: 0,
      generationId: 1,
      leader: 'a',
      memberId: 'a',
      protocolName: 'range',
      members: [{ memberId: 'a', metadata: metadata('m') }],
    })
    expect(group.phase).toBe('CompletingRebalance')
    expect(sync('a', 1, { a: 'all' }).result?.assignment.toString()).toBe('all')
    expect(group.phase).toBe('Stable')
    expect(beat('a', 1)).toBe(errorCodes.NONE)
  })

  test('tells a new dynamic member its id first, where the client knows of that', () => {
    const first = join({ mustKnowMemberId: true, newMemberId: 'a' })
    expect(first.result).toMatchObject({
      errorCode: errorCodes.MEMBER_ID_REQUIRED,
      memberId: 'a',
    })
    expect(group.phase).toBe('Empty')
    expect(join({ memberId: 'a', mustKnowMemberId: true }).result?.errorCode).toBe(0)
  })

  test('waits for all members before the next generation, and tells them by their heartbeats', () => {
    join({ newMemberId: 'a' })
    sync('a', 1)
    const second = join({ newMemberId: 'b' })
    expect(second.result).toBeUndefined()
    expect(beat('a', 1)).toBe(errorCodes.REBALANCE_IN_PROGRESS)
    expect(group.judgeCommit({ memberId: 'a', instanceId: null, generationId: 1 }, 0)).toBe(0)
    const first = join({ memberId: 'a' })
    expect(first.result?.members.map(({ memberId }) => memberId)).toEqual(['a', 'b'])
    expect(second.result).toMatchObject({ generationId: 2, leader: 'a', members: [] })
  })

  test('answers a follower when the leader has assigned', () => {
    stablePair()
    join({ newMemberId: 'c' })
    join({ memberId: 'b' })
    join({ memberId: 'a' })
    const follower = sync('b', 3)
    expect(follower.result).toBeUndefined()
    expect(group.judgeCommit({ memberId: 'b', instanceId: null, generationId: 3 }, 0)).toBe(
      errorCodes.REBALANCE_IN_PROGRESS,
    )
    sync('a', 3, { b: 'mine' })
    expect(follower.result?.assignment.toString()).toBe('mine')
    expect(sync('c', 3).result?.assignment).toHaveLength(0)
  })

  test('gives a follower that joins unchanged the current generation; a leader begins another', () => {
    stablePair()
    expect(join({ memberId: 'b' }).result).toMatchObject({ generationId: 2, leader: 'a' })
    expect(group.phase).toBe('Stable')
    expect(join({ memberId: 'a' }).result).toBeUndefined()
    expect(group.phase).toBe('PreparingRebalance')
  })

  test('begins another generation for a follower with another subscription', () => {
    stablePair()
    join({ memberId: 'b', protocols: [{ name: 'range', metadata: metadata('more') }] })
    expect(group.phase).toBe('PreparingRebalance')
  })

  test('chooses the protocol that most prefer of those that all know', () => {
    const known = (...names: string[]) => names.map((name) => ({ name, metadata: metadata(name) }))
    join({ newMemberId: 'a', protocols: known('range', 'sticky') })
    sync('a', 1)
    join({ newMemberId: 'b', protocols: known('sticky', 'range', 'other') })
    join({ newMemberId: 'c', protocols: known('sticky', 'range') })
    const { result } = join({ memberId: 'a', protocols: known('range', 'sticky') })
    expect(result?.protocolName).toBe('sticky')
    expect(result?.members[1]?.metadata.toString()).toBe('sticky')
  })

  test('refuses a member without a common protocol, or of another kind', () => {
    stablePair()
    const other = [{ name: 'other', metadata: metadata('m') }]
    const refused = errorCodes.INCONSISTENT_GROUP_PROTOCOL
    expect(join({ protocols: other }).result?.errorCode).toBe(refused)
    expect(join({ protocolType: 'connect' }).result?.errorCode).toBe(refused)
    expect(join({ protocols: [] }).result?.errorCode).toBe(refused)
  })

  test('refuses strangers, and members of another generation', () => {
    stablePair()
    const { UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION } = errorCodes
    expect(join({ memberId: 'z' }).result?.errorCode).toBe(UNKNOWN_MEMBER_ID)
    expect([beat('z', 2), beat('a', 1)]).toEqual([UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION])
    expect(sync('z', 2).result?.errorCode).toBe(UNKNOWN_MEMBER_ID)
    expect(sync('a', 1).result?.errorCode).toBe(ILLEGAL_GENERATION)
    expect(sync('a', 2, {}, 0, 'sticky').result?.errorCode).toBe(
      errorCodes.INCONSISTENT_GROUP_PROTOCOL,
    )
    const commit = (memberId: string, generationId: number) =>
      group.judgeCommit({ memberId, instanceId: null, generationId }, 0)
    expect([commit('z', 2), commit('a', 1), commit('', -1), commit('a', 2)]).toEqual([
      UNKNOWN_MEMBER_ID,
      ILLEGAL_GENERATION,
      UNKNOWN_MEMBER_ID,
      0,
    ])
  })

  test('lets a member go, and is empty after the last one', () => {
    stablePair()
    expect(group.leave('b', null, 0)).toBe(0)
    expect(group.phase).toBe('PreparingRebalance')
    expect(join({ memberId: 'a' }).result?.generationId).toBe(3)
    expect(group.leave('z', null, 0)).toBe(errorCodes.UNKNOWN_MEMBER_ID)
    expect(group.leave('a', null, 0)).toBe(0)
    expect([group.phase, group.members.length]).toEqual(['Empty', 0])
    expect(group.judgeCommit({ memberId: '', instanceId: null, generationId: -1 }, 0)).toBe(0)
  })
})

describe('time', () => {
  test('expels a member that is not heard of, when its session ends', () => {
    stablePair()
    beat('a', 2, 9_000)
    expect(group.nextDeadline()).toBe(10_000)
    group.expire(9_999)
    expect(group.members).toHaveLength(2)
    group.expire(10_000)
    expect(group.members.map(({ id }) => id)).toEqual(['a'])
    expect(group.phase).toBe('PreparingRebalance')
  })

  test('does not expel a member that waits for an answer', () => {
    stablePair()
    const waiting = join({ newMemberId: 'c' })
    beat('a', 2, 9_000)
    beat('b', 2, 9_000)
    group.expire(15_000)
    expect(waiting.result).toBeUndefined()
    expect(group.members).toHaveLength(3)
  })

  test('ends a rebalance without those who have not joined', () => {
    stablePair()
    const joined = join({ newMemberId: 'c', rebalanceTimeoutMs: 5_000 }, 1_000)
    for (let now = 5_000; now <= 55_000; now += 5_000) {
      beat('a', 2, now)
      beat('b', 2, now)
      group.expire(now)
    }
    expect(joined.result).toBeUndefined()
    group.expire(61_000)
    expect(joined.result).toMatchObject({ generationId: 3, leader: 'c' })
    expect(group.members.map(({ id }) => id)).toEqual(['c'])
  })

  test('expels members that have joined and do not sync', () => {
    stablePair()
    join({ newMemberId: 'c' })
    join({ memberId: 'b' })
    join({ memberId: 'a' })
    const synced = sync('a', 3, { a: 'x' })
    expect(synced.result?.errorCode).toBe(0)
    join({ newMemberId: 'd' })
    for (const memberId of ['a', 'b', 'c']) join({ memberId })
    sync('b', 4)
    for (let now = 5_000; now < 60_000; now += 5_000) {
      for (const memberId of ['a', 'c', 'd']) beat(memberId, 4, now)
      group.expire(now)
    }
    group.expire(60_000)
    expect(group.members.map(({ id }) => id)).toEqual(['b'])
    expect(group.phase).toBe('PreparingRebalance')
  })

  test('expels a follower that does not sync, also when the leader has assigned', () => {
    stablePair()
    join({ newMemberId: 'c' })
    for (const memberId of ['b', 'a']) join({ memberId })
    sync('a', 3)
    expect(group.phase).toBe('Stable')
    sync('c', 3)
    for (let now = 5_000; now < 60_000; now += 5_000)
      for (const memberId of ['a', 'b', 'c']) beat(memberId, 3, now)
    expect(group.nextDeadline()).toBe(60_000)
    group.expire(60_000)
    expect(group.members.map(({ id }) => id)).toEqual(['a', 'c'])
  })

  test('gives a first generation the time for more members to come', () => {
    group = new Group('billing', 3_000)
    const first = join({ newMemberId: 'a' }, 0)
    expect([first.result, group.nextDeadline()]).toEqual([undefined, 3_000])
    const second = join({ newMemberId: 'b' }, 2_000)
    group.expire(3_000)
    expect(first.result).toBeUndefined()
    group.expire(5_000)
    expect([first.result?.generationId, second.result?.generationId]).toEqual([1, 1])
  })

  test('forgets an id that was given out and not used, and goes on without it', () => {
    join({ newMemberId: 'a' })
    sync('a', 1)
    join({ newMemberId: 'b', mustKnowMemberId: true }, 0)
    const again = join({ memberId: 'a' }, 1_000)
    expect(again.result).toBeUndefined()
    group.expire(10_000)
    expect(again.result?.generationId).toBe(2)
  })

  test('has nothing to do for an empty group', () => {
    expect(group.nextDeadline()).toBe(Infinity)
  })
})

describe('a static member', () => {
  const pair = () => {
    join({ newMemberId: 'a1', instanceId: 'one' })
    join({ newMemberId: 'b1', instanceId: 'two' })
    join({ memberId: 'a1', instanceId: 'one' })
    const answer: { result?: SyncResult } = {}
    const claim = { instanceId: 'one', generationId: 2, protocolType: null, protocolName: null }
    const assignments = new Map([['b1', Buffer.from('right')]])
    group.sync({ ...claim, memberId: 'a1' }, assignments, 0, (result) => (answer.result = result))
    expect([group.phase, group.generation]).toEqual(['Stable', 2])
  }

  test('comes back without a rebalance, with its assignment, under another id', () => {
    pair()
    const back = join({ newMemberId: 'b2', instanceId: 'two' })
    expect(back.result).toMatchObject({ errorCode: 0, generationId: 2, memberId: 'b2' })
    expect(group.phase).toBe('Stable')
    expect(group.members.map(({ id }) => id).sort()).toEqual(['a1', 'b2'])
    expect(group.members.find(({ id }) => id === 'b2')?.assignment.toString()).toBe('right')
    expect(beat('b1', 2, 0, 'two')).toBe(errorCodes.FENCED_INSTANCE_ID)
    expect(beat('b2', 2, 0, 'two')).toBe(errorCodes.NONE)
  })

  test('that led is told to skip the assignment, or that another leads', () => {
    pair()
    expect(join({ newMemberId: 'a2', instanceId: 'one' }).result).toMatchObject({
      leader: 'a2',
      skipAssignment: true,
    })
    const old = join({ newMemberId: 'a3', instanceId: 'one', canSkipAssignment: false })
    expect(old.result).toMatchObject({ leader: 'a2', skipAssignment: false, members: [] })
  })

  test('with another subscription begins a rebalance', () => {
    pair()
    join({
      newMemberId: 'b2',
      instanceId: 'two',
      protocols: [{ name: 'range', metadata: metadata('more') }],
    })
    expect(group.phase).toBe('PreparingRebalance')
  })

  test('is kept when it misses a rebalance, and leaves by its instance id', () => {
    pair()
    join({ newMemberId: 'c' }, 0)
    join({ memberId: 'a1', instanceId: 'one' }, 0)
    for (let now = 5_000; now < 60_000; now += 5_000) beat('b1', 2, now, 'two')
    group.expire(60_000)
    expect(group.members.map(({ id }) => id)).toContain('b1')
    expect(group.leave('', 'two', 0)).toBe(0)
    expect(group.leave('', 'nobody', 0)).toBe(errorCodes.UNKNOWN_MEMBER_ID)
    expect(group.members.map(({ id }) => id)).not.toContain('b1')
  })
})

describe('a group that moves to another coordinator', () => {
  test('tells those who wait, and keeps its members', () => {
    stablePair()
    const waiting = join({ newMemberId: 'c' }, 0)
    group.move(5_000)
    expect(waiting.result?.errorCode).toBe(errorCodes.NOT_COORDINATOR)
    expect(group.members).toHaveLength(3)
    expect(group.nextDeadline()).toBe(15_000)
  })
})
