import type { RoutedTopic } from '../table.ts'
import type { Segment, Timeline } from '../timeline/index.ts'

/** What is learned from Fetches about partitions that have moved; by their timelines. */
export interface Readings {
  /** From which virtual offset on the closed segment holds nothing more that could be read. */
  exhaustedFrom(timeline: Timeline): bigint | undefined
  /** A closed segment answered nothing at this virtual offset: it may be exhausted. */
  emptyAt(timeline: Timeline, offset: bigint): void
  /** The last known virtual end, at which readers of the closed segment shall not believe to be. */
  endOf(timeline: Timeline): bigint | undefined
  endSeen(timeline: Timeline, end: bigint): void
  /** A reader asks for this virtual offset. */
  positionSeen(timeline: Timeline, reader: object, offset: bigint, clientId: string): void
  /** Whether a cluster is gone for good: what only it has is below the log's start. */
  gone(cluster: Segment['cluster']): boolean
}

/** One partition on its way: where it is read, and how the answer becomes what clients see. */
export interface Reading {
  /** As clients know it. */
  readonly name: string
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  readonly timeline: Timeline | null
  readonly segment: Segment | null
}

/** @param topic its name on the cluster that answers, or its id where the version has ids */
export const readingKey = (topic: string, partition: number): string => `${topic} ${partition}`

/** What a partition is read as; null where it is the source's, and of no plan that is behind its splice. */
export const readAs = (topic: RoutedTopic | undefined, partition: number): Timeline | null => {
  const timeline = topic?.partitions[partition]?.timeline ?? null
  const { planned } = topic?.origins ?? {}
  return timeline ?? (planned?.parallel === undefined ? null : planned.timelines[partition]) ?? null
}

/** Whether an offset lies before the first one of a partition that only the target has. */
export const isBelowStart = ([first]: Timeline, offset: bigint): boolean =>
  first.cluster === 'target' && offset < first.virtualStart
