import { assert } from '../../assert.ts'
import type { Segment, Timeline } from './timeline.ts'

/**
 * A topic of which both clusters are read at once (unordered): N partitions of the source, then M of the
 * target. Clients see all of them until they are restarted, since none knows how to lose a partition.
 *
 *     p <  N   reads source p        writes target p mod M
 *     p >= N   reads target p - N    writes target p - N
 */
export interface Parallel {
  /** N */
  readonly sourcePartitions: number
  /** M */
  readonly targetPartitions: number
}

export interface ParallelTopic {
  readonly name: string
  readonly targetName: string
  readonly sourcePartitions: number
  /** T0 of each partition of the target: what lies before was never this topic's. */
  readonly starts: readonly bigint[]
}

/** The N + M partitions that clients read. Offsets are those of their clusters. */
export function parallelTimelines(topic: ParallelTopic): readonly Timeline[] {
  const { name, targetName, sourcePartitions, starts } = topic
  const open = { end: null, epochBase: 0 }
  return [
    ...Array.from({ length: sourcePartitions }, (_, partition): Timeline => [
      { cluster: 'source', topic: name, partition, start: 0n, virtualStart: 0n, ...open },
    ]),
    ...starts.map((start, partition): Timeline => [
      { cluster: 'target', topic: targetName, partition, start, virtualStart: start, ...open },
    ]),
  ]
}

/** Which partition of the target takes what is produced to partition `shown`. */
export function writtenPartition(
  { sourcePartitions, targetPartitions }: Parallel,
  shown: number,
): number {
  return shown < sourcePartitions ? shown % targetPartitions : shown - sourcePartitions
}

/**
 * The lane of a producer in its partition of the target: partitions p and N + (p mod M) share one, and each
 * numbers its batches by itself. Were they told apart by nothing, the target would take batches of the one
 * for repetitions of the other's, and drop them silently.
 */
export function laneOf({ sourcePartitions, targetPartitions }: Parallel, shown: number): number {
  return shown < sourcePartitions ? 1 + Math.floor(shown / targetPartitions) : 0
}

/** How many lanes a partition of the target has. */
export const lanesOf = ({ sourcePartitions, targetPartitions }: Parallel): number =>
  1 + Math.ceil(sourcePartitions / targetPartitions)

/** As which partition clients see one of the target's. */
export const shownPartition = ({ sourcePartitions }: Parallel, native: number): number =>
  sourcePartitions + native

/** The segment that partition `shown` is written to. */
export function writtenSegment(
  parallel: Parallel,
  timelines: readonly Timeline[],
  shown: number,
): Segment {
  const native = writtenPartition(parallel, shown)
  const timeline = timelines[shownPartition(parallel, native)]
  assert(timeline !== undefined, 'a parallel topic has all of its timelines')
  return timeline[0]
}
