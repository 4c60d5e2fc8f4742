import { messageOf } from '../errors.ts'
import { standingOf, type GroupStanding, type MigrationState } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { administrator, copyOffsets, Tail, type GroupProgress } from './groups/index.ts'
import type { MigrationRecord } from './record.ts'

export interface ForgetOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly record: MigrationRecord
  /** What was last seen of the group on the source; undefined where it was not seen there. */
  readonly progress: GroupProgress | undefined
  /** ms since the epoch */
  readonly now: () => number
}

/**
 * A dormant group is no longer waited for: its offsets go to the target, and what it has not read of the
 * source is skipped. Rejects with why not, as its operator is told.
 */
export async function forgetGroup(group: string, options: ForgetOptions): Promise<void> {
  const { source, target, record, progress, now } = options
  throwIfSettled(record.state, group)
  if (progress === undefined) {
    throw new Error(
      `group ${group} is not known on the source; kafka-cutover status lists the groups by name`,
    )
  }
  if (progress.members > 0) {
    throw new Error(
      `group ${group} has ${progress.members} members: it reads on, and moves by itself; only a group without members can be forgotten`,
    )
  }
  try {
    const positions = (): undefined => undefined
    await copyOffsets(
      { source, tail: new Tail(source), positions },
      target,
      progress,
      record.state.topics,
      administrator,
      performance.now(),
      'skip',
    )
    await record.append({ kind: 'group-forgotten', group, at: now() })
  } catch (error) {
    // It may have returned, and begun to move, meanwhile.
    throwIfSettled(record.state, group)
    throw new Error(`${messageOf(error)}; group ${group} stays as it is, and is waited for`)
  }
}

function throwIfSettled(state: MigrationState, group: string): void {
  if (state.phase === 'source' || state.phase === 'fenced') {
    throw new Error(
      `no group is waited for in phase ${state.phase}: groups read the source, and lose nothing; one that stays away can be forgotten from phase spliced on`,
    )
  }
  const why = settled[standingOf(state, group)]
  if (why !== null) throw new Error(`group ${group} ${why}`)
}

/** What becomes of a group by itself; null where it is waited for, or was left. */
const settled: Readonly<Record<GroupStanding, string | null>> = {
  source: null,
  left: null,
  moving: 'is moving to the target now; kafka-cutover status shows when it has',
  moved: 'is on the target already; nothing waits for it',
  forgotten: 'is forgotten already; nothing waits for it',
}
