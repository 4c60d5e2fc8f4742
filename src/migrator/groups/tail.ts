import { CutoverError } from '../../errors.ts'
import { nodeId } from '../../ids.ts'
import {
  apis,
  entries,
  errorCodes,
  errorName,
  isControl,
  lastOffset,
  type BatchHeader,
  type LegacyEntry,
} from '../../protocol/index.ts'
import { shiftOf, toNative, virtualEnd, type Segment } from '../../router/index.ts'
import type { Cluster } from '../cluster.ts'
import { listOffsets } from '../ends.ts'
import { OpenEnds } from './open-ends.ts'

/** How much of a partition is read at once to see whether records are left, in bytes. */
const probeBytesMax = 64 * 1024
/** As a timestamp: the first offset. */
const earliest = -2n
/** How long a record that was seen is believed to be there still: retention may take it. */
const seenMs = 10_000

interface Seen {
  /** Of the segment, when it was looked at last: that of an unordered topic's moves on. */
  readonly end: bigint
  /** Nothing deliverable lies at or behind it. Virtual. */
  exhaustedFrom: bigint
  /** A deliverable record lies at it, or lay there at `atMs`. Virtual. */
  dataAt: bigint
  atMs: number
}

/**
 * Whether a group still has something to read in a closed segment. That its commit has reached the end says
 * it has not, but may never come true: a log can end in control records, and what lies before its end can
 * have been compacted away or have expired. So the cluster is asked, unless what it said before decides.
 */
export class Tail {
  readonly #cluster: Cluster
  readonly #seen = new Map<string, Seen>()
  /** Of what is not closed: there, what the end is now stands for it. */
  readonly ends: OpenEnds

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.ends = new OpenEnds(cluster)
  }

  /**
   * Whether no record is left in [from, end) of a closed segment.
   * @param from virtual; null: from the log's start
   */
  async isExhausted(segment: Segment, from: bigint | null, nowMs: number): Promise<boolean> {
    const start = from === null || from < segment.virtualStart ? segment.virtualStart : from
    const seen = this.#seenOf(segment)
    if (start >= seen.exhaustedFrom) return true
    if (start <= seen.dataAt && nowMs - seen.atMs < seenMs) return false
    const data = await this.#probe(segment, toNative(segment, start))
    if (data === undefined) {
      seen.exhaustedFrom = start
      return true
    }
    seen.dataAt = data + shiftOf(segment)
    seen.atMs = nowMs
    return false
  }

  #seenOf(segment: Segment): Seen {
    const key = `${segment.topic} ${segment.partition} ${segment.start}`
    const end = virtualEnd(segment)
    if (end === null) throw new TypeError('only a closed segment can be exhausted')
    const known = this.#seen.get(key)
    if (known?.end === end) return known
    const { dataAt, atMs } = known ?? { dataAt: -1n, atMs: -Infinity }
    const seen = { end, exhaustedFrom: end, dataAt, atMs }
    this.#seen.set(key, seen)
    return seen
  }

  /** The native offset of some record in [from, end), or undefined when there is none. */
  async #probe(segment: Segment, from: bigint): Promise<bigint | undefined> {
    const end = segment.end ?? from
    for (let offset = from; offset < end;) {
      const read = await this.#fetch(segment, offset)
      if (read.logStart > offset) {
        // What lay there has expired.
        offset = read.logStart
        continue
      }
      let next = offset
      let data: bigint | undefined
      for (const entry of entries(read.records)) {
        const last = lastOf(entry)
        if (entry.kind === 'batch' && entry.baseOffset >= end) break
        if (isDeliverable(entry) && last >= offset) data = last < end ? last : end - 1n
        next = last + 1n
      }
      if (data !== undefined) return data
      if (next > offset) offset = next
      else if (read.highWatermark >= end) return undefined
      else throw this.#failure(segment, `ends at ${read.highWatermark}, before ${end}`)
    }
    return undefined
  }

  async #fetch({ topic, partition }: Segment, fetchOffset: bigint) {
    const cluster = this.#cluster
    const leader = cluster.topology.topics.get(topic)?.partitions[partition]?.leader ?? -1
    if (leader < 0) throw this.#failure({ topic, partition }, 'has no leader')
    const answer = await cluster.ask(
      apis.fetch,
      12,
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: probeBytesMax,
        topics: [
          {
            topic,
            partitions: [{ partition, fetchOffset, partitionMaxBytes: probeBytesMax }],
          },
        ],
      },
      { nodeId: nodeId(leader) },
    )
    const read = answer.responses[0]?.partitions[0]
    const errorCode = read?.errorCode ?? answer.errorCode
    if (errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
      const [logStart = -1n] = await listOffsets(cluster, [{ topic, partition }], earliest)
      return { ...nothingRead, logStart }
    }
    if (errorCode === errorCodes.NONE && read !== undefined) {
      return { ...nothingRead, ...read, records: read.records ?? nothingRead.records }
    }
    await cluster.refresh()
    throw this.#failure({ topic, partition }, `was answered ${errorName(errorCode)}`)
  }

  #failure({ topic, partition }: Pick<Segment, 'topic' | 'partition'>, what: string): CutoverError {
    return new CutoverError(
      'upstream_invalid',
      `${topic}-${partition} of the ${this.#cluster.name} ${what}`,
    )
  }
}

const nothingRead = { records: Buffer.alloc(0), logStart: -1n, highWatermark: -1n }

const lastOf = (entry: BatchHeader | LegacyEntry): bigint =>
  entry.kind === 'batch' ? lastOffset(entry) : entry.offset

/** Markers of transactions are not records; compaction leaves empty batches to remember producers. */
const isDeliverable = (entry: BatchHeader | LegacyEntry): boolean =>
  entry.kind === 'legacy' || (!isControl(entry) && entry.recordCount > 0)
