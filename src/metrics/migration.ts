import type { Direction, Phase } from './definitions.ts'
import { Durations } from './durations.ts'

/** How far a group is in one topic. What is not known yet is null, and not shown. */
export interface Drain {
  readonly group: string
  readonly topic: string
  readonly remaining: number | null
  readonly ratePerSecond: number | null
  readonly etaSeconds: number | null
}

/** How a migration stands: asked for at each scrape. */
export interface Described {
  readonly drains: readonly Drain[]
  readonly sidecars: readonly { readonly name: string; readonly acknowledged: boolean }[]
  /** How many records were found since the start, by topic of the plan; 0 is worth telling. */
  readonly stragglers: readonly { readonly topic: string; readonly count: number }[]
  /** How many requests of each API wait now. */
  readonly held: readonly { readonly apiKey: number; readonly count: number }[]
}

const nothing: Described = { drains: [], sidecars: [], stragglers: [], held: [] }

/** What changes seldom, and is therefore kept apart from the tally. */
export class Migration {
  phase: Phase = 'source'
  direction: Direction = 'forward'
  /** `from to`, and how often. */
  readonly transitions = new Map<string, { from: Phase; to: Phase; count: number }>()
  readonly fences = new Durations(1)
  readonly groupMoves = new Durations(1)
  describe: () => Described = () => nothing

  /** What the journal says at the start is no transition. */
  stands(phase: Phase, direction: Direction): void {
    this.phase = phase
    this.direction = direction
  }

  entered(phase: Phase, direction: Direction): void {
    const from = this.phase
    const key = `${from} ${phase}`
    const count = (this.transitions.get(key)?.count ?? 0) + 1
    this.transitions.set(key, { from, to: phase, count })
    this.stands(phase, direction)
  }
}
