import type { GroupAbortedEntry, GroupMovedEntry, GroupMovingEntry } from '../../router/index.ts'

/** A member whose JoinGroup is held while its group moves. */
export interface HeldMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

export interface Held {
  readonly count: number
  readonly members: readonly HeldMember[]
  /** Since when the first is held, on the clock that the move is given; null while nobody is. */
  readonly sinceMs: number | null
}

/** The data plane, as far as moving a group needs it. */
export interface GroupGate {
  /**
   * From now on heartbeats and SyncGroup are answered REBALANCE_IN_PROGRESS, and JoinGroups are held; each
   * held one's old member leaves the source's group. Commits still go to the source.
   */
  begin(group: string): void
  held(group: string): Held
  /** The held joins go there, and so do all later requests of the group. */
  release(group: string, to: 'source' | 'target'): void
}

/** What the journal is told of a move. */
export type MoveEntry = GroupMovingEntry | GroupMovedEntry | GroupAbortedEntry

/** Resolves when the entry is durable. What a rejection means, only a restart can tell. */
export type WriteEntry = (entry: MoveEntry) => Promise<void>
