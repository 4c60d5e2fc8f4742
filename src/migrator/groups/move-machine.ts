import type { Held } from './gate.ts'

/**
 * One group's move. States are facts or what is being done, events are what came of it; an event that a
 * state does not know answers an earlier one and changes nothing.
 *
 *     preparing --prepared--> announcing --journaled--> emptying --emptied--> copying --copied--> committing
 *         |                   group-moving                 |                     |            group-moved |
 *         | failed, late                                   | failed, late        | failed, late           | journaled
 *         v                                                v                     v                        v
 *      refused             aborted <--journaled-- aborting <---------------------+                    gathering
 *                                                 group-aborted                                           |
 *                                                                       moved <--gathered, failed, late---+
 *
 * `announcing`, `committing` and `aborting` wait for the journal alone, and for nothing else: what it
 * says, every sidecar follows. Joins go to the target in `gathering`, and back to the source in `aborted`.
 */
export const moveTransitions = {
  preparing: { prepared: 'announcing', failed: 'refused', late: 'refused' },
  announcing: { journaled: 'emptying' },
  emptying: { emptied: 'copying', failed: 'aborting', late: 'aborting' },
  copying: { copied: 'committing', failed: 'aborting', late: 'aborting' },
  committing: { journaled: 'gathering' },
  gathering: { gathered: 'moved', failed: 'moved', late: 'moved' },
  aborting: { journaled: 'aborted' },
  refused: {},
  aborted: {},
  moved: {},
} as const satisfies Record<string, Partial<Record<MoveEventKind, string>>>

export type MoveStep = keyof typeof moveTransitions

type MoveEventKind =
  'prepared' | 'journaled' | 'emptied' | 'copied' | 'gathered' | 'failed' | 'late'

export type MoveEvent =
  | { readonly kind: Exclude<MoveEventKind, 'failed' | 'late'> }
  /** `late`: the step's deadline has come. */
  | { readonly kind: 'failed' | 'late'; readonly reason: string }

/** Times are ms on one clock, which is also the one of `Held.sinceMs`. */
export interface Move {
  readonly step: MoveStep
  readonly enteredMs: number
  /** When the members were first told to rejoin; null before. */
  readonly begunMs: number | null
  readonly heldSinceMs: number | null
  /** The smallest that a held member has told; Infinity while none has. */
  readonly rebalanceTimeoutMs: number
  /** The most members that the source has shown: so many will come to the target. */
  readonly expected: number
  /** Why it was refused or aborted. */
  readonly reason: string | null
}

/** How long what is on the target may be prepared: it includes the broker's initial delay. */
export const prepareMsMax = 20_000
/** The first client to break, at 30 s, is sarama; the rest wait longer. */
export const holdMsMax = 20_000
/** How long it is waited for a first join: until then nobody waits but us. */
export const firstJoinMsMax = 20_000
/** How long the placeholder waits for those who are on their way. */
export const gatherMsMax = 10_000

export const beganMove = (nowMs: number): Move => ({
  step: 'preparing',
  enteredMs: nowMs,
  begunMs: null,
  heldSinceMs: null,
  rebalanceTimeoutMs: Infinity,
  expected: 0,
  reason: null,
})

export function nextMove(move: Move, event: MoveEvent, nowMs: number): Move {
  const known: Partial<Record<MoveEventKind, MoveStep>> = moveTransitions[move.step]
  const step = known[event.kind]
  if (step === undefined) return move
  return {
    ...move,
    step,
    enteredMs: nowMs,
    begunMs: step === 'emptying' ? nowMs : move.begunMs,
    reason: 'reason' in event && step !== 'moved' ? event.reason : move.reason,
  }
}

/** What the source's group and those who are held look like now. */
export function seenMove(move: Move, members: number, held: Held): Move {
  const timeouts = held.members.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs)
  return {
    ...move,
    expected: Math.max(move.expected, members, held.count),
    heldSinceMs: held.sinceMs,
    rebalanceTimeoutMs: Math.min(...timeouts, Infinity),
  }
}

/** When `late` is due. The journal has no deadline: nobody lets go before it has spoken. */
export function deadlineOf(move: Move): number {
  switch (move.step) {
    case 'preparing':
      return move.enteredMs + prepareMsMax
    case 'gathering':
      return move.enteredMs + gatherMsMax
    case 'emptying':
    case 'copying': {
      const firstJoinEnd = (move.begunMs ?? move.enteredMs) + firstJoinMsMax
      if (move.heldSinceMs === null) return firstJoinEnd
      const holdMs = Math.min(holdMsMax, move.rebalanceTimeoutMs)
      // Who is held may go, and others come: that does not begin the wait anew.
      return Math.min(move.heldSinceMs, firstJoinEnd) + holdMs
    }
    case 'announcing':
    case 'committing':
    case 'aborting':
    case 'refused':
    case 'aborted':
    case 'moved':
      return Infinity
  }
}

export const isOver = ({ step }: Move): boolean =>
  step === 'refused' || step === 'aborted' || step === 'moved'
