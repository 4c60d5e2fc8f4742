import type { OffsetsResult } from './admin/index.ts'
import { placesOf, type MigrationState, type Place } from './router/index.ts'

/** What a migration says of one position that an application keeps itself. */
export function offsetsIn(
  { phase, topics, everyTopic }: MigrationState,
  topic: string,
  partition: number,
  offset: bigint,
): OffsetsResult {
  const planned = topics.get(topic)
  if (planned === undefined) return { kind: 'unknown', error: unplanned(topic, phase, everyTopic) }
  const timeline = planned.timelines[partition]
  if (timeline === undefined) {
    const { length } = planned.timelines
    return { kind: 'unknown', error: `topic ${topic} has partitions 0 to ${length - 1}` }
  }
  const { source, target } = placesOf(timeline, offset)
  const places = { source: shown(source), target: shown(target) }
  return { kind: 'known', value: { topic, partition, offset: Number(offset), ...places } }
}

function unplanned(topic: string, phase: MigrationState['phase'], everyTopic: boolean): string {
  if (phase === 'source') {
    return `nothing has moved: the offsets of topic ${topic} are the source's own`
  }
  return everyTopic
    ? `topic ${topic} was not there when the plan was made: its offsets are those of the cluster that has it`
    : `topic ${topic} is not in the plan: its offsets are the source's own`
}

const shown = (place: Place | null) =>
  place === null ? null : { ...place, offset: Number(place.offset) }
