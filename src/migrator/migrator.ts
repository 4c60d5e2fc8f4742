import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import {
  recovered,
  standingOf,
  type Facts,
  type MigrationState,
  type Phase,
} from '../router/index.ts'
import { Attempts } from './attempts.ts'
import type { Cluster } from './cluster.ts'
import type { DataPlane } from './data-plane.ts'
import { forgetGroup } from './forget.ts'
import {
  GroupsMover,
  Tail,
  type DrainRow,
  type GroupRow,
  type OpenEnd,
  type OpenEnds,
  type OwnCluster,
  type PlannedTopics,
} from './groups/index.ts'
import type { Journal } from './journal/index.ts'
import {
  findReaders,
  preflight,
  type Finding,
  type Mode,
  type Plan,
  type PlanRow,
} from './preflight/index.ts'
import { Producers } from './producers.ts'
import { latePaths } from './late-paths.ts'
import { positionOf, slowReaders } from './readers.ts'
import { ReadEnds } from './read-ends.ts'
import { MigrationRecord, type Transition } from './record.ts'
import { late, needed } from './source-writes.ts'
import { Stragglers, type StragglerCount } from './stragglers.ts'

export interface MigratorOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly plane: DataPlane
  readonly journal: Journal
  /** Connections of their own to the target: a JoinGroup makes its connection wait. */
  readonly openTarget: () => OwnCluster
  /** Null is every topic. */
  readonly rows: readonly PlanRow[] | null
  /** Of every topic, where there are no rows. */
  readonly mode: Mode
  readonly fenceDeadlineMs: number
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
  readonly changed: (transition: Transition) => void
  readonly groupMoved: (durationMs: number) => void
}

export type Started = { readonly ok: true } | { readonly ok: false; readonly error: string }

const groupsPollMs = 200
/** How often groups are looked for that were left on the source. */
const returnPollMs = 1_000

/**
 * Carries the migration through its phases: `Fencing` up to the splice, then each group by itself, until the
 * source is not needed. Every step is an entry of the journal.
 */
export class Migrator {
  readonly #options: MigratorOptions
  readonly #record: MigrationRecord
  readonly #groups: GroupsMover
  readonly #producers: Producers
  readonly #stragglers: Stragglers
  readonly #tail: Tail
  readonly #readEnds: ReadEnds
  /** The last command's attempts to splice. */
  #attempts: Attempts | undefined
  #failure: string | null = null
  #running: Promise<void> | undefined
  #dormant: 'wait' | 'leave' = 'wait'
  #stopped = false

  constructor(options: MigratorOptions) {
    const { source, target, openTarget, plane, log, now } = options
    this.#options = options
    this.#record = new MigrationRecord(options)
    const clock = {
      now: () => performance.now(),
      sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
      wallClock: now,
    }
    this.#tail = new Tail(source)
    this.#readEnds = new ReadEnds(source)
    this.#producers = new Producers({ ...options, record: this.#record, clock })
    this.#groups = new GroupsMover({
      source,
      target,
      openTarget,
      tail: this.#tail,
      positions: (...at) => positionOf(this.#groups, plane, ...at),
      topics: () => this.state.topics,
      standing: (group) => standingOf(this.state, group),
      // What the journal says of a group, the routing table follows: there is nothing else to open or shut.
      gate: { begin() {}, release() {}, held: (group) => plane.groups.held(group) },
      write: (entry) => this.#record.append(entry),
      clock,
      log,
      moved: options.groupMoved,
    })
    this.#stragglers = new Stragglers({
      source,
      target,
      log,
      bases: plane.bases,
      clock,
      carried: (topic, partition, { end: sourceEnd }) =>
        this.#record.append({ kind: 'carried', topic, partition, sourceEnd }),
      // Before, the groups' mover looks.
      alsoLook: async () => {
        const { phase, topics } = this.state
        if (phase === 'target') await this.#tail.ends.look(topics, clock.now())
      },
    })
  }

  get state(): MigrationState {
    return this.#record.state
  }

  get waitingFor(): readonly string[] {
    return [
      ...this.#record.waitingFor,
      ...(this.state.phase === 'target' ? this.#sourceWrites(late) : []),
    ]
  }

  get preparing(): boolean {
    return this.#record.preparing
  }

  /** The groups that have to do with the plan, as operators see them. */
  get groups(): readonly GroupRow[] {
    const seen = this.#groups.rows
    const names = new Set(seen.map(({ group }) => group))
    // What was settled before a restart, nobody looks at any more.
    const settled = [...this.state.groups].flatMap(([group, standing]) => {
      const isSettled = standing === 'moved' || standing === 'forgotten'
      return isSettled && !names.has(group) ? [settledRow(group, standing)] : []
    })
    return [...seen, ...settled]
  }

  /** How far each of them is in each topic. */
  get drains(): readonly DrainRow[] {
    return this.#groups.drains
  }

  /** What reached the source behind the splice; undefined while that was not looked at. */
  stragglers(topic: string, partition: number): StragglerCount | undefined {
    const seen = this.sourceEnd(topic, partition)
    if (seen === undefined) return this.#stragglers.of(topic, partition)
    return { count: Number(seen.written), ratePerSecond: seen.ratePerSecond }
  }

  /** Where a partition of the source ends now, of an unordered topic. */
  sourceEnd(topic: string, partition: number): OpenEnd | undefined {
    return this.#tail.ends.of(topic, partition)
  }

  /** Why the last cutover ended before its splice; null while none has. */
  get lastAbort(): string | null {
    return this.#failure ?? this.state.fence?.abortReason ?? null
  }

  /** How long the last fence lasted, in ms; null before the first. */
  get fenceMs(): number | null {
    return this.#attempts?.heldMs ?? null
  }

  /** Takes up what the journal says. A fence that was never decided is aborted. */
  async start(): Promise<void> {
    const { journal, now, log } = this.#options
    this.#record.load()
    for (const entry of recovered(this.state, now())) await this.#record.append(entry)
    await this.#groups.recover(journal.entries)
    const { phase } = this.state
    if (journal.entries.length > 0) log.info({ phase }, 'the journal was read')
    this.#producers.load()
    const { mayRepeat } = this.#producers
    if (mayRepeat) this.#record.expectRetained()
    this.#record.show()
    if (phase !== 'source') this.#running = this.#settle({ restarted: true, mayRepeat })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#attempts?.abort('the sidecar stops')
    await this.#stragglers.stop()
    await this.#running
    await this.#record.settled()
  }

  /** Looks at both clusters, and at who is connected here; changes nothing. */
  async check(): Promise<Plan> {
    const { source, target, plane, rows, mode, now } = this.#options
    const plan = await preflight(source, target, rows, now(), mode)
    const readers = await findReaders(source, plane.reading, plan.topics)
    return { ...plan, findings: [...plan.findings, ...readers] }
  }

  /** Begins a cutover, unless something stands in its way; it goes on by itself. */
  async cutover({ dormant }: { readonly dormant: 'wait' | 'leave' }): Promise<Started> {
    const { preparing, state } = this.#record
    if (preparing || state.phase !== 'source') {
      const now = state.phase === 'source' ? 'is being prepared' : underWay[state.phase]
      return { ok: false, error: `cutover: one ${now}` }
    }
    this.#failure = null
    this.#dormant = dormant
    const { fenceDeadlineMs: deadlineMs } = this.#options
    const attempts = new Attempts({
      ...{ ...this.#options, deadlineMs, record: this.#record },
      look: () => this.#unblockedPlan(),
      foresee: (topics) => this.#producers.foresee(topics),
      foreseeMore: (topics) => this.#producers.foreseeMore(topics),
    })
    this.#attempts = attempts
    this.#record.prepare(true)
    try {
      this.#running = this.#run(attempts, await this.#unblockedPlan())
      return { ok: true }
    } catch (error) {
      this.#record.prepare(false)
      return { ok: false, error: `cutover: ${messageOf(error)}; nothing was held` }
    }
  }

  /** Rejects with what stands in the way. */
  async #unblockedPlan(): Promise<Plan> {
    const plan = await this.check()
    const blocking = plan.findings.filter(({ severity }) => severity === 'blocking')
    if (blocking.length > 0) throw new Error(blocking.map(findingText).join('\n'))
    return plan
  }

  /** Ends a fence, or what prepares one. */
  abort(reason: string): Started {
    const { preparing, state } = this.#record
    if (!preparing && state.phase !== 'fenced') {
      const why =
        state.phase === 'source'
          ? 'there is no fence, and none is being prepared'
          : 'records are on the target already; only rollback leads back'
      return { ok: false, error: `abort: ${why}` }
    }
    this.#attempts?.abort(reason)
    return { ok: true }
  }

  /** A dormant group is no longer waited for. */
  async forget(group: string): Promise<Started> {
    const progress = this.#groups.progressOf(group)
    try {
      await forgetGroup(group, { ...this.#options, record: this.#record, progress })
      return { ok: true }
    } catch (error) {
      return { ok: false, error: `forget: ${messageOf(error)}` }
    }
  }

  async #run(attempts: Attempts, plan: Plan): Promise<void> {
    const { log } = this.#options
    try {
      await attempts.run(plan)
    } catch (error) {
      this.#failure = messageOf(error)
      log.warn({ reason: this.#failure }, 'a cutover ended before its splice')
    } finally {
      this.#record.waitingFor = []
      this.#record.prepare(false)
    }
    if (this.state.phase !== 'spliced') return
    const inFlight = this.#producers.retainInFlight()
    inFlight.catch((err: unknown) =>
      log.warn({ err }, 'what was in flight at the flip is not known'),
    )
    await this.#settle({ restarted: false, mayRepeat: true })
  }

  /** Behind the splice: each group moves when it is drained; when all have, the source is not needed. */
  async #settle({ restarted, mayRepeat }: Behind): Promise<void> {
    const { source, log, fenceDeadlineMs } = this.#options
    try {
      // Behind a restart nobody has asked yet; behind a fence, producers wait for what comes next.
      if (mayRepeat) {
        if (source.topology.topics.size === 0) await source.refresh()
        await this.#producers.retain({ restarted })
      }
      this.#stragglers.watch(() => latePaths(this.state))
      while (!this.#stopped && this.#isUnderWay) {
        const facts = await this.#groupFacts()
        const options = { fenceDeadlineMs, dormant: this.#dormant }
        if (!(await this.#record.step(facts, options))) await sleep(groupsPollMs)
      }
      while (!this.#stopped && this.#mayReturn) {
        await this.#groups.tick().catch(() => {})
        await sleep(returnPollMs)
      }
      await this.#groups.settled()
    } catch (err) {
      log.error({ err }, 'the migration stands still')
    }
  }

  get #isUnderWay(): boolean {
    return this.state.phase === 'spliced' || this.state.phase === 'drained'
  }

  /** Whether groups may come back to the source, or begin there, that move when they are drained. */
  get #mayReturn(): boolean {
    const { phase, everyTopic, groups } = this.state
    return phase === 'target' && (!everyTopic || [...groups.values()].includes('left'))
  }

  #sourceWrites(tell: (ends: OpenEnds, topics: PlannedTopics, nowMs: number) => readonly string[]) {
    return tell(this.#tail.ends, this.state.topics, performance.now())
  }

  async #groupFacts(): Promise<Facts> {
    try {
      await this.#groups.tick()
      const slow = slowReaders(this.#options.plane, this.#record.timelines)
      const blockers = [...this.#groups.blockers, ...slow, ...this.#sourceWrites(needed)]
      const read = await this.#readEnds.of(this.state, this.#tail.ends)
      return { groups: this.#groups.facts, blockers, read }
    } catch (error) {
      return { blockers: [`the source to tell of its groups: ${messageOf(error)}`] }
    }
  }
}

/** How the sidecar got behind the splice, and whether producers may send again what the source holds. */
interface Behind {
  readonly restarted: boolean
  readonly mayRepeat: boolean
}

/** Of a cutover, why no other can begin. */
const underWay: Readonly<Record<Exclude<Phase, 'source'>, string>> = {
  fenced: 'is under way, and holds what is produced',
  spliced: 'is under way, and waits for groups; kafka-cutover status says for which',
  drained: 'is under way, and moves groups; kafka-cutover status says which',
  target: 'is done: everything of the plan is on the target',
}

const settledRow = (group: string, state: 'moved' | 'forgotten'): GroupRow => ({
  group,
  state,
  members: null,
  remaining: 0,
  ratePerSecond: null,
  etaSeconds: 0,
})

export const findingText = ({ subject, problem, evidence, remedy }: Finding): string =>
  `${subject}: ${problem} (${evidence}); ${remedy}`
