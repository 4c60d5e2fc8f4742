import { partitionKey } from '../migration/state.ts'
import type { Destination, RoutedTopic, RoutingTable } from '../table.ts'
import {
  bodyStart,
  lengthValue,
  sizedStart,
  skipInt,
  skipString,
  skipTags,
  stringStart,
} from './walk.ts'

/**
 * Produce, looked at where it lies.
 *
 *     v0-2   acks timeout [topic [partition records]]
 *     v3     + transactional id in front (KIP-98)
 *     v9     flexible (KIP-482)
 *     v13    topic ids: not offered (it implies transaction version 2, KIP-890)
 */
const flexibleFrom = 9

export type ProduceRoute =
  /** More bytes are needed to decide. */
  | 'incomplete'
  | 'malformed'
  /** Its partitions are led by several brokers. */
  | 'split'
  /** A partition has no known leader. */
  | 'unknown'
  /** A partition is about to move: what is produced waits. */
  | 'held'
  /** A partition has moved: the batches must be translated. */
  | 'moved'
  | Destination

/** What the last `routeProduce` saw. */
export const seen = { acks: 0, unknownTopic: '' }

/**
 * Where the Produce frame at `at` goes. `frameEnd` is where it ends, `end` where the bytes end that are
 * there: a frame with one partition is decided by its first bytes, and streams.
 */
export function routeProduce(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
): ProduceRoute {
  const compact = version >= flexibleFrom
  const missing = end < frameEnd ? 'incomplete' : 'malformed'
  let position = bodyStart(buffer, at, end, compact)
  if (version >= 3) position = skipString(buffer, position, end, compact)
  if (skipInt(position, 6, end) < 0) return missing
  seen.acks = buffer.readInt16BE(position)
  position = sizedStart(buffer, position + 6, end, compact)
  if (position < 0) return missing
  const topicCount = lengthValue
  let route: Destination | undefined
  let unknown = false
  let split = false
  let held = false
  let moved = false
  for (let t = 0; t < topicCount; t++) {
    position = stringStart(buffer, position, end, compact)
    const nameEnd = skipInt(position, lengthValue, end)
    if (nameEnd < 0) return missing
    const name = buffer.toString('latin1', position, nameEnd)
    position = sizedStart(buffer, nameEnd, end, compact)
    if (position < 0) return missing
    const partitionCount = lengthValue
    const topic: RoutedTopic | undefined = table.topics.get(name)
    for (let p = 0; p < partitionCount; p++) {
      if (skipInt(position, 4, end) < 0) return missing
      const partition = topic?.partitions[buffer.readInt32BE(position)]
      const to = partition?.write
      if (to === undefined || to === null) {
        unknown = true
        seen.unknownTopic = name
      } else if (route === undefined) route = to
      else if (route !== to) split = true
      if (partition !== undefined) {
        if (partition.held) held = true
        if (partition.writing !== null) moved = true
      }
      if (topicCount === 1 && partitionCount === 1) {
        return held ? 'held' : moved ? 'moved' : (route ?? 'unknown')
      }
      position = sizedStart(buffer, position + 4, end, compact)
      if (position < 0) return missing
      position = skipInt(position, Math.max(lengthValue, 0), end)
      if (compact) position = skipTags(buffer, position, end)
      if (position < 0) return missing
    }
    if (compact) position = skipTags(buffer, position, end)
    if (position < 0) return missing
  }
  if (held) return 'held'
  if (moved) return 'moved'
  if (unknown) return 'unknown'
  if (split) return 'split'
  return route ?? 'unknown'
}

/**
 * Notes behind which offset each partition of the answer `[at, frameEnd)` was written, by `partitionKey`:
 * behind a batch's first record, for a replica has all of a batch or nothing. An answer that cannot be read
 * tells nothing.
 */
export function noteAcked(
  buffer: Buffer,
  at: number,
  frameEnd: number,
  version: number,
  acked: Map<string, bigint>,
): void {
  const compact = version >= flexibleFrom
  let position = at + 8
  if (compact) position = skipTags(buffer, position, frameEnd)
  position = sizedStart(buffer, position, frameEnd, compact)
  for (let topics = position < 0 ? 0 : lengthValue; topics > 0; topics--) {
    position = stringStart(buffer, position, frameEnd, compact)
    const nameEnd = skipInt(position, Math.max(lengthValue, 0), frameEnd)
    if (nameEnd < 0) return
    const topic = buffer.toString('latin1', position, nameEnd)
    position = sizedStart(buffer, nameEnd, frameEnd, compact)
    if (position < 0) return
    for (let partitions = lengthValue; partitions > 0; partitions--) {
      if (skipInt(position, 14, frameEnd) < 0) return
      const key = partitionKey(topic, buffer.readInt32BE(position))
      const end = buffer.readBigInt64BE(position + 6) + 1n
      const isAcked = buffer.readInt16BE(position + 4) === 0
      if (isAcked && end > (acked.get(key) ?? 0n)) acked.set(key, end)
      position = skipInt(position, 14 + (version >= 2 ? 8 : 0) + (version >= 5 ? 8 : 0), frameEnd)
      if (version >= 8) {
        position = skipRecordErrors(buffer, position, frameEnd, compact)
        position = skipString(buffer, position, frameEnd, compact)
      }
      if (compact) position = skipTags(buffer, position, frameEnd)
      if (position < 0) return
    }
    if (compact) position = skipTags(buffer, position, frameEnd)
    if (position < 0) return
  }
}

/**
 * Whether every partition of a Produce answer succeeded: then it carries no leader hints (KIP-951) and
 * passes as it is. The frame is `[at, frameEnd)`, whole.
 */
export function everyPartitionAcked(
  buffer: Buffer,
  at: number,
  frameEnd: number,
  version: number,
): boolean {
  const compact = version >= flexibleFrom
  let position = at + 8
  if (compact) position = skipTags(buffer, position, frameEnd)
  position = sizedStart(buffer, position, frameEnd, compact)
  if (position < 0) return false
  for (let topics = lengthValue; topics > 0; topics--) {
    position = skipString(buffer, position, frameEnd, compact)
    position = sizedStart(buffer, position, frameEnd, compact)
    if (position < 0) return false
    for (let partitions = lengthValue; partitions > 0; partitions--) {
      if (skipInt(position, 6, frameEnd) < 0) return false
      if (buffer.readInt16BE(position + 4) !== 0) return false
      // index, error, base offset; then log append time (v2), log start offset (v5)
      position = skipInt(position, 14 + (version >= 2 ? 8 : 0) + (version >= 5 ? 8 : 0), frameEnd)
      if (version >= 8) {
        position = skipRecordErrors(buffer, position, frameEnd, compact)
        position = skipString(buffer, position, frameEnd, compact)
      }
      if (compact) position = skipTags(buffer, position, frameEnd)
      if (position < 0) return false
    }
    if (compact) position = skipTags(buffer, position, frameEnd)
    if (position < 0) return false
  }
  return true
}

/** Skips the errors of single records in an answer, v8 and later (KIP-467). */
export function skipRecordErrors(
  buffer: Buffer,
  at: number,
  end: number,
  compact: boolean,
): number {
  let position = sizedStart(buffer, at, end, compact)
  if (position < 0) return -1
  for (let errors = lengthValue; errors > 0; errors--) {
    position = skipString(buffer, skipInt(position, 4, end), end, compact)
    if (compact) position = skipTags(buffer, position, end)
    if (position < 0) return -1
  }
  return position
}
