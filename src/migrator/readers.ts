import { openSegment, type Timeline } from '../router/index.ts'
import type { DataPlane } from './data-plane.ts'
import type { GroupsMover } from './groups/index.ts'

/** No client waits longer in a Fetch, in ms: a member that has been one for so long has asked for what is its own. */
const fetchWaitMsMax = 6_000

/**
 * Where a group reads that has not committed, the lowest of its members. Fetches do not name a group: a
 * member is found by its client id, and where several groups share one, each must have a reader of its own. Somebody who
 * reads without a group may have it, too: so all members must have had the time to ask.
 */
export function positionOf(
  groups: Pick<GroupsMover, 'progressOf' | 'sharing' | 'restedMs'>,
  plane: Pick<DataPlane, 'readers'>,
  group: string,
  topic: string,
  partition: number,
): bigint | undefined {
  if (groups.restedMs(group) < fetchWaitMsMax) return undefined
  const clientIds = groups.progressOf(group)?.clientIds ?? []
  const offsets = plane
    .readers(topic, partition)
    .filter(({ clientId }) => clientIds.includes(clientId))
    .map(({ offset }) => offset)
  if (offsets.length === 0 || offsets.length < groups.sharing(clientIds)) return undefined
  return offsets.reduce((lowest, offset) => (offset < lowest ? offset : lowest))
}

/** Who reads without a group is not seen by the groups' offsets: only by what is asked for. */
export function slowReaders(
  plane: Pick<DataPlane, 'readers'>,
  timelines: readonly { readonly topic: string; readonly timeline: Timeline }[],
): readonly string[] {
  return timelines.flatMap(({ topic, timeline }) => {
    const { partition } = timeline[0]
    const { virtualStart: end } = openSegment(timeline)
    return plane
      .readers(topic, partition)
      .filter(({ offset }) => offset < end)
      .map(
        ({ clientId, offset }) =>
          `${clientId === '' ? 'a reader' : `reader ${clientId}`} of ${topic}-${partition}: it is at offset ${offset}, the source ends at ${end}`,
      )
  })
}
