import { destination, type Destination, type RoutingTable } from '../table.ts'
import type { NodeId } from '../../ids.ts'
import { bodyStart, lengthValue, sizedStart, skipInt, skipTags, stringStart } from './walk.ts'

/**
 * Fetch, looked at where it lies.
 *
 *     v0-2   replica wait min-bytes [topic [partition offset max-bytes]]
 *     v3     + max-bytes        v4  + isolation level
 *     v5     + log start offset per partition
 *     v7     + session id, epoch, forgotten topics (KIP-227)
 *     v9     + current leader epoch (KIP-320)
 *     v11    + rack (KIP-392)
 *     v12    flexible; + last fetched epoch (KIP-595)
 *     v13    topic ids for names (KIP-516)
 *     v15    replica id becomes a tagged field (KIP-903)
 *     v16-18 add leader hints (KIP-951) and fields of followers: not offered
 */
const flexibleFrom = 12

/** 'moved' when a partition is not read from the source as it is: what is asked and answered is translated. */
export type FetchRoute = 'malformed' | 'split' | 'moved' | 'unknown' | 'none' | Destination

/** What the last `routeFetch` saw. */
export const seen = {
  maxWaitMs: 0,
  /** Where the maximal wait lies, an int32. */
  maxWaitAt: 0,
  sessionId: 0,
  sessionEpoch: -1,
  unknownTopic: '',
  /** The topics that it names, as far as they are known. */
  topics: [] as string[],
  /** Topics of which both clusters are read, and of which this asks for nothing that the target has. */
  ungrown: [] as string[],
  /** The first and last byte of what follows the topics: forgotten topics and the rack. */
  afterTopics: 0,
}

/**
 * Where the whole Fetch frame `[at, frameEnd)` goes; 'none' when it lists no partition. A consumer that
 * names its rack may read from a follower: `home` is that of the virtual broker which it asks.
 */
export function routeFetch(
  table: RoutingTable,
  buffer: Buffer,
  at: number,
  frameEnd: number,
  version: number,
  home: NodeId | undefined,
): FetchRoute {
  const compact = version >= flexibleFrom
  let position = bodyStart(buffer, at, frameEnd, compact)
  if (version < 15) position = skipInt(position, 4, frameEnd)
  if (skipInt(position, 8, frameEnd) < 0) return 'malformed'
  seen.maxWaitMs = buffer.readInt32BE(position)
  seen.maxWaitAt = position
  position += 8
  if (version >= 3) position = skipInt(position, 4, frameEnd)
  if (version >= 4) position = skipInt(position, 1, frameEnd)
  seen.sessionId = 0
  seen.sessionEpoch = -1
  if (version >= 7) {
    if (skipInt(position, 8, frameEnd) < 0) return 'malformed'
    seen.sessionId = buffer.readInt32BE(position)
    seen.sessionEpoch = buffer.readInt32BE(position + 4)
    position += 8
  }
  position = sizedStart(buffer, position, frameEnd, compact)
  if (position < 0) return 'malformed'
  // offset, partition-max-bytes and the fields between them
  const partitionBytes =
    12 + (version >= 9 ? 4 : 0) + (version >= 12 ? 4 : 0) + (version >= 5 ? 8 : 0)
  if (seen.ungrown.length > 0) seen.ungrown = []
  seen.topics = []
  let route: Destination | undefined
  let unknown = false
  let split = false
  let moved = false
  let mayFollow = home !== undefined && version >= 11
  const follower = home === undefined ? undefined : destination('source', home)
  for (let topics = lengthValue; topics > 0; topics--) {
    let name: string | undefined
    if (version >= 13) {
      if (skipInt(position, 16, frameEnd) < 0) return 'malformed'
      name = table.topicNames.get(uuidAt(buffer, position))
      position += 16
    } else {
      position = stringStart(buffer, position, frameEnd, compact)
      const nameEnd = skipInt(position, lengthValue, frameEnd)
      if (nameEnd < 0) return 'malformed'
      name = buffer.toString('latin1', position, nameEnd)
      position = nameEnd
    }
    const topic = name === undefined ? undefined : table.topics.get(name)
    if (name !== undefined) seen.topics.push(name)
    const parallel = table.view.spliced ? topic?.origins.planned?.parallel : undefined
    let isGrown = false
    position = sizedStart(buffer, position, frameEnd, compact)
    if (position < 0) return 'malformed'
    for (let partitions = lengthValue; partitions > 0; partitions--) {
      if (skipInt(position, 4, frameEnd) < 0) return 'malformed'
      const index = buffer.readInt32BE(position)
      const partition = topic?.partitions[index]
      if (parallel !== undefined) {
        moved = true
        if (index >= parallel.sourcePartitions) isGrown = true
      }
      const to = partition?.read
      if (partition !== undefined && partition.timeline !== null) moved = true
      if (to === undefined || to === null) {
        unknown = true
        seen.unknownTopic = name ?? ''
      } else {
        if (route === undefined) route = to
        else if (route !== to) split = true
        if (mayFollow && to !== follower) {
          mayFollow = follower !== undefined && partition?.followers.includes(follower) === true
        }
      }
      position = skipInt(position, 4 + partitionBytes, frameEnd)
      if (compact) position = skipTags(buffer, position, frameEnd)
      if (position < 0) return 'malformed'
    }
    if (parallel !== undefined && !isGrown && name !== undefined) seen.ungrown.push(name)
    if (compact) position = skipTags(buffer, position, frameEnd)
    if (position < 0) return 'malformed'
  }
  seen.afterTopics = position
  if (moved) return 'moved'
  if (unknown) return 'unknown'
  if (route === undefined) return 'none'
  if ((split || route !== follower) && mayFollow && follower !== undefined) {
    if (namesRack(buffer, position, frameEnd, version)) return follower
  }
  return split ? 'split' : route
}

/** Whether the request ends with a rack: behind the forgotten topics, v11 and later. */
function namesRack(buffer: Buffer, at: number, frameEnd: number, version: number): boolean {
  const compact = version >= flexibleFrom
  let position = sizedStart(buffer, at, frameEnd, compact)
  if (position < 0) return false
  for (let topics = lengthValue; topics > 0; topics--) {
    if (version >= 13) position = skipInt(position, 16, frameEnd)
    else {
      position = stringStart(buffer, position, frameEnd, compact)
      position = skipInt(position, Math.max(lengthValue, 0), frameEnd)
    }
    position = sizedStart(buffer, position, frameEnd, compact)
    if (position < 0) return false
    position = skipInt(position, 4 * Math.max(lengthValue, 0), frameEnd)
    if (compact) position = skipTags(buffer, position, frameEnd)
    if (position < 0) return false
  }
  position = stringStart(buffer, position, frameEnd, compact)
  return position >= 0 && lengthValue > 0
}

/** A fetch session's id in the answer frame at `at`, v7 and later; its first 19 bytes must be there. */
export function answeredSessionId(buffer: Buffer, at: number, version: number): number {
  const body = at + 8 + (version >= flexibleFrom ? 1 : 0)
  return buffer.readInt32BE(body + 6)
}

export const answeredSessionIdEndsAt = 19

/** A topic id in the form that the codec gives it. */
function uuidAt(buffer: Buffer, at: number): string {
  return buffer.toString('base64url', at, at + 16)
}
