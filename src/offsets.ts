import type { OffsetsResult } from './admin/index.ts'
import { placesOf, sourceTimeline, type MigrationState, type Place } from './router/index.ts'

/**
 * What a migration says of one position that an application keeps itself. A topic that does not move has
 * one place: where it is on the source is what clients see.
 *
 * @param sourcePartitions how many the topic has there; undefined where the source has no such topic
 */
export function offsetsIn(
  { phase, topics, everyTopic }: MigrationState,
  topic: string,
  partition: number,
  offset: bigint,
  sourcePartitions: number | undefined,
): OffsetsResult {
  const timelines = topics.get(topic)?.timelines
  if (timelines === undefined && phase !== 'source' && everyTopic) {
    return unknown(
      `topic ${topic} was not there when the plan was made: its offsets are those of the cluster that has it`,
    )
  }
  const count = timelines?.length ?? sourcePartitions
  if (count === undefined) {
    return unknown(
      `topic ${topic} is not known on the source; kafka-topics --list names what is there`,
    )
  }
  if (partition >= count) return unknown(`topic ${topic} has partitions 0 to ${count - 1}`)
  const timeline = timelines?.[partition] ?? sourceTimeline(topic, partition)
  const { source, target } = placesOf(timeline, offset)
  const places = { source: shown(source), target: shown(target) }
  return { kind: 'known', value: { topic, partition, offset: Number(offset), ...places } }
}

const unknown = (error: string): OffsetsResult => ({ kind: 'unknown', error })

const shown = (place: Place | null) =>
  place === null ? null : { ...place, offset: Number(place.offset) }
