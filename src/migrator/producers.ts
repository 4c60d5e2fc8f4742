import type { Log } from '../log.ts'
import {
  partitionKey,
  shiftOf,
  type Segment,
  type Timeline,
  type WantedBase,
} from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import type { DataPlane } from './data-plane.ts'
import { listOffsets } from './ends.ts'
import type { MoveClock } from './groups/index.ts'
import type { TopicPlan } from './preflight/index.ts'
import type { MigrationRecord, ShownTimeline } from './record.ts'
import { lookBackMs, Tails } from './retain.ts'

export interface ProducersOptions {
  readonly source: Cluster
  readonly plane: DataPlane
  readonly record: MigrationRecord
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
  readonly clock: Pick<MoveClock, 'now' | 'sleep'>
}

/** How long producers wait for what the source holds of them, in ms: no client bears more than 8 s. */
const retainMsMax = 4_000
/** The same when the source may be switched off already. */
const retainOffMsMax = 1_000
/** How long it is read back while nobody waits. */
const foreseeMsMax = 5_000
const retryMs = 100
/** While the end is read more is written: what takes no longer than this may be read behind the splice. */
const foreseeEnoughMs = 200
const foreseePassesMax = 4
/** As a timestamp: the end. */
const latest = -1n

const unreadEnd =
  'the end of the source could not be read: a batch whose answer was lost may be written twice'

/** A segment of the source, up to where it is read. */
type EndingSegment = Segment & { readonly timeline: Timeline; readonly end: bigint }

/** What idempotent producers need behind the splice: that the target takes up where the source left off. */
export class Producers {
  readonly #options: ProducersOptions
  readonly #wanted = new Set<string>()
  readonly #tails: Tails
  /** `DataPlane.lostProduces`, when the source was read last; undefined where some of it could not be read. */
  #lostBefore: number | undefined

  constructor(options: ProducersOptions) {
    this.#options = options
    this.#tails = new Tails(options.source, options.clock)
    options.plane.bases.wanted = (wanted) => this.#keepBase(wanted)
  }

  /** What the journal says of sequence numbers. */
  load(): void {
    const { plane, record } = this.#options
    for (const base of record.state.sequenceBases) {
      const timeline = record.state.topics.get(base.topic)?.timelines[base.partition]
      if (timeline !== undefined) plane.bases.keep({ timeline, ...base }, base.base)
    }
  }

  /** Whether a producer may still send again what the source holds of it. */
  get mayRepeat(): boolean {
    const { phase, fence } = this.#options.record.state
    if (phase === 'source' || phase === 'fenced') return false
    return this.#options.now() - (fence?.endedAt ?? 0) < lookBackMs
  }

  /** Reads what the source holds of producers before they have to wait for it. What is left, is read then. */
  async foresee(topics: readonly TopicPlan[]): Promise<void> {
    const { clock } = this.#options
    this.#tails.clear()
    for (let pass = 1; pass <= foreseePassesMax; pass++) {
      const begunAt = clock.now()
      await this.foreseeMore(topics)
      if (clock.now() - begunAt < foreseeEnoughMs) return
    }
  }

  /** Reads what has come since: of unordered topics producers go on while a fence is up for others. */
  async foreseeMore(topics: readonly TopicPlan[]): Promise<void> {
    const { source, plane, now, clock } = this.#options
    const lostBefore = plane.lostProduces
    this.#lostBefore = undefined
    const untilMs = clock.now() + foreseeMsMax
    const partitions = topics.flatMap(({ name: topic, partitions: n }) =>
      Array.from({ length: n }, (_, partition) => ({ topic, partition })),
    )
    const ends = await listOffsets(source, partitions, latest)
    const all = partitions.map((name, i) => ({ ...name, end: ends[i] ?? 0n }))
    const failed = await this.#tails.read(all, now(), untilMs)
    if (failed.length === 0) this.#lostBefore = lostBefore
  }

  /**
   * Behind a flip nobody waits: a batch that was on its way to the source is answered from there. What the source
   * held before, of producers that lost an answer earlier, was foreseen. If one is lost now, or was since, or not everything
   * could be foreseen, producers wait until what the source holds of them was read.
   */
  async retainInFlight(): Promise<void> {
    const { plane, source, record, clock } = this.#options
    const { open } = record
    for (const of of open) plane.retained.keep(of.timeline, this.#tails.batchesOf(of))
    if (open.length === 0) return
    const expect = (): void => plane.retained.expect(open.map(({ timeline }) => timeline))
    const isLost = plane.lostProduces !== this.#lostBefore
    if (isLost) expect()
    if ((await plane.produced()) && !isLost) return
    expect()
    const tails = new Tails(source, clock)
    await this.#readUpToNow(open, tails)
    for (const of of open) {
      const batches = tails.batchesOf(of)
      plane.retained.keep(of.timeline, batches.length > 0 ? batches : this.#tails.batchesOf(of))
    }
    plane.retry()
  }

  /** What is on its way to the source may be there, as far as it can be read. */
  async #readUpToNow(open: readonly ShownTimeline[], tails: Tails): Promise<void> {
    const { now, clock, log } = this.#options
    const untilMs = clock.now() + retainMsMax
    const read = async (): Promise<void> => {
      const [failed] = await tails.read(await this.#upTo(open), now(), untilMs)
      if (failed !== undefined) throw failed.error
    }
    await this.#persist(read, untilMs).catch((err: unknown) => log.warn({ err }, unreadEnd))
  }

  /** Again and again, until it is done, or producers cannot be made to wait for it any longer. */
  async #persist<T>(act: () => Promise<T>, untilMs: number): Promise<T> {
    const { source, clock } = this.#options
    for (;;) {
      try {
        return await act()
      } catch (err) {
        if (clock.now() >= untilMs) throw err
        await clock.sleep(retryMs, new AbortController().signal)
        await source.refresh().catch(() => {})
      }
    }
  }

  /** The ends of the source's partitions that go on. */
  async #upTo(open: readonly ShownTimeline[]): Promise<EndingSegment[]> {
    const ends = await listOffsets(
      this.#options.source,
      open.map(({ timeline }) => timeline[0]),
      latest,
    )
    return open.map(({ timeline }, i) => ({ ...timeline[0], timeline, end: ends[i] ?? 0n }))
  }

  /**
   * Reads what the source holds of producers that may send it again; meanwhile their batches wait.
   * @param restarted whether it was for a restart that answers may have been lost, also of unordered topics
   */
  async retain({ restarted = true }: { readonly restarted?: boolean } = {}): Promise<void> {
    const { plane, source, record, now, clock, log } = this.#options
    const closed = record.timelines.flatMap(({ timeline }) => {
      const segment = timeline.findLast(({ end }) => end !== null)
      if (segment !== undefined) return [{ ...segment, end: segment.end ?? 0n, timeline }]
      plane.retained.keep(timeline, [])
      return []
    })
    let left: readonly EndingSegment[] = [...closed, ...(restarted ? await this.#openUpTo() : [])]
    const isNeeded = record.state.phase !== 'target'
    const deadline = clock.now() + (isNeeded ? retainMsMax : retainOffMsMax)
    while (left.length > 0) {
      const failed = await this.#tails.read(left, now(), clock.now() + retainMsMax / 2)
      const reasons = new Map(
        failed.map(({ of, error }) => [partitionKey(of.topic, of.partition), error]),
      )
      const isLate = clock.now() >= deadline
      left = left.filter((segment) => {
        const { topic, partition, timeline } = segment
        const key = partitionKey(topic, partition)
        if (reasons.has(key) && !isLate) return true
        if (reasons.has(key)) {
          log.warn({ topic, partition, err: reasons.get(key) }, unreadEnd)
        }
        const shift = shiftOf(segment)
        const batches = this.#tails.batchesOf(segment)
        plane.retained.keep(
          timeline,
          batches.map((batch) => ({ ...batch, offset: batch.offset + shift })),
        )
        return false
      })
      if (left.length > 0) await source.refresh()
    }
    this.#tails.clear()
    plane.retry()
  }

  /** Where the source does not answer, nothing of it can be waited for. */
  async #openUpTo(): Promise<EndingSegment[]> {
    const { plane, record, clock, log } = this.#options
    const waitMsMax = record.state.phase === 'target' ? retainOffMsMax : retainMsMax
    try {
      return await this.#persist(() => this.#upTo(record.open), clock.now() + waitMsMax)
    } catch (err) {
      log.warn({ err }, unreadEnd)
      for (const { timeline } of record.open) plane.retained.keep(timeline, [])
      return []
    }
  }

  /** A producer's first batch waits until its base is in the journal. */
  #keepBase({ timeline, producerId, producerEpoch, base }: WantedBase): void {
    const { plane, record, log } = this.#options
    const { topic, partition } = record.shownAs(timeline)
    const key = `${topic} ${partition} ${producerId} ${producerEpoch}`
    if (this.#wanted.has(key)) return
    this.#wanted.add(key)
    record
      .append({ kind: 'sequence-base', topic, partition, producerId, producerEpoch, base })
      .then(() => plane.retry())
      .catch((err: unknown) => {
        log.error({ topic, partition, err }, 'a producer waits for the journal')
      })
      .finally(() => this.#wanted.delete(key))
  }
}
