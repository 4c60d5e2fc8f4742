import { nodeId, type ClusterName } from '../../src/ids.ts'
import { apis } from '../../src/protocol/index.ts'
import { shiftOf, virtualEnd, type Readings, type Timeline } from '../../src/router/index.ts'
import type { Cluster } from '../../src/migrator/cluster.ts'
import type { Reader } from '../../src/proxy/readings.ts'

/** A reader that has not asked for so long reads no more. */
const positionMemoryMs = 10_000
const probeIntervalMs = 1_000

interface Position extends Reader {
  readonly atMs: number
}

/** src/proxy/readings.ts under a clock of its own. */
export class SimReadings implements Readings {
  readonly #now: () => number
  readonly #doors: Readonly<Record<ClusterName, Cluster>>
  readonly #ends = new Map<Timeline, bigint>()
  readonly #exhausted = new Map<Timeline, bigint>()
  readonly #probed = new Map<Timeline, number>()
  readonly #positions = new Map<Timeline, Map<object, Position>>()

  constructor(now: () => number, doors: Readonly<Record<ClusterName, Cluster>>) {
    this.#now = now
    this.#doors = doors
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
    this.#positions.set(timeline, readers.set(reader, { offset, clientId, atMs: this.#now() }))
  }

  readers(timeline: Timeline): readonly Reader[] {
    const readers = this.#positions.get(timeline) ?? new Map<object, Position>()
    for (const [reader, { atMs }] of readers) {
      if (this.#now() - atMs > positionMemoryMs) readers.delete(reader)
    }
    return [...readers.values()]
  }

  gone(): boolean {
    return false
  }

  emptyAt(timeline: Timeline, offset: bigint): void {
    if (this.#now() - (this.#probed.get(timeline) ?? -Infinity) < probeIntervalMs) return
    this.#probed.set(timeline, this.#now())
    this.#probe(timeline, offset).catch(() => this.#probed.delete(timeline))
  }

  async #probe(timeline: Timeline, offset: bigint): Promise<void> {
    const [{ cluster, topic, partition }] = timeline
    const door = this.#doors[cluster]
    const leader = door.topology.topics.get(topic)?.partitions[partition]?.leader ?? nodeId(-1)
    if (leader < 0) return
    const fetchOffset = offset - shiftOf(timeline[0])
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 65_536 }]
    const body = { maxWaitMs: 0, minBytes: 0, maxBytes: 65_536, topics: [{ topic, partitions }] }
    const answer = await door.ask(apis.fetch, 12, body, { nodeId: leader })
    const found = answer.responses[0]?.partitions[0]
    if (found === undefined || found.errorCode !== 0) return
    const isEmpty = found.records === null || found.records.length < 8
    const end = timeline[0].end ?? 0n
    const isExhausted = isEmpty || (found.records?.readBigInt64BE(0) ?? 0n) >= end
    const before = this.#exhausted.get(timeline) ?? virtualEnd(timeline[0]) ?? 0n
    if (isExhausted && offset < before) this.#exhausted.set(timeline, offset)
  }
}
