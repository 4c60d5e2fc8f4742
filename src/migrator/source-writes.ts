import { quietMs, type OpenEnds, type PlannedTopics } from './groups/index.ts'

/** Why the source of unordered topics is still needed: what is written there, its groups read there. */
export function needed(ends: OpenEnds, topics: PlannedTopics, nowMs: number): readonly string[] {
  const written = ends.writtenTo(topics, nowMs)
  if (written.length > 0) {
    return [
      `the source, which is still written to, and therefore still needed: ${written.join(', ')}; send these producers through a sidecar`,
    ]
  }
  return ends
    .unsettled(topics, nowMs)
    .map((topic) => `${quietMs / 1_000} s in which nobody writes to ${topic} on the source`)
}

/** What reaches the source when its groups have moved, and is carried. */
export function late(ends: OpenEnds, topics: PlannedTopics, nowMs: number): readonly string[] {
  const written = ends.writtenTo(topics, nowMs)
  if (written.length === 0) return []
  return [
    `the source, which is still written to: ${written.join(', ')}; what comes is carried to the target, it is therefore still needed; send these producers through a sidecar`,
  ]
}
