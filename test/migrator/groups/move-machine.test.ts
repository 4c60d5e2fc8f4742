import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beganMove,
  deadlineOf,
  firstJoinMsMax,
  gatherMsMax,
  holdMsMax,
  isOver,
  nextMove,
  prepareMsMax,
  seenMove,
  type Move,
  type MoveEvent,
} from '../../../src/migrator/groups/move-machine.ts'

const kinds = ['prepared', 'journaled', 'emptied', 'copied', 'gathered'] as const
const event: fc.Arbitrary<MoveEvent> = fc.oneof(
  fc.constantFrom(...kinds).map((kind) => ({ kind })),
  fc.constantFrom('failed', 'late').map((kind) => ({ kind, reason: 'because' })),
)
const nobody = { count: 0, members: [], sinceMs: null }
const heldSince = (sinceMs: number, rebalanceTimeoutMs: number) => {
  const told = { memberId: 'm', groupInstanceId: null, clientId: 'c', protocolType: 'consumer' }
  return { count: 1, members: [{ ...told, rebalanceTimeoutMs, protocols: [] }], sinceMs }
}

/** The move in a step, all of whose steps began at 0. */
function moveIn(...events: MoveEvent['kind'][]): Move {
  return events.reduce((move, kind) => nextMove(move, { kind, reason: 'because' }, 0), beganMove(0))
}

describe('a move', () => {
  test('goes its way', () => {
    const way = ['prepared', 'journaled', 'emptied', 'copied', 'journaled', 'gathered'] as const
    const steps = way.map((_, i) => moveIn(...way.slice(0, i + 1)).step)
    expect(steps).toEqual([
      ...['announcing', 'emptying', 'copying', 'committing', 'gathering', 'moved'],
    ])
  })

  test('has written group-moved when the joins go to the target, and group-aborted when back', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let move = beganMove(0)
        const journaled: string[] = []
        for (const each of events) {
          const before = move.step
          move = nextMove(move, each, 0)
          if (each.kind === 'journaled' && move.step !== before) journaled.push(before)
          if (move.step === 'gathering' || move.step === 'moved')
            expect(journaled).toEqual(['announcing', 'committing'])
          if (move.step === 'aborted') expect(journaled).toEqual(['announcing', 'aborting'])
          if (move.step === 'refused') expect(journaled).toEqual([])
        }
      }),
    )
  })

  test('ends within its bounds, whatever happens, if the journal is written', () => {
    const seen = fc.record({ members: fc.nat(5), timeout: fc.nat(60_000), isHeld: fc.boolean() })
    fc.assert(
      fc.property(fc.array(fc.oneof(event, seen), { maxLength: 60 }), (events) => {
        let now = 0
        let move = beganMove(0)
        let heldUntil: number | undefined
        for (const each of events) {
          now += 500
          if (deadlineOf(move) <= now) move = nextMove(move, { kind: 'late', reason: 'late' }, now)
          else if ('kind' in each) move = nextMove(move, each, now)
          else {
            const held = each.isHeld ? heldSince(now, each.timeout) : nobody
            move = seenMove(move, each.members, held)
          }
        }
        for (let turns = 0; !isOver(move); turns++) {
          expect(turns).toBeLessThan(8)
          const deadline = deadlineOf(move)
          const before = move.step
          now = deadline === Infinity ? now : Math.max(now, deadline)
          const kind = deadline === Infinity ? 'journaled' : 'late'
          move = nextMove(move, { kind, reason: 'late' }, now)
          if (before === 'emptying' || before === 'copying') heldUntil = now
        }
        const last = 500 * events.length
        expect(now - last).toBeLessThanOrEqual(
          prepareMsMax + firstJoinMsMax + holdMsMax + gatherMsMax,
        )
        if (heldUntil !== undefined && move.begunMs !== null)
          expect(heldUntil - move.begunMs).toBeLessThanOrEqual(firstJoinMsMax + holdMsMax + 500)
      }),
    )
  })
})

describe('how long joins are held', () => {
  const emptying = moveIn('prepared', 'journaled')

  test('20 s from the first one', () => {
    expect(deadlineOf(seenMove(emptying, 2, heldSince(3_000, 300_000)))).toBe(23_000)
  })

  test('the smallest rebalance timeout, if that is less', () => {
    expect(deadlineOf(seenMove(emptying, 2, heldSince(3_000, 6_000)))).toBe(9_000)
  })

  test('and nobody is waited for longer than 20 s', () => {
    expect(deadlineOf(emptying)).toBe(firstJoinMsMax)
  })

  test('one who goes and comes again does not begin it anew for ever', () => {
    expect(deadlineOf(seenMove(emptying, 2, heldSince(39_000, 300_000)))).toBe(40_000)
  })

  test('while the journal is written, there is no deadline', () => {
    expect(deadlineOf(moveIn('prepared'))).toBe(Infinity)
    expect(deadlineOf(moveIn('prepared', 'journaled', 'late'))).toBe(Infinity)
  })
})

test('as many are expected as the source has shown at most', () => {
  const seen = [2, 5, 0].reduce((move, members) => seenMove(move, members, nobody), beganMove(0))
  expect(seen.expected).toBe(5)
})
