import type { Entry } from '../../router/index.ts'
import type { Cluster } from '../cluster.ts'
import { describeGroup, leaveGroup } from './group-requests.ts'
import { placeholderClientId } from './placeholder.ts'

/** For how long a move may have left something: what is older, sessions have ended. */
const leftForMsMax = 60_000

/** The groups of which the last process may have left something on the target. @param now epoch ms */
export function interruptedMoves(entries: readonly Entry[], now: number): readonly string[] {
  const recent = entries.flatMap((entry) => {
    const isMove =
      entry.kind === 'group-moving' ||
      entry.kind === 'group-moved' ||
      entry.kind === 'group-aborted'
    return isMove && now - entry.at < leftForMsMax ? [entry.group] : []
  })
  return [...new Set(recent)]
}

/**
 * Ends what a move left on the target whose sidecar died: the placeholder, for which the broker would make
 * everybody wait until its session ends, and those who waited with it. Since no generation completes while
 * it is there, nobody has been told under which id: a client that is gone would be waited for as well, and
 * one that is there is answered UNKNOWN_MEMBER_ID and joins again at once.
 */
export async function removeLeftovers(target: Cluster, group: string): Promise<void> {
  const { members } = await describeGroup(target, group)
  if (!members.some(({ clientId }) => clientId === placeholderClientId)) return
  for (const { memberId } of members) await leaveGroup(target, group, memberId)
}
