import { apis } from '../protocol/index.ts'
import {
  toNative,
  virtualEnd,
  type Readings,
  type Segment,
  type Timeline,
} from '../router/index.ts'
import type { ClusterDoor } from './cluster-door.ts'
import { nodeId, type ClusterName } from '../ids.ts'

/** How much of a closed segment is read to see whether anything is left there, in bytes. */
const probeBytesMax = 64 * 1024
const probeIntervalMs = 1_000
/** A reader that has not asked for so long reads no more. */
const positionMemoryMs = 10_000

/** What is asked of a cluster. */
type Asked = Pick<ClusterDoor, 'ask' | 'topology'>

/** Somebody who reads a partition. */
export interface Reader {
  readonly clientId: string
  /** Virtual. */
  readonly offset: bigint
}

interface Position extends Reader {
  readonly atMs: number
}

/**
 * What reading partitions that have moved tells. A closed segment whose last records were compacted away
 * or have expired answers nothing, for ever: before readers go on with the next segment, the cluster is
 * asked by ourselves, for this partition alone, so that an answer that was merely full is no reason.
 */
export class MovedReadings implements Readings {
  readonly #door: (cluster: ClusterName) => Asked
  readonly #isGone: (cluster: ClusterName) => boolean
  /** ms from anywhere. */
  readonly #now: () => number
  readonly #ends = new WeakMap<Timeline, bigint>()
  readonly #exhausted = new WeakMap<Timeline, bigint>()
  readonly #positions = new WeakMap<Timeline, Map<object, Position>>()
  readonly #probed = new WeakMap<Timeline, number>()

  constructor(
    door: (cluster: ClusterName) => Asked,
    isGone: (cluster: ClusterName) => boolean,
    now = (): number => performance.now(),
  ) {
    this.#door = door
    this.#isGone = isGone
    this.#now = now
  }

  exhaustedFrom(timeline: Timeline): bigint | undefined {
    return this.#exhausted.get(timeline)
  }

  endOf(timeline: Timeline): bigint | undefined {
    return this.#ends.get(timeline)
  }

  endSeen(timeline: Timeline, end: bigint): void {
    if (end > (this.#ends.get(timeline) ?? -1n)) this.#ends.set(timeline, end)
  }

  positionSeen(timeline: Timeline, reader: object, offset: bigint, clientId: string): void {
    const readers = this.#positions.get(timeline) ?? new Map<object, Position>()
    this.#positions.set(timeline, readers)
    readers.set(reader, { offset, clientId, atMs: this.#now() })
  }

  /** Who has asked for a partition lately, and at which virtual offset. */
  readers(timeline: Timeline): readonly Reader[] {
    const readers = this.#positions.get(timeline) ?? new Map<object, Position>()
    for (const [reader, { atMs }] of readers) {
      if (this.#now() - atMs > positionMemoryMs) readers.delete(reader)
    }
    return [...readers.values()]
  }

  gone(cluster: ClusterName): boolean {
    return this.#isGone(cluster)
  }

  emptyAt(timeline: Timeline, offset: bigint): void {
    const now = this.#now()
    if (now - (this.#probed.get(timeline) ?? -Infinity) < probeIntervalMs) return
    this.#probed.set(timeline, now)
    const closed = timeline.findLast((segment) => segment.end !== null)
    if (closed === undefined) return
    this.#isExhausted(closed, offset).then(
      (exhausted) => {
        const before = this.#exhausted.get(timeline)
        if (exhausted && (before === undefined || offset < before)) {
          this.#exhausted.set(timeline, offset)
        }
      },
      // The cluster did not answer; the next empty answer asks again.
      () => this.#probed.delete(timeline),
    )
  }

  async #isExhausted(segment: Segment, offset: bigint): Promise<boolean> {
    const end = virtualEnd(segment) ?? 0n
    if (offset >= end) return true
    const door = this.#door(segment.cluster)
    const topic = door.topology.topics.get(segment.topic)
    const leader = topic?.partitions[segment.partition]?.leader
    if (leader === undefined || leader < 0) return false
    const answer = await door.ask(
      apis.fetch,
      12,
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: probeBytesMax,
        topics: [
          {
            topic: segment.topic,
            partitions: [
              {
                partition: segment.partition,
                fetchOffset: toNative(segment, offset),
                partitionMaxBytes: probeBytesMax,
              },
            ],
          },
        ],
      },
      { nodeId: nodeId(leader) },
    )
    const partition = answer.responses[0]?.partitions[0]
    if (answer.errorCode !== 0 || partition === undefined || partition.errorCode !== 0) return false
    const records = partition.records
    // The first entry decides: offsets only rise, and it is given whole (KIP-74).
    if (records === null || records.length < 8) return true
    return segment.end !== null && records.readBigInt64BE(0) >= segment.end
  }
}
