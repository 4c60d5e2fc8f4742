import type { Cluster } from './cluster.ts'
import { readEnds, type PartitionEnd, type PartitionName } from './ends.ts'
import type { TopicPlan } from './preflight/index.ts'

/** Where a partition is spliced: the source's end, and where the target goes on. */
export interface SplicePoint {
  /** By the name that clients know. */
  readonly topic: string
  readonly partition: number
  readonly end: bigint
  readonly start: bigint
}

export type SplicePoints =
  | { readonly kind: 'agreed'; readonly points: readonly SplicePoint[] }
  /** Not yet; a sentence for each thing that is waited for. */
  | { readonly kind: 'unsettled'; readonly waitingFor: readonly string[] }

/**
 * Reads where the plan's partitions end on both clusters. An end counts only where nothing is under way:
 * last stable offset = high watermark = log end.
 */
export async function readSplicePoints(
  source: Cluster,
  target: Cluster,
  topics: readonly TopicPlan[],
): Promise<SplicePoints> {
  const partitions = topics.flatMap((topic) =>
    Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
  )
  const from = partitions.map(({ topic, partition }) => ({ topic: topic.name, partition }))
  const to = partitions.map(({ topic, partition }) => ({ topic: topic.targetName, partition }))
  const [ends, starts] = await Promise.all([readEnds(source, from), readEnds(target, to)])
  const waitingFor = [
    ...from.flatMap((name, i) => unsettled(source, name, ends[i])),
    ...to.flatMap((name, i) => unsettled(target, name, starts[i])),
  ]
  if (waitingFor.length > 0) return { kind: 'unsettled', waitingFor }
  return {
    kind: 'agreed',
    points: from.map((name, i) => ({
      ...name,
      end: ends[i]?.highWatermark ?? 0n,
      start: starts[i]?.highWatermark ?? 0n,
    })),
  }
}

function unsettled(
  { name: cluster }: Cluster,
  { topic, partition }: PartitionName,
  end: PartitionEnd | undefined,
): readonly string[] {
  const where = `${topic}-${partition} on the ${cluster}`
  if (end === undefined || end.highWatermark < 0n) return [`${where}: its end is not known`]
  if (end.lastStable !== end.highWatermark) {
    return [`${where}: an open transaction, from offset ${end.lastStable} on`]
  }
  if (end.logEnd !== null && end.logEnd !== end.highWatermark) {
    return [`${where}: ${end.logEnd - end.highWatermark} records that are not replicated yet`]
  }
  return []
}
