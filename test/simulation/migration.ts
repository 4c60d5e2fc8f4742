import { MigrationRecord } from '../../src/migrator/record.ts'
import { readFenceEnds } from '../../src/migrator/fence.ts'
import { GroupsMover, Tail } from '../../src/migrator/groups/index.ts'
import { Producers } from '../../src/migrator/producers.ts'
import { giveStarts, readStarts } from '../../src/migrator/positions.ts'
import { isUnordered, type TopicPlan } from '../../src/migrator/preflight/index.ts'
import { positionOf, slowReaders } from '../../src/migrator/readers.ts'
import { needed } from '../../src/migrator/source-writes.ts'
import { latePaths } from '../../src/migrator/late-paths.ts'
import { Stragglers } from '../../src/migrator/stragglers.ts'
import { recovered, standingOf, type Facts, type StartedPartition } from '../../src/router/index.ts'
import type { Incarnation } from './incarnation.ts'

const pollMs = 10
const groupsPollMs = 200
const longFetchWaitMs = 6_000

/** How the sidecar got behind the splice, and whether producers may send again what the source holds. */
interface Behind {
  readonly restarted: boolean
  readonly mayRepeat: boolean
}

/** What src/migrator/migrator.ts and fencing.ts do, in their order, under the run's clock. */
export class Migration {
  readonly record: MigrationRecord
  readonly #owner: Incarnation
  readonly #groups: GroupsMover
  readonly #producers: Producers
  readonly #stragglers: Stragglers
  readonly #tail: Tail
  readonly #plan: readonly TopicPlan[]
  readonly #ordered: readonly TopicPlan[]
  #abortReason: string | undefined
  /** What broke the migration for good; undefined while nothing did. */
  broken: unknown

  constructor(owner: Incarnation) {
    this.#owner = owner
    this.#plan = owner.options.topics.map(({ mode, names, partitions }) => ({
      name: names.source,
      targetName: names.target,
      topicId: null,
      partitions: partitions.source,
      ...(mode === 'unordered' ? { targetPartitions: partitions.target } : {}),
    }))
    this.#ordered = this.#plan.filter((topic) => !isUnordered(topic))
    const { scheduler, log, doors } = owner
    const { source, target } = doors
    const now = scheduler.wallClock
    const changed = () => {}
    this.record = new MigrationRecord({ journal: owner.journal(), plane: owner, log, now, changed })
    const clock = {
      now: scheduler.now,
      sleep: (ms: number, signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const give = () => reject(new Error('aborted'))
          if (signal.aborted) return give()
          signal.addEventListener('abort', give, { once: true })
          void owner.sleep(ms).then(resolve)
        }),
      wallClock: now,
    }
    const { record } = this
    this.#tail = new Tail(source)
    this.#producers = new Producers({ source, plane: owner, record, log, now, clock })
    this.#groups = new GroupsMover({
      source,
      target,
      openTarget: () => doors.target.opened(),
      tail: this.#tail,
      positions: (...at) => positionOf(this.#groups, owner, ...at),
      topics: () => this.record.state.topics,
      standing: (group) => standingOf(this.record.state, group),
      gate: { begin() {}, release() {}, held: (group) => owner.groups.held(group) },
      write: (entry) => this.record.append(entry),
      clock,
      log,
    })
    this.#stragglers = new Stragglers({
      source,
      target,
      log,
      bases: owner.bases,
      clock,
      carried: (topic, partition, { end: sourceEnd }) =>
        this.record.append({ kind: 'carried', topic, partition, sourceEnd }),
    })
  }

  /** `Migrator.start` */
  async start(): Promise<void> {
    this.record.load()
    const now = this.#owner.scheduler.wallClock()
    for (const entry of recovered(this.record.state, now)) await this.record.append(entry)
    await this.#groups.recover(this.#owner.options.entries)
    this.#producers.load()
    const { mayRepeat } = this.#producers
    if (mayRepeat) this.record.expectRetained()
    this.record.show()
    if (this.record.state.phase !== 'source') void this.#settle({ restarted: true, mayRepeat })
  }

  /** `Migrator.cutover`, then `Fencing.run` */
  async cutover(deadlineMs: number): Promise<void> {
    if (this.record.preparing || this.record.state.phase !== 'source') return
    this.#abortReason = undefined
    this.record.prepare(true)
    try {
      await this.#fence(deadlineMs)
    } catch (error) {
      this.broken = error
    }
    this.record.prepare(false)
    if (!this.#isUnderWay) return
    this.#producers.retainInFlight().catch(() => {})
    await this.#settle({ restarted: false, mayRepeat: true })
  }

  get #isUnderWay(): boolean {
    const { phase } = this.record.state
    return phase === 'spliced' || phase === 'drained'
  }

  abort(reason: string): void {
    this.#abortReason ??= reason
  }

  async #fence(deadlineMs: number): Promise<void> {
    const owner = this.#owner
    const { scheduler } = owner
    const deadline = scheduler.now() + longFetchWaitMs
    while (this.#ordered.length > 0 && owner.longFetches > 0 && scheduler.now() < deadline)
      await owner.sleep(pollMs)
    const starts = await this.#begin()
    await this.#producers.foresee(this.#plan).catch(() => {})
    const entry = {
      fence: (this.record.state.fence?.id ?? 0) + 1,
      at: scheduler.wallClock(),
      clusterId: 'source',
      everyTopic: true,
      topics: this.#plan,
    }
    if (this.#ordered.length === 0) return this.record.append({ kind: 'flip', ...entry, starts })
    await this.record.append({ kind: 'fence', ...entry })
    let facts: Facts = starts.length > 0 ? { starts } : {}
    void owner.produced().then((isResolved) => {
      if (!isResolved)
        this.#abortReason ??= 'what was being produced was refused for now, or cut off'
      facts = { ...facts, quiesced: true, ackedEnds: owner.ackedEnds }
    })
    const options = { fenceDeadlineMs: deadlineMs, dormant: 'wait' } as const
    while (this.record.state.phase === 'fenced') {
      if (facts.quiesced === true) facts = { ...facts, ...(await this.#ends()) }
      if (this.record.mayBeSpliced(facts, options)) {
        this.record.settle(true)
        facts = { ...facts, ...(await this.#ends()) }
      }
      const { fence } = this.record.state
      if (this.#abortReason !== undefined && fence !== null) {
        const at = scheduler.wallClock()
        await this.record.append({ kind: 'abort', fence: fence.id, at, reason: this.#abortReason })
        return
      }
      if (await this.record.step(facts, options)) continue
      this.record.settle(false)
      await owner.sleep(pollMs)
    }
  }

  /** `Fencing.#ends` */
  async #ends(): Promise<Facts> {
    const { source, target } = this.#owner.doors
    try {
      await source.refresh()
      const [ends] = await Promise.all([
        readFenceEnds(source, target, this.#ordered),
        this.#foreseeMore(),
      ])
      return { ...ends, blockers: [] }
    } catch (error) {
      await Promise.all([source.refresh(), target.refresh()])
      return { blockers: [String(error)] }
    }
  }

  /** `Fencing.#foreseeMore` */
  async #foreseeMore(): Promise<void> {
    const topics = this.#plan.filter(isUnordered)
    if (topics.length > 0) await this.#producers.foreseeMore(topics).catch(() => {})
  }

  /** `Fencing.#begin`: T0, which every group of an unordered topic has on the target before it is shown. */
  async #begin(): Promise<readonly StartedPartition[]> {
    const topics = this.#plan.filter(isUnordered)
    if (topics.length === 0) return []
    const { source, target } = this.#owner.doors
    const starts = await readStarts(target, topics)
    // A group that rebalances is taken for one that reads everything: it would be waited for by the wall's clock.
    await giveStarts({ source, target, topics, starts, patienceMs: 0 })
    return starts
  }

  /** `Migrator.#settle` */
  async #settle({ restarted, mayRepeat }: Behind): Promise<void> {
    const owner = this.#owner
    try {
      if (mayRepeat) await this.#producers.retain({ restarted })
      this.#stragglers.watch(() => latePaths(this.record.state))
      while (this.#isUnderWay) {
        const facts = await this.#groupFacts()
        const options = { fenceDeadlineMs: 5_000, dormant: 'wait' } as const
        if (!(await this.record.step(facts, options))) await owner.sleep(groupsPollMs)
      }
      await this.#groups.settled()
    } catch (error) {
      this.broken = error
      owner.scheduler.note(`the migration stands still: ${String(error)}`)
    }
  }

  async #groupFacts(): Promise<Facts> {
    try {
      await this.#groups.tick()
      return {
        groups: this.#groups.facts,
        blockers: [
          ...this.#groups.blockers,
          ...slowReaders(this.#owner, this.record.timelines),
          ...needed(this.#tail.ends, this.record.state.topics, this.#owner.scheduler.now()),
        ],
      }
    } catch (error) {
      return { blockers: [`the source to tell of its groups: ${String(error)}`] }
    }
  }
}
