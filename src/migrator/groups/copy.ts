import { CutoverError } from '../../errors.ts'
import { segmentIn, toNative, type PlannedTopic, type Segment } from '../../router/index.ts'
import type { Cluster } from '../cluster.ts'
import {
  commitOffsets,
  fetchOffsets,
  type CommittedOffset,
  type CommittedOffsets,
  type Committer,
} from './group-requests.ts'
import {
  groupProgress,
  type GroupProgress,
  type PlannedTopics,
  type ProgressSource,
} from './progress.ts'

/**
 * Copies a group's offsets to the target, as the target counts. Every partition of a topic that the group
 * reads gets one, also where it had none: it goes on at the splice, and no policy decides
 * (`auto.offset.reset`). Offsets on topics outside of the plan stay where they are. Of unordered topics it
 * has them on the target already, unless it began behind the flip.
 *
 * @param before the group as it was while it had members: which topics they read, the source tells no more
 * @param unread what becomes of records of the source that the group has not read: `refuse` rejects (somebody
 * has set its offsets back), `skip` gives them up, as the operator who forgets a group does.
 */
export async function copyOffsets(
  from: ProgressSource,
  target: Cluster,
  before: GroupProgress,
  topics: PlannedTopics,
  committer: Committer,
  nowMs: number,
  unread: 'refuse' | 'skip' = 'refuse',
): Promise<CommittedOffsets> {
  const { group } = before
  await from.tail.ends.look(topics, nowMs)
  const progress = await groupProgress(from, group, topics, nowMs, before)
  const late = progress.partitions.find(({ drained }) => !drained)
  if (late !== undefined && unread === 'refuse') {
    throw new CutoverError(
      'upstream_invalid',
      late.remaining > 0n
        ? `group ${group} went back on ${late.topic}-${late.partition}: ${late.remaining} records left`
        : `${late.topic}-${late.partition} was written to on the source meanwhile`,
    )
  }
  const copied = new Map<string, Map<number, CommittedOffset>>()
  for (const { topic, partition, committed, position } of progress.partitions) {
    const segment = targetOf(topics.get(topic), partition)
    if (segment === undefined) continue
    const stored = { offset: nativeIn(segment, position), metadata: committed?.metadata ?? null }
    const partitions = copied.get(segment.topic) ?? new Map<number, CommittedOffset>()
    copied.set(segment.topic, partitions.set(segment.partition, stored))
  }
  const names = new Set(progress.partitions.map(({ topic }) => topic))
  const added = await missing(
    from,
    target,
    group,
    [...names].flatMap((name) => topics.get(name) ?? []),
  )
  await commitOffsets(target, group, new Map([...copied, ...added]), committer)
  // Its members may commit on the others meanwhile.
  await check(target, group, copied)
  return copied
}

const targetOf = (topic: PlannedTopic | undefined, partition: number): Segment | undefined => {
  const timeline = topic?.timelines[partition]
  return timeline === undefined ? undefined : segmentIn(timeline, 'target')
}

/** A drained group that stopped before the splice, behind which is nothing, goes on at the splice. */
function nativeIn(segment: Segment, position: bigint | undefined): bigint {
  if (position === undefined || position < segment.virtualStart) return segment.start
  return toNative(segment, position)
}

/** Where a group goes on that has committed nothing on partitions of the target which its members read. */
async function missing(
  from: ProgressSource,
  target: Cluster,
  group: string,
  topics: readonly PlannedTopic[],
): Promise<CommittedOffsets> {
  const added = new Map<string, Map<number, CommittedOffset>>()
  const unordered = topics.filter(({ parallel }) => parallel !== undefined)
  if (unordered.length === 0) return added
  const stored = await fetchOffsets(target, group)
  for (const { name, targetName, timelines } of unordered) {
    const partitions = new Map<number, CommittedOffset>()
    for (const [shown, [{ cluster, partition, start }]] of timelines.entries()) {
      if (cluster === 'source' || stored.get(targetName)?.has(partition) === true) continue
      const offset = from.positions(group, name, shown) ?? start
      partitions.set(partition, { offset, metadata: null })
    }
    if (partitions.size > 0) added.set(targetName, partitions)
  }
  return added
}

/** What was written is what is read: the group's next generation begins there. */
async function check(target: Cluster, group: string, copied: CommittedOffsets): Promise<void> {
  const stored = await fetchOffsets(target, group)
  for (const [topic, partitions] of copied) {
    for (const [partition, { offset }] of partitions) {
      const found = stored.get(topic)?.get(partition)?.offset
      if (found === offset) continue
      throw new CutoverError(
        'upstream_invalid',
        `group ${group} was committed to ${offset} on ${topic}-${partition} of the target, which tells ${found ?? 'nothing'}`,
      )
    }
  }
}
