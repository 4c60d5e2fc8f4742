import { nodeId, type ClusterName } from '../../src/ids.ts'
import { apis } from '../../src/protocol/index.ts'
import { shiftOf, virtualEnd, type Readings, type Timeline } from '../../src/router/index.ts'
import type { Cluster } from '../../src/migrator/cluster.ts'

/** A reader that has not asked for so long reads no more. */
const positionMemoryMs = 30_000
const probeIntervalMs = 1_000

/** src/proxy/readings.ts under a clock of its own. */
export class SimReadings implements Readings {
  readonly #now: () => number
  readonly #doors: Readonly<Record<ClusterName, Cluster>>
  readonly #ends = new Map<Timeline, bigint>()
  readonly #exhausted = new Map<Timeline, bigint>()
  readonly #probed = new Map<Timeline, number>()
  readonly #positions = new Map<Timeline, Map<object, { offset: bigint; atMs: number }>>()

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

  positionSeen(timeline: Timeline, reader: object, offset: bigint): void {
    const readers =
      this.#positions.get(timeline) ?? new Map<object, { offset: bigint; atMs: number }>()
    this.#positions.set(timeline, readers.set(reader, { offset, atMs: this.#now() }))
  }

  /** `MovedReadings.readers` */
  readers(timeline: Timeline): readonly { readonly clientId: string; readonly offset: bigint }[] {
    return [...(this.#positions.get(timeline)?.values() ?? [])]
      .filter(({ atMs }) => this.#now() - atMs <= positionMemoryMs)
      .map(({ offset }) => ({ clientId: '', offset }))
  }

  lowestPosition(timeline: Timeline): bigint | undefined {
    let lowest: bigint | undefined
    for (const { offset, atMs } of this.#positions.get(timeline)?.values() ?? []) {
      if (this.#now() - atMs > positionMemoryMs) continue
      if (lowest === undefined || offset < lowest) lowest = offset
    }
    return lowest
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
