import type { Log } from '../log.ts'
import { partitionKey, type SequenceBases } from '../router/index.ts'
import { Carrier } from './carry.ts'
import type { Cluster } from './cluster.ts'
import { listOffsets } from './ends.ts'
import type { MoveClock } from './groups/index.ts'
import { sampled, type Rate } from './groups/rate.ts'
import type { Late } from './late.ts'
import type { LatePath } from './late-paths.ts'

/** Stragglers are to be noticed within two seconds. */
const watchIntervalMs = 1_000
/** A source that does not answer is asked less and less often. */
const awayIntervalMsMax = 60_000
const latest = -1n

export interface StragglersOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly log: Log
  readonly bases: SequenceBases
  /** Records that were carried now. */
  readonly carried: (topic: string, partition: number, late: Late) => Promise<void>
  readonly clock: Pick<MoveClock, 'now' | 'sleep'>
  /** What else is looked at, as often. */
  readonly alsoLook?: () => Promise<void>
}

/** What reached one partition of the source behind the splice. */
export interface StragglerCount {
  readonly count: number
  readonly ratePerSecond: number | null
}

/**
 * Watches the source behind the splice: who writes there, past the sidecars, is noticed, told of, and what
 * they wrote is carried to the target, late. So is what a broker takes up late of a connection that died.
 * While the source does not answer, nothing can be said.
 */
export class Stragglers {
  readonly #options: StragglersOptions
  readonly #carrier: Carrier
  readonly #counts = new Map<string, number>()
  readonly #rates = new Map<string, Rate>()
  /** What keeps a partition's records from being carried; each is told once. */
  readonly #failures = new Map<string, string>()
  #running: Promise<void> | undefined
  readonly #wake = new AbortController()
  #stopped = false

  constructor(options: StragglersOptions) {
    this.#options = options
    this.#carrier = new Carrier(options.source, options.target, options.bases, (ms) =>
      options.clock.sleep(ms, this.#wake.signal),
    )
  }

  /** Undefined while the partition has not been looked at. */
  of(topic: string, partition: number): StragglerCount | undefined {
    const key = partitionKey(topic, partition)
    const count = this.#counts.get(key)
    if (count === undefined) return undefined
    return { count, ratePerSecond: this.#rates.get(key)?.perSecond ?? null }
  }

  watch(paths: () => readonly LatePath[]): void {
    this.#running ??= this.#loop(paths)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake.abort()
    await this.#running
  }

  async #loop(paths: () => readonly LatePath[]): Promise<void> {
    let intervalMs = watchIntervalMs
    while (!this.#stopped) {
      try {
        await this.#look(paths())
        await this.#options.alsoLook?.()
        intervalMs = watchIntervalMs
      } catch {
        // The source is away, or switched off: its silence is what there is to know.
        intervalMs = Math.min(2 * intervalMs, awayIntervalMsMax)
      }
      await this.#pause(intervalMs)
    }
  }

  async #pause(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#wake.signal).catch(() => {})
  }

  async #look(paths: readonly LatePath[]): Promise<void> {
    if (paths.length === 0) return
    const ends = await listOffsets(
      this.#options.source,
      paths.map(({ source }) => source),
      latest,
    )
    for (const [i, path] of paths.entries()) {
      const { from } = path
      const end = ends[i] ?? -1n
      const key = partitionKey(path.topic, path.partition)
      const seen = end > from ? end : from
      // A rate of what is written, out of one of what is left.
      this.#rates.set(key, sampled(this.#rates.get(key), -seen, this.#options.clock.now()))
      if (!this.#counts.has(key)) this.#counts.set(key, 0)
      if (end > from) await this.#carryOrTell(path)
    }
  }

  /** The partitions behind it are not kept waiting by one that cannot be carried now. */
  async #carryOrTell(path: LatePath): Promise<void> {
    const { topic, partition } = path
    const key = partitionKey(topic, partition)
    try {
      await this.#carry(path)
      this.#failures.delete(key)
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      if (this.#failures.get(key) === failure) return
      this.#failures.set(key, failure)
      this.#options.log.warn(
        { topic, partition, err: error },
        'records that reached the source behind the splice are not carried yet: it is tried again',
      )
    }
  }

  async #carry(path: LatePath): Promise<void> {
    const { topic, partition } = path
    const key = partitionKey(topic, partition)
    for (;;) {
      const from = await this.#carrier.carriedTo(path)
      const late = await this.#carrier.carry(path)
      if (late === null) return
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + late.records)
      if (late.records > 0) {
        this.#options.log.warn(
          { topic, partition, value: `${from}..${late.end - 1n}` },
          'records reached the source behind the splice: somebody writes past the sidecars, or a broker took them up late; the target has them now, out of order',
        )
      }
      await this.#options.carried(topic, partition, late)
    }
  }
}
