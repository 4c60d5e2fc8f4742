import {
  laneOf,
  openSegment,
  partitionKey,
  segmentIn,
  writtenSegment,
  type MigrationState,
  type PlannedTopic,
  type Segment,
  type Timeline,
} from '../router/index.ts'

type Place = Pick<Segment, 'topic' | 'partition'>

/** The way of what reaches a partition of the source that nobody reads there any more. */
export interface LatePath {
  /** As clients name it. */
  readonly topic: string
  readonly partition: number
  readonly source: Place
  /** The source's offset from which on nobody reads it. */
  readonly from: bigint
  readonly target: Place
  /** Of producers' ids on the target. */
  readonly namespace: number
  /** Whose sequence numbers they go by. */
  readonly timeline: Timeline
}

/**
 * What is carried from the source: of ordered topics what lies behind the splice; of unordered ones what their
 * groups have not read that have moved. As long as one of them is on the source, it reads them there.
 */
export function latePaths(state: MigrationState): readonly LatePath[] {
  const standings = [...state.groups.values()]
  const isRead = standings.some((standing) => standing !== 'moved' && standing !== 'forgotten')
  return [...state.topics.values()].flatMap((topic) =>
    topic.timelines.flatMap((timeline, partition) => {
      const path =
        topic.parallel === undefined
          ? orderedPath(topic.name, partition, timeline)
          : isRead
            ? undefined
            : parallelPath(state, topic, partition)
      return path ?? []
    }),
  )
}

/** Undefined where the partition is not spliced. */
export function orderedPath(
  topic: string,
  partition: number,
  timeline: Timeline,
): LatePath | undefined {
  const source = segmentIn(timeline, 'source')
  if (source === undefined || source.end === null) return undefined
  const namespace = timeline.length - 1
  const target = openSegment(timeline)
  return { topic, partition, source, from: source.end, target, namespace, timeline }
}

/** Undefined before the phase `target`, and for the target's own partitions. */
function parallelPath(
  { carried }: MigrationState,
  { name: topic, parallel, timelines }: PlannedTopic,
  partition: number,
): LatePath | undefined {
  const from = carried.get(partitionKey(topic, partition))
  const timeline = timelines[partition]
  if (parallel === undefined || from === undefined || timeline === undefined) return undefined
  const target = writtenSegment(parallel, timelines, partition)
  const namespace = 1 + laneOf(parallel, partition)
  return { topic, partition, source: timeline[0], from, target, namespace, timeline }
}
