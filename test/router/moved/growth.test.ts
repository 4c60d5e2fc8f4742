import { describe, expect, test } from 'vitest'
import { Growth, type GrowthSignal } from '../../../src/router/index.ts'
import { parallelTable } from '../translations/given.ts'

/** `orders` has partitions 0 and 1, and 2, 3, 4 behind the flip. */
const { view } = parallelTable()
const before = { ...view, spliced: false }
const group = 'billing'

const join = (growth: Growth, memberId: string, leaderId = 'leader', clientId = memberId): void => {
  growth.joining(group, memberId)
  const members = memberId === leaderId ? ['leader', 'follower'] : []
  growth.joined(group, { memberId, leaderId, clientId, topics: ['orders'], members })
}

/** @param given by member, the highest partition of `orders` */
const assign = (
  growth: Growth,
  given: Record<string, number>,
  of = view,
  mayForget = false,
): GrowthSignal => {
  const assigned = Object.entries(given).map(
    ([member, highest]) => [member, new Map([['orders', highest]])] as const,
  )
  return growth.assigned(of, group, 'leader', new Map(assigned), mayForget)
}

const running = (given: Record<string, number> = { leader: 0, follower: 1 }): Growth => {
  const growth = new Growth()
  join(growth, 'follower')
  join(growth, 'leader')
  assign(growth, given, before)
  return growth
}

const fetch = (
  growth: Growth,
  client: string,
  atMs: number,
  reader: object = {},
  joinsWhenTold = false,
): readonly string[] =>
  growth.fetched(view, reader, { clientId: () => client, joinsWhenTold }, ['orders'], atMs)

/** The same of a client that joins anew whenever it is told. */
const fetchAndJoin = (growth: Growth, client: string, atMs: number, reader: object = {}) =>
  fetch(growth, client, atMs, reader, true)

const curious = { isStatic: false, looksUpWhenClosed: true, graceMs: 1_000 }
const incurious = { ...curious, looksUpWhenClosed: false }

const beat = (
  growth: Growth,
  atMs: number,
  member = 'leader',
  of = view,
  beating = curious,
): GrowthSignal => growth.heartbeat(of, group, member, beating, atMs)

describe('a Fetch of none of the new partitions', () => {
  test('is refused once per connection and topic', () => {
    const growth = running()
    const [one, other] = [{}, {}]
    expect(fetch(growth, 'leader', 0, one)).toEqual(['orders'])
    expect(fetch(growth, 'leader', 1, one)).toEqual([])
    expect(fetch(growth, 'leader', 1_500, other)).toEqual(['orders'])
    expect(fetch(growth, 'leader', 3_000, other)).toEqual([])
  })

  test('is not, while another connection of its client was a moment ago', () => {
    const growth = running()
    const [one, other] = [{}, {}]
    expect(fetch(growth, 'leader', 0, one)).toEqual(['orders'])
    expect(fetch(growth, 'leader', 999, other)).toEqual([])
    expect(fetch(growth, 'alone', 999)).toEqual(['orders'])
    expect(fetch(growth, 'leader', 1_000, other)).toEqual(['orders'])
  })

  test('of a follower is, where its client joins only for what is new', () => {
    expect(fetch(running(), 'follower', 0)).toEqual(['orders'])
  })

  test('is not, where the leader of its group is another client, and is told itself', () => {
    const growth = running()
    const follower = {}
    expect(fetchAndJoin(growth, 'follower', 0, follower)).toEqual([])
    expect(fetchAndJoin(growth, 'leader', 0)).toEqual(['orders'])
    expect(fetchAndJoin(growth, 'follower', 5_000, follower)).toEqual([])
    join(growth, 'follower', 'follower')
    growth.assigned(view, group, 'follower', new Map([['follower', new Map([['orders', 1]])]]), false) // prettier-ignore
    expect(fetchAndJoin(growth, 'follower', 9_000, follower)).toEqual(['orders'])
  })

  test('is, where the leader of its group joins elsewhere', () => {
    const growth = new Growth()
    join(growth, 'follower', 'direct')
    expect(fetchAndJoin(growth, 'follower', 0)).toEqual(['orders'])
  })

  test('is not, while the leader joins anew, who has heard of them', () => {
    const growth = running()
    const other = {}
    expect(fetchAndJoin(growth, 'leader', 0)).toEqual(['orders'])
    growth.joining(group, 'leader')
    expect(fetchAndJoin(growth, 'leader', 1_000, other)).toEqual([])
    join(growth, 'leader')
    assign(growth, { leader: 0, follower: 1 })
    expect(fetchAndJoin(growth, 'leader', 2_000, other)).toEqual(['orders'])
  })

  test('is, where its client follows in one group and leads another', () => {
    const growth = running()
    growth.joined('audit', { memberId: 'auditor', leaderId: 'auditor', clientId: 'follower', topics: ['orders'], members: ['auditor'] }) // prettier-ignore
    growth.assigned(before, 'audit', 'auditor', new Map(), false)
    expect(fetchAndJoin(growth, 'follower', 0)).toEqual(['orders'])
  })

  test('of a client without a group, too, which is never called', () => {
    const growth = running()
    expect(fetch(growth, 'alone', 0)).toEqual(['orders'])
    expect(beat(growth, 1_500)).toBe('ordinary')
  })

  test('is not, where the group has them, or has moved', () => {
    const growth = running({ leader: 0, follower: 4 })
    expect(fetch(growth, 'follower', 0)).toEqual([])
    const moved = { ...view, groups: new Map([[group, 'target' as const]]) }
    expect(
      running().fetched(
        moved,
        {},
        { clientId: () => 'follower', joinsWhenTold: false },
        ['orders'],
        0,
      ),
    ).toEqual([])
  })
})

describe('the leader of a group', () => {
  test('has assigned, though a follower hears of its joining later', () => {
    const growth = running()
    join(growth, 'follower')
    expect(fetch(growth, 'leader', 0)).toEqual(['orders'])
    expect(beat(growth, 1_000)).toBe('rebalance')
  })

  test('that fetches is called once, a second after its Fetch was refused', () => {
    const growth = running()
    expect(beat(growth, 0, 'leader', before)).toBe('ordinary')
    expect(beat(growth, 10)).toBe('ordinary')
    fetch(growth, 'leader', 20)
    expect(beat(growth, 1_019)).toBe('ordinary')
    expect(beat(growth, 1_020, 'follower')).toBe('ordinary')
    expect(beat(growth, 1_020)).toBe('rebalance')
    expect(beat(growth, 4_019)).toBe('ordinary')
  })

  test('of a client that never comes by itself is called at its next heartbeat', () => {
    const growth = running()
    const beating = { ...curious, graceMs: 0 }
    expect(beat(growth, 0, 'leader', view, beating)).toBe('ordinary')
    fetch(growth, 'leader', 1)
    expect(beat(growth, 1, 'leader', view, beating)).toBe('rebalance')
  })

  test('that was called and does not come is called again: the answer may have been lost', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    expect(beat(growth, 1_000)).toBe('rebalance')
    expect(beat(growth, 3_999)).toBe('ordinary')
    expect(beat(growth, 4_000)).toBe('rebalance')
    growth.joining(group, 'leader')
    expect(beat(growth, 9_000)).toBe('ordinary')
  })

  test('is not called when it comes by itself, and has the new partitions then', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    growth.joining(group, 'leader')
    expect(beat(growth, 2_000)).toBe('ordinary')
    join(growth, 'leader')
    expect(beat(growth, 3_000)).toBe('ordinary')
    assign(growth, { leader: 1, follower: 4 })
    expect(beat(growth, 9_000)).toBe('ordinary')
  })

  test('that came with what it knew before, its connection ends once, and it is called once more', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    expect(beat(growth, 1_000)).toBe('rebalance')
    join(growth, 'leader')
    assign(growth, { leader: 0, follower: 1 })
    expect(beat(growth, 2_000)).toBe('close')
    expect(beat(growth, 2_999)).toBe('ordinary')
    expect(beat(growth, 3_000)).toBe('rebalance')
    join(growth, 'leader')
    assign(growth, { leader: 0, follower: 1 })
    for (const atMs of [4_000, 6_000, 60_000]) expect(beat(growth, atMs)).toBe('ordinary')
  })

  test('that reads none of the topic and fetches nothing is closed at once, then called', () => {
    const growth = running({ follower: 1 })
    expect(beat(growth, 0)).toBe('close')
    expect(beat(growth, 999)).toBe('ordinary')
    expect(beat(growth, 1_000)).toBe('rebalance')
  })

  test('that has not fetched for a while is closed, too', () => {
    const growth = running()
    expect(beat(growth, 0)).toBe('ordinary')
    expect(beat(growth, 2_999)).toBe('ordinary')
    expect(beat(growth, 3_000)).toBe('close')
  })

  test('another one begins anew', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    expect(beat(growth, 1_000)).toBe('rebalance')
    join(growth, 'follower', 'follower')
    const assigned = new Map([['follower', new Map([['orders', 1]])]])
    growth.assigned(view, group, 'follower', assigned, false)
    expect(beat(growth, 5_000)).toBe('ordinary')
    fetch(growth, 'follower', 5_000)
    expect(beat(growth, 6_000, 'follower')).toBe('rebalance')
  })

  test('whose JoinGroup was refused is called nevertheless', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    growth.joining(group, 'leader')
    growth.refused(group, 'leader')
    expect(beat(growth, 1_000)).toBe('rebalance')
  })

  test('of a group that has moved, which nobody has told of them, is closed in a while, then called', () => {
    const growth = running()
    const moved = { ...view, groups: new Map([[group, 'target' as const]]) }
    join(growth, 'leader on target', 'leader on target')
    const assigned = new Map([['leader on target', new Map([['orders', 1]])]])
    growth.assigned(moved, group, 'leader on target', assigned, false)
    const beats = [0, 2_999, 3_000, 3_999, 4_000, 6_999].map((atMs) =>
      beat(growth, atMs, 'leader on target', moved),
    )
    expect(beats).toEqual(['ordinary', 'ordinary', 'close', 'ordinary', 'rebalance', 'ordinary'])
  })

  test('of a group that moves, or reads other topics, is left alone', () => {
    const growth = running({})
    const moving = { ...view, groups: new Map([[group, 'moving' as const]]) }
    expect(beat(growth, 0, 'leader', moving)).toBe('ordinary')
    const other = new Growth()
    other.joined(group, { memberId: 'leader', leaderId: 'leader', clientId: '', topics: ['bills'], members: ['leader'] }) // prettier-ignore
    other.assigned(view, group, 'leader', new Map(), false)
    expect(beat(other, 5_000)).toBe('ordinary')
  })
})

describe('a leader that owns nothing', () => {
  const moved = { ...view, groups: new Map([[group, 'target' as const]]) }
  const idle = { follower: 1 }
  const beatIncurious = (growth: Growth, atMs: number, member = 'leader', of = view) =>
    beat(growth, atMs, member, of, incurious)

  /** Another one leads, and has assigned nothing new. */
  const follow = (growth: Growth, leader: string, assigned: ReadonlyMap<string, number>): void => {
    join(growth, leader, leader)
    growth.assigned(view, group, leader, new Map([[leader, assigned]]), false)
  }

  test('leaves at once, where its client looks up nothing when a connection ends, told or not', () => {
    for (const tell of [false, true]) {
      const growth = running(idle)
      expect(beatIncurious(growth, 0, 'leader', before)).toBe('ordinary')
      if (tell) fetch(growth, 'leader', 0)
      expect(beatIncurious(growth, 0, 'follower')).toBe('ordinary')
      expect(beatIncurious(growth, 0)).toBe('leave')
    }
  })

  test('is called until it joins, and leaves again when it joins as who it was: it was not taken out', () => {
    const growth = running(idle)
    expect(beatIncurious(growth, 0)).toBe('leave')
    expect(beatIncurious(growth, 1)).toBe('rebalance')
    growth.joining(group, 'leader')
    expect(beatIncurious(growth, 2)).toBe('ordinary')
    growth.refused(group, 'leader')
    expect(beatIncurious(growth, 3)).toBe('rebalance')
    join(growth, 'leader')
    assign(growth, idle)
    expect(beatIncurious(growth, 4)).toBe('leave')
  })

  test('of any client leaves, when it was closed and called and comes back as it was', () => {
    const growth = running(idle)
    expect(beat(growth, 0)).toBe('close')
    expect(beat(growth, 1_000)).toBe('rebalance')
    join(growth, 'leader')
    assign(growth, idle)
    expect(beat(growth, 2_000)).toBe('leave')
  })

  test('stays, where it is static', () => {
    const growth = running(idle)
    const beats = (atMs: number) =>
      beat(growth, atMs, 'leader', view, { ...incurious, isStatic: true })
    expect(beats(0)).toBe('close')
    expect(beats(1_000)).toBe('rebalance')
    join(growth, 'leader')
    assign(growth, idle)
    for (const atMs of [2_000, 6_000, 60_000]) expect(beats(atMs)).toBe('ordinary')
  })

  test('is not who owns some of another topic, which it could not commit any more', () => {
    const growth = running()
    const assigned = new Map([['leader', new Map([['orders', -1], ['bills', 0]])]]) // prettier-ignore
    growth.assigned(before, group, 'leader', assigned, false)
    expect(beatIncurious(growth, 0)).toBe('ordinary')
    expect(beatIncurious(running(), 0)).toBe('ordinary')
    expect(beatIncurious(running(), 3_000)).toBe('ordinary')
  })

  test('of a group that has moved is who was given partitions of the source only, or none at all', () => {
    for (const own of [new Map([['orders', 1]]), new Map<string, number>()]) {
      const growth = running()
      follow(growth, 'leader on target', own)
      expect(beatIncurious(growth, 0, 'leader on target', moved)).toBe('leave')
    }
    const other = running()
    follow(other, 'leader on target', new Map([['orders', 2]]))
    expect(beatIncurious(other, 0, 'leader on target', moved)).toBe('ordinary')
    const moving = { ...view, groups: new Map([[group, 'moving' as const]]) }
    expect(beatIncurious(running(idle), 0, 'leader', moving)).toBe('ordinary')
  })

  test('leaves 20 times, whoever it is, and again when the group has had the new partitions', () => {
    const growth = running()
    const leaders = Array.from({ length: 21 }, (_, index) => `leader ${index}`)
    const leave = () =>
      leaders.map((leader) => {
        follow(growth, leader, new Map())
        return beatIncurious(growth, 0, leader)
      })
    const twenty = [...Array.from({ length: 20 }, () => 'leave'), 'close']
    expect(leave()).toEqual(twenty)
    expect(leave()).toEqual(leaders.map(() => 'close'))
    follow(growth, 'leader', new Map([['orders', 4]]))
    expect(leave()).toEqual(twenty)
  })
})

describe('a leader that may forget that it joins anew', () => {
  const grown = { leader: 2, follower: 4 }
  const assignForgetfully = (growth: Growth, given = grown) => assign(growth, given, view, true)

  test('is asked for once more, when it has come by itself', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    join(growth, 'leader')
    expect(assignForgetfully(growth)).toBe('rebalance')
    // Its heartbeats have stopped; one that was on its way is no reason to call it.
    expect(beat(growth, 3_000)).toBe('ordinary')
    join(growth, 'leader')
    expect(assignForgetfully(growth)).toBe('ordinary')
    expect(beat(growth, 9_000)).toBe('ordinary')
  })

  test('is not, when it was called: then it remembers', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    expect(beat(growth, 1_000)).toBe('rebalance')
    join(growth, 'leader')
    expect(assignForgetfully(growth)).toBe('ordinary')
  })

  test('is not, where it brings nothing new, or is another client', () => {
    const growth = running()
    fetch(growth, 'leader', 0)
    join(growth, 'leader')
    expect(assignForgetfully(growth, { leader: 0, follower: 1 })).toBe('ordinary')
    join(growth, 'leader')
    expect(assign(growth, grown)).toBe('ordinary')
  })
})
