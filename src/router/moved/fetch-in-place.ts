import type { FetchPatcher } from '../patch/index.ts'
import {
  bodyStart,
  lengthValue,
  sizedStart,
  skipInt,
  skipUvarint,
  stringStart,
  uvarintValue,
} from '../peek/walk.ts'
import { leaderOf, type Destination, type RoutingTable } from '../table.ts'
import { segmentAt, toNative, type Segment } from '../timeline/index.ts'
import { patcherFor } from './fetch-answer.ts'
import type { MoveFetchOptions } from './fetch.ts'
import { isBelowStart, readingKey, type Reading } from './readings.ts'

const flexibleFrom = 12
/** Flexible versions end each topic, each partition and the request with tagged fields: none is one byte. */
const noTags = 0

export interface FetchInPlace {
  readonly to: Destination
  /** Translates the frame where it lies, once. @returns what translates its answer */
  readonly translate: () => FetchPatcher
}

/** What is asked of one partition, and where it lies. */
interface Place {
  readonly at: number
  readonly segment: Segment
  readonly offset: bigint
}

/**
 * The commonest Fetch behind a splice, v4 to v15: every partition is read from its open segment, at one broker,
 * by the name that clients know. It is translated where it lies, in the frame `[at, frameEnd)`, without being
 * decoded. The layout is drawn in `peek/01-fetch.ts`.
 *
 * @returns undefined where this is another one
 */
export function moveFetchInPlace(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  frameEnd: number,
  version: number,
  options: Pick<MoveFetchOptions, 'readings' | 'reader'>,
): FetchInPlace | undefined {
  const compact = version >= flexibleFrom
  const hasIds = version >= 13
  const epochAt = 4
  const offsetAt = version >= 9 ? 8 : 4
  const lastEpochAt = version >= 12 ? offsetAt + 8 : -1
  const logStartAt = version >= 5 ? offsetAt + (version >= 12 ? 12 : 8) : -1
  const partitionBytes =
    offsetAt + 8 + (version >= 12 ? 4 : 0) + (version >= 5 ? 8 : 0) + 4 + (compact ? 1 : 0)
  const clientIdAt = stringStart(buffer, at + 12, frameEnd, false)
  const clientId =
    lengthValue > 0 ? buffer.toString('utf8', clientIdAt, clientIdAt + lengthValue) : ''
  // replica (before v15), wait, least and most bytes, isolation
  let position = bodyStart(buffer, at, frameEnd, compact)
  position = skipInt(position, (version < 15 ? 4 : 0) + 13, frameEnd)
  const sessionAt = position
  if (version >= 7) position = skipInt(position, 8, frameEnd)
  position = sizedStart(buffer, position, frameEnd, compact)
  if (position < 0) return undefined
  const places: Place[] = []
  const ids: (readonly [at: number, native: string])[] = []
  const asked = new Map<string, Reading>()
  let to: Destination | undefined
  for (let topics = lengthValue; topics > 0; topics--) {
    const nameAt = hasIds ? position : stringStart(buffer, position, frameEnd, compact)
    const nameEnd = skipInt(nameAt, hasIds ? 16 : Math.max(lengthValue, 0), frameEnd)
    if (nameEnd < 0) return undefined
    const topicId = hasIds ? buffer.toString('base64url', nameAt, nameEnd) : ''
    const name = hasIds ? table.topicNames.get(topicId) : buffer.toString('latin1', nameAt, nameEnd)
    const topic = name === undefined ? undefined : table.topics.get(name)
    if (name === undefined || topic === undefined) return undefined
    position = sizedStart(buffer, nameEnd, frameEnd, compact)
    if (position < 0) return undefined
    let key = hasIds ? undefined : name
    for (let partitions = lengthValue; partitions > 0; partitions--) {
      const end = skipInt(position, partitionBytes, frameEnd)
      if (end < 0 || (compact && buffer[end - 1] !== noTags)) return undefined
      const partition = buffer.readInt32BE(position)
      const timeline = topic.partitions[partition]?.timeline
      if (timeline == null) return undefined
      const offset = buffer.readBigInt64BE(position + offsetAt)
      const segment = segmentAt(timeline, offset)
      const leader = leaderOf(table, segment)
      if (segment.end !== null || leader === undefined || (to !== undefined && leader !== to)) {
        return undefined
      }
      if (isBelowStart(timeline, offset) || (!hasIds && segment.topic !== name)) return undefined
      to = leader
      if (key === undefined) {
        key = table[segment.cluster].topics.get(segment.topic)?.topicId ?? undefined
        if (key === undefined) return undefined
        ids.push([nameAt, key])
      }
      asked.set(readingKey(key, segment.partition), {
        name,
        topicId,
        partition,
        offset,
        timeline,
        segment,
      })
      places.push({ at: position, segment, offset })
      position = end
    }
    if (compact && buffer[position++] !== noTags) return undefined
  }
  if (to === undefined || !endsPlainly(buffer, position, frameEnd, version)) return undefined
  const translate = (): FetchPatcher => {
    for (const { at: placeAt, segment, offset } of places) {
      const native = toNative(segment, offset)
      buffer.writeBigInt64BE(native < segment.start ? segment.start : native, placeAt + offsetAt)
      buffer.writeInt32BE(segment.partition, placeAt)
      if (version >= 9) buffer.writeInt32BE(-1, placeAt + epochAt)
      if (lastEpochAt > 0) buffer.writeInt32BE(-1, placeAt + lastEpochAt)
      if (logStartAt > 0) buffer.writeBigInt64BE(-1n, placeAt + logStartAt)
    }
    for (const [idAt, native] of ids) buffer.write(native, idAt, 16, 'base64url')
    // Sessions (KIP-227) are of one broker: the client gets none.
    if (version >= 7) {
      buffer.writeInt32BE(0, sessionAt)
      buffer.writeInt32BE(-1, sessionAt + 4)
    }
    for (const { timeline, offset } of asked.values()) {
      if (timeline !== null)
        options.readings.positionSeen(timeline, options.reader, offset, clientId)
    }
    return patcherFor(version, asked, options.readings)
  }
  return { to, translate }
}

/** Whether there are no forgotten topics, no rack, and nothing else behind the topics. */
function endsPlainly(buffer: Buffer, at: number, frameEnd: number, version: number): boolean {
  const compact = version >= flexibleFrom
  let position = at
  if (version >= 7) {
    position = sizedStart(buffer, position, frameEnd, compact)
    if (position < 0 || lengthValue > 0) return false
  }
  if (version >= 11) {
    position = stringStart(buffer, position, frameEnd, compact)
    if (position < 0 || lengthValue > 0) return false
  }
  if (compact) {
    position = skipUvarint(buffer, position, frameEnd)
    if (position < 0 || uvarintValue > 0) return false
  }
  return position === frameEnd
}
