import type { Log } from '../log.ts'
import {
  apply,
  initialState,
  nextStep,
  viewOf,
  type Entry,
  type Facts,
  type MigrationState,
  type Phase,
  type PlannedTopic,
  type StepOptions,
  type Timeline,
} from '../router/index.ts'
import type { DataPlane } from './data-plane.ts'
import type { Journal } from './journal/index.ts'

/** One phase gives way to another. */
export interface Transition {
  readonly from: Phase
  readonly to: Phase
  readonly atMs: number
  readonly reason: string
}

/** A partition as clients know it. */
export interface ShownTimeline {
  readonly topic: string
  readonly partition: number
  readonly timeline: Timeline
}

export interface RecordOptions {
  readonly journal: Journal
  readonly plane: DataPlane
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
  readonly changed: (transition: Transition) => void
}

/**
 * Where the migration stands: what the journal's entries add up to. An entry is durable before it takes
 * effect, and the data plane is shown every effect.
 */
export class MigrationRecord {
  readonly #options: RecordOptions
  #state: MigrationState = initialState
  #preparing = false
  #settling = false
  #appending: Promise<void> = Promise.resolve()
  /** What the next step waits for, as sentences. */
  waitingFor: readonly string[] = []

  constructor(options: RecordOptions) {
    this.#options = options
  }

  get state(): MigrationState {
    return this.#state
  }

  /** Whether a fence is about to go up. */
  get preparing(): boolean {
    return this.#preparing
  }

  prepare(preparing: boolean): void {
    this.#preparing = preparing
    this.show()
  }

  /** Whether nothing is missing any more for a splice, as far as the facts say. */
  mayBeSpliced(facts: Facts, options: StepOptions): boolean {
    const step = nextStep(this.#state, facts, this.#options.now(), options)
    return step.kind === 'append' && step.entry.kind === 'splice'
  }

  /**
   * Whether readers are kept waiting for a splice to be decided: what they are given from here on might lie behind
   * the end that the source is asked for. Until it is taken back, or an entry decides.
   */
  settle(settling: boolean): void {
    if (settling === this.#settling) return
    this.#settling = settling
    this.show()
  }

  /** Of ordered topics: what is read of the source before the target. */
  get timelines(): readonly ShownTimeline[] {
    return this.#all(({ parallel }) => parallel === undefined)
  }

  /** The source's partitions of unordered topics behind their flip, which have no end. */
  get open(): readonly ShownTimeline[] {
    if (this.#state.phase === 'source' || this.#state.phase === 'fenced') return []
    const parallel = this.#all((topic) => topic.parallel !== undefined)
    return parallel.filter(({ timeline: [{ cluster }] }) => cluster === 'source')
  }

  /** As which partition clients know it. */
  shownAs(timeline: Timeline): Pick<ShownTimeline, 'topic' | 'partition'> {
    return this.#all(() => true).find((each) => each.timeline === timeline) ?? timeline[0]
  }

  #all(which: (topic: PlannedTopic) => boolean): readonly ShownTimeline[] {
    const topics = [...this.#state.topics.values()].filter(which)
    return topics.flatMap(({ name: topic, timelines }) =>
      timelines.map((timeline, partition) => ({ topic, partition, timeline })),
    )
  }

  /** Takes up what the journal says, without a word to anybody. */
  load(): void {
    for (const entry of this.#options.journal.entries) {
      const next = apply(this.#state, entry)
      if (!next.ok) throw new Error(`the journal contradicts itself: ${next.reason}`)
      this.#state = next.state
    }
  }

  /** Makes an entry durable, then lets it take effect. One at a time. */
  append(entry: Entry): Promise<void> {
    const { journal, plane } = this.#options
    const appended = this.#appending.then(async () => {
      const next = apply(this.#state, entry)
      if (!next.ok) throw new Error(`${entry.kind}: ${next.reason}`)
      await journal.append(entry)
      const from = this.#state.phase
      this.#state = next.state
      if (from === 'fenced') this.#settling = false
      // From here on nothing keeps those who wait for the splice, but what they may have written already.
      if (entry.kind === 'splice') this.#expect(this.timelines)
      if (entry.kind === 'sequence-base') {
        const timeline = next.state.topics.get(entry.topic)?.timelines[entry.partition]
        if (timeline !== undefined) plane.bases.keep({ timeline, ...entry }, entry.base)
      }
      this.show()
      if (next.state.phase !== from) this.#tell(from, next.state.phase, entry)
    })
    this.#appending = appended.catch(() => {})
    return appended
  }

  /** Does what comes next, as far as the facts allow. @returns whether anything was done */
  async step(facts: Facts, options: StepOptions): Promise<boolean> {
    const step = nextStep(this.#state, facts, this.#options.now(), options)
    if (step.kind === 'wait') {
      this.waitingFor = step.for
      return false
    }
    await this.append(step.entry)
    this.waitingFor = []
    return true
  }

  /** Behind a restart any answer may have been lost. */
  expectRetained(): void {
    this.#expect([...this.timelines, ...this.open])
  }

  #expect(shown: readonly ShownTimeline[]): void {
    this.#options.plane.retained.expect(shown.map(({ timeline }) => timeline))
  }

  show(): void {
    const { plane } = this.#options
    const [preparing, settling] = [this.#preparing, this.#settling]
    plane.show(viewOf(this.#state, { hasTarget: true, preparing, settling }))
  }

  /** Resolves when nothing is being appended. */
  async settled(): Promise<void> {
    await this.#appending
  }

  #tell(from: Phase, to: Phase, entry: Entry): void {
    const { log, changed, now } = this.#options
    const reason = 'reason' in entry ? entry.reason : entry.kind
    log.info({ phase: to, reason }, 'the migration entered another phase')
    changed({ from, to, atMs: now(), reason })
  }
}
