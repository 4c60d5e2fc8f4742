import { DecodeError } from '../../protocol/index.ts'
import { skipRecordErrors } from '../peek/00-produce.ts'
import {
  bodyStart,
  lengthValue,
  sizedStart,
  skipInt,
  skipString,
  skipTags,
  stringStart,
} from '../peek/walk.ts'
import { batchHeaderBytes } from './batch.ts'
import { patchLogStart, patchOffset, type ShiftLookup } from './shift.ts'

/**
 * Produce v3 to v12, patched where it lies: from v3 on each partition has one batch of format v2
 * (KIP-98), whose header is all that is looked at. Its layout is drawn in `peek/00-produce.ts`.
 * Not handled: the leader hints of v10 (KIP-951), which only failures carry and a rewriter replaces.
 */
const flexibleFrom = 9

export type ProduceWalk =
  /** Nothing was visited yet: more bytes are needed. */
  | 'incomplete'
  /** What lies before the damage may have been visited. */
  | 'malformed'
  | 'visited'

/**
 * @param batchAt where the batch's `batchHeaderBytes` lie; -1 where there are fewer: a broker refuses them
 * @param indexAt where the partition's number lies
 */
export type VisitBatch = (
  topic: string,
  partition: number,
  batchAt: number,
  indexAt: number,
) => void

/**
 * Visits the batch of each partition of the Produce frame at `at`, once. `frameEnd` is where it ends,
 * `end` where the bytes end that are there: a frame with one partition needs no more than its batch's
 * header, and streams; one with several must be whole.
 */
export function walkProduceBatches(
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
  visit: VisitBatch,
): ProduceWalk {
  const compact = version >= flexibleFrom
  const missing = end < frameEnd ? 'incomplete' : 'malformed'
  let position = bodyStart(buffer, at, end, compact)
  position = skipString(buffer, position, end, compact)
  position = sizedStart(buffer, skipInt(position, 6, end), end, compact)
  if (position < 0) return missing
  const topicCount = lengthValue
  if (topicCount > 1 && end < frameEnd) return 'incomplete'
  for (let topics = topicCount; topics > 0; topics--) {
    position = stringStart(buffer, position, end, compact)
    const nameEnd = skipInt(position, Math.max(lengthValue, 0), end)
    if (nameEnd < 0) return missing
    const topic = buffer.toString('latin1', position, nameEnd)
    position = sizedStart(buffer, nameEnd, end, compact)
    if (position < 0) return missing
    const partitionCount = lengthValue
    if (partitionCount > 1 && end < frameEnd) return 'incomplete'
    for (let partitions = partitionCount; partitions > 0; partitions--) {
      const batchAt = sizedStart(buffer, skipInt(position, 4, end), end, compact)
      if (batchAt < 0) return missing
      const recordsLength = Math.max(lengthValue, 0)
      if (batchAt + recordsLength > frameEnd) return 'malformed'
      const hasBatch = recordsLength >= batchHeaderBytes
      if (hasBatch && batchAt + batchHeaderBytes > end) return missing
      visit(topic, buffer.readInt32BE(position), hasBatch ? batchAt : -1, position)
      if (topicCount === 1 && partitionCount === 1) return 'visited'
      position = batchAt + recordsLength
      if (compact) position = skipTags(buffer, position, end)
      if (position < 0) return missing
    }
    if (compact) position = skipTags(buffer, position, end)
    if (position < 0) return missing
  }
  return 'visited'
}

/**
 * Shifts base offset and, from v5, log start offset of each partition of the Produce answer
 * `[start, end)`, which must be whole; its size leads it. Throws `DecodeError` on what is none.
 */
export function patchProduceResponse(
  buffer: Buffer,
  start: number,
  end: number,
  version: number,
  lookup: ShiftLookup,
): void {
  const compact = version >= flexibleFrom
  let position = start + 8
  if (compact) position = skipTags(buffer, position, end)
  position = sizedStart(buffer, position, end, compact)
  if (position < 0) throw malformed(version)
  for (let topics = lengthValue; topics > 0; topics--) {
    position = stringStart(buffer, position, end, compact)
    const nameEnd = skipInt(position, Math.max(lengthValue, 0), end)
    if (nameEnd < 0) throw malformed(version)
    const topic = buffer.toString('latin1', position, nameEnd)
    position = sizedStart(buffer, nameEnd, end, compact)
    if (position < 0) throw malformed(version)
    for (let partitions = lengthValue; partitions > 0; partitions--) {
      position = patchPartition(buffer, position, end, version, topic, lookup)
      if (position < 0) throw malformed(version)
    }
    if (compact) position = skipTags(buffer, position, end)
    if (position < 0) throw malformed(version)
  }
}

/** Returns where the partition ends, or -1. */
function patchPartition(
  buffer: Buffer,
  at: number,
  end: number,
  version: number,
  topic: string,
  lookup: ShiftLookup,
): number {
  const compact = version >= flexibleFrom
  // index, error, base offset, log append time; then log start offset (v5)
  let position = skipInt(at, 22 + (version >= 5 ? 8 : 0), end)
  if (position < 0) return -1
  const shift = lookup(topic, buffer.readInt32BE(at))
  if (shift !== undefined) {
    if (shift.partition !== undefined) buffer.writeInt32BE(shift.partition, at)
    patchOffset(buffer, at + 6, shift)
    if (version >= 5) patchLogStart(buffer, at + 22, shift)
  }
  if (version >= 8) {
    position = skipRecordErrors(buffer, position, end, compact)
    position = skipString(buffer, position, end, compact)
  }
  return compact ? skipTags(buffer, position, end) : position
}

const malformed = (version: number): DecodeError =>
  new DecodeError(`the answer to Produce v${version} ends inside of a field`)
