import { partitionKey, type PlannedTopic } from '../../router/index.ts'
import type { Cluster } from '../cluster.ts'
import { listOffsets } from '../ends.ts'
import { sampled, type Rate } from './rate.ts'

/**
 * For how long nobody may have written to a partition of the source before it counts as read to its end:
 * who writes there past the sidecars would be read by nobody once its groups have moved.
 */
export const quietMs = 10_000
/** For how long behind the first look it may be the sidecars' own requests that arrive. */
const inFlightMs = 2_000
/** As a timestamp: the end. */
const latest = -1n

/** Where a partition of the source ends that goes on: one of an unordered topic. */
export interface OpenEnd {
  readonly end: bigint
  /** Since when, as far as was seen. */
  readonly sinceMs: number
  /** When it was looked at first. */
  readonly firstMs: number
  /** Records that came past the sidecars, since then: of what was on its way at the flip, none. */
  readonly written: bigint
  /** Records per second; null until it was looked at twice. */
  readonly ratePerSecond: number | null
}

type Topics = ReadonlyMap<string, PlannedTopic>

/** The ends of the source's partitions of unordered topics. Times are ms on the clock of whoever looks. */
export class OpenEnds {
  readonly #source: Cluster
  readonly #ends = new Map<string, OpenEnd>()
  readonly #rates = new Map<string, Rate>()

  constructor(source: Cluster) {
    this.#source = source
  }

  /** Rejects where the source does not tell. */
  async look(topics: Topics, nowMs: number): Promise<void> {
    const partitions = partitionsOf(topics)
    if (partitions.length === 0) return
    const ends = await listOffsets(this.#source, partitions, latest)
    for (const [i, { topic, partition }] of partitions.entries()) {
      const end = ends[i] ?? -1n
      if (end >= 0n) this.#note(partitionKey(topic, partition), end, nowMs)
    }
  }

  #note(key: string, end: bigint, nowMs: number): void {
    const before = this.#ends.get(key)
    // A rate of what is written, out of one of what is left.
    const rate = sampled(this.#rates.get(key), -end, nowMs)
    this.#rates.set(key, rate)
    const { firstMs, written, ...seen } = before ?? { firstMs: nowMs, written: 0n, end, sinceMs: 0 }
    const isPast = end > seen.end && nowMs - firstMs > inFlightMs
    this.#ends.set(key, {
      end,
      sinceMs: before?.end === end ? before.sinceMs : nowMs,
      firstMs,
      written: isPast ? written + end - seen.end : written,
      ratePerSecond: rate.perSecond,
    })
  }

  /** Undefined while it was not looked at. */
  of(topic: string, partition: number): OpenEnd | undefined {
    return this.#ends.get(partitionKey(topic, partition))
  }

  isQuiet(topic: string, partition: number, nowMs: number): boolean {
    const seen = this.of(topic, partition)
    return seen !== undefined && nowMs - seen.sinceMs >= quietMs
  }

  /** What is still written to, as in: `logs-0 (41/s)`. */
  writtenTo(topics: Topics, nowMs: number): readonly string[] {
    return partitionsOf(topics).flatMap(({ topic, partition }) => {
      const seen = this.of(topic, partition)
      if (seen === undefined || seen.written === 0n || this.isQuiet(topic, partition, nowMs))
        return []
      return [`${topic}-${partition} (${perSecond(seen.ratePerSecond ?? 0)})`]
    })
  }

  /** Topics of which it is not known yet whether anybody writes to them on the source. */
  unsettled(topics: Topics, nowMs: number): readonly string[] {
    const names = partitionsOf(topics)
      .filter(({ topic, partition }) => !this.isQuiet(topic, partition, nowMs))
      .map(({ topic }) => topic)
    return [...new Set(names)]
  }
}

const perSecond = (rate: number): string =>
  rate >= 10 ? `${Math.round(rate)}/s` : `${rate.toFixed(1)}/s`

const partitionsOf = (topics: Topics) =>
  [...topics.values()].flatMap(({ name: topic, parallel }) =>
    Array.from({ length: parallel?.sourcePartitions ?? 0 }, (_, partition) => ({
      topic,
      partition,
    })),
  )
