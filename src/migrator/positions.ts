import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../errors.ts'
import type { StartedPartition } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { eachOf } from './each-of.ts'
import { listOffsets } from './ends.ts'
import {
  administrator,
  commitOffsets,
  describeGroup,
  fetchOffsets,
  listGroups,
  topicsOf,
  type CommittedOffset,
} from './groups/index.ts'
import type { UnorderedTopicPlan } from './preflight/index.ts'

/** How many groups are given their positions at once. */
const groupsMax = 8
/** How often it is looked for groups that have come meanwhile. */
const looksMax = 5
const patienceMsMax = 5_000
const rebalancePollMs = 100
/** As a timestamp: the end. */
const latest = -1n

/** T0: where the partitions of unordered topics end on the target. */
export async function readStarts(
  target: Cluster,
  topics: readonly UnorderedTopicPlan[],
): Promise<readonly StartedPartition[]> {
  const partitions = topics.flatMap(({ name, targetName, targetPartitions }) =>
    Array.from({ length: targetPartitions }, (_, partition) => ({
      shown: name,
      name: { topic: targetName, partition },
    })),
  )
  const ends = await listOffsets(
    target,
    partitions.map(({ name }) => name),
    latest,
  )
  return partitions.map(({ shown, name: { topic, partition } }, i) => {
    const start = ends[i] ?? -1n
    if (start >= 0n) return { topic: shown, partition, start }
    throw new CutoverError('upstream_invalid', `the target tells no end of ${topic}-${partition}`)
  })
}

export interface StartsOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly topics: readonly UnorderedTopicPlan[]
  readonly starts: readonly StartedPartition[]
  /** How long a group may rebalance before it is taken for one that reads everything. */
  readonly patienceMs?: number
}

/**
 * Gives every group of the source that has to do with unordered topics its positions on the target, T0,
 * before anybody sees the new partitions there: a group without one would lose by its policy
 * (`auto.offset.reset`) what is written until its members are given them. It may be done again: what is
 * there, and not before T0, stays.
 *
 * @throws where the target refuses: a group that has members there commits for itself
 */
export async function giveStarts(options: StartsOptions): Promise<void> {
  const given = new Set<string>()
  for (let look = 1; look <= looksMax; look++) {
    const before = given.size
    const fresh = (await listGroups(options.source)).filter(({ group }) => !given.has(group))
    await eachOf(fresh, groupsMax, async ({ group }) => {
      const names = await topicsReadBy(options, group)
      if (names.length === 0) return
      await give(options, group, new Set(names))
      given.add(group)
    })
    if (given.size === before) return
  }
}

/** The unordered topics of a group. While it rebalances, which those are is not told: any may be. */
async function topicsReadBy(
  { source, topics, patienceMs = patienceMsMax }: StartsOptions,
  group: string,
): Promise<readonly string[]> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const [described, committed] = await Promise.all([
      describeGroup(source, group),
      fetchOffsets(source, group),
    ])
    const isTold = described.members.length === 0 || described.groupState === 'Stable'
    const read = topicsOf(described, committed)
    const names = topics.map(({ name }) => name)
    if (isTold) return names.filter((name) => read.has(name))
    if (performance.now() >= deadline) return names
    await sleep(rebalancePollMs)
  }
}

async function give(
  { target, topics, starts }: StartsOptions,
  group: string,
  names: ReadonlySet<string>,
): Promise<void> {
  const stored = await fetchOffsets(target, group)
  const wanted = new Map<string, Map<number, CommittedOffset>>()
  for (const { topic, partition, start } of starts) {
    const targetName = topics.find(({ name }) => name === topic)?.targetName
    if (targetName === undefined || !names.has(topic)) continue
    const before = stored.get(targetName)?.get(partition)
    if (before !== undefined && before.offset >= start) continue
    const partitions = wanted.get(targetName) ?? new Map<number, CommittedOffset>()
    wanted.set(targetName, partitions.set(partition, { offset: start, metadata: null }))
  }
  await commitOffsets(target, group, wanted, administrator)
}
