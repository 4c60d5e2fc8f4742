import type { PlannedTopic } from '../view.ts'
import type { GroupMember, SequenceBaseEntry } from './entries.ts'

export const phases = ['source', 'fenced', 'spliced', 'drained', 'target'] as const
export type Phase = (typeof phases)[number]

/**
 * What the journal says of a group:
 *
 *     source     it is there, and is waited for
 *     moving     its joins are held
 *     moved      it is on the target
 *     forgotten  it is on the target, without what it had not read
 *     left       it is on the source, and is not waited for
 */
export const groupStandings = ['source', 'moving', 'moved', 'forgotten', 'left'] as const
export type GroupStanding = (typeof groupStandings)[number]

/** The last fence, and what became of it. */
export interface Fence {
  readonly id: number
  /** Epoch milliseconds. */
  readonly at: number
  /** When it was spliced or aborted; null while it stands. */
  readonly endedAt: number | null
  /** Why it was aborted. */
  readonly abortReason: string | null
}

/** What the journal's entries add up to. Immutable; what an entry does not change is shared. */
export interface MigrationState {
  readonly phase: Phase
  /** Null before the first one. */
  readonly fence: Fence | null
  /** The source's, which clients go on seeing. */
  readonly clusterId: string | null
  readonly everyTopic: boolean
  /** The plan, by the names that clients know; empty in phase `source`. */
  readonly topics: ReadonlyMap<string, PlannedTopic>
  /** The groups that the journal speaks of; `standingOf` knows of all. */
  readonly groups: ReadonlyMap<string, GroupStanding>
  /** Who stands in on the target for groups that move, where the journal says so. */
  readonly placeholders: ReadonlyMap<string, GroupMember>
  /**
   * Where the carrying of stragglers stands, in the source's offsets, by `partitionKey`; of unordered topics
   * from the phase `target` on.
   */
  readonly carried: ReadonlyMap<string, bigint>
  /** What is taken off the sequence numbers of producers, the first entry of each. */
  readonly sequenceBases: readonly SequenceBaseEntry[]
}

export const initialState: MigrationState = {
  phase: 'source',
  fence: null,
  clusterId: null,
  everyTopic: false,
  topics: new Map(),
  groups: new Map(),
  placeholders: new Map(),
  carried: new Map(),
  sequenceBases: [],
}

/** The key of a partition in maps; no topic name holds a slash. */
export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`

/** Where a group that the journal does not speak of begins: on the target when everything is there. */
export function standingOf(state: MigrationState, group: string): GroupStanding {
  return state.groups.get(group) ?? (homeIsTarget(state) ? 'moved' : 'source')
}

/** Whether the source is needed for nothing any more. */
export const homeIsTarget = ({ phase, everyTopic }: MigrationState): boolean =>
  phase === 'target' && everyTopic
