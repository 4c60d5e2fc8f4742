import { partitionKey, type SourceEnd } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { readEnds } from './ends.ts'
import type { TopicPlan } from './preflight/index.ts'

/** Where the plan's partitions end on both clusters, by `partitionKey` of the source's names. */
export interface FenceEnds {
  readonly sourceEnds: ReadonlyMap<string, SourceEnd>
  readonly targetEnds: ReadonlyMap<string, bigint>
}

/** Asks every leader where its partitions of the plan end. */
export async function readFenceEnds(
  source: Cluster,
  target: Cluster,
  topics: readonly TopicPlan[],
): Promise<FenceEnds> {
  const partitions = topics.flatMap((topic) =>
    Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
  )
  const [ends, starts] = await Promise.all([
    readEnds(
      source,
      partitions.map(({ topic, partition }) => ({ topic: topic.name, partition })),
    ),
    readEnds(
      target,
      partitions.map(({ topic, partition }) => ({ topic: topic.targetName, partition })),
    ),
  ])
  const sourceEnds = new Map<string, SourceEnd>()
  const targetEnds = new Map<string, bigint>()
  partitions.forEach(({ topic, partition }, i) => {
    const [end, start] = [ends[i], starts[i]]
    const key = partitionKey(topic.name, partition)
    if (end !== undefined && end.highWatermark >= 0n) sourceEnds.set(key, end)
    // What is written to the target now, by somebody else, is settled before the splice goes behind it.
    const isSettled =
      start !== undefined && (start.logEnd ?? start.highWatermark) === start.highWatermark
    if (isSettled && start.highWatermark >= 0n) targetEnds.set(key, start.highWatermark)
  })
  return { sourceEnds, targetEnds }
}
