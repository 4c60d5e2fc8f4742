import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { apis } from '../protocol/index.ts'
import {
  apply,
  initialState,
  nextStep,
  openSegment,
  recovered,
  standingOf,
  viewOf,
  type Entry,
  type Facts,
  type Fence,
  type MigrationState,
  type Phase,
  type Retained,
  type SequenceBaseEntry,
  type SequenceBases,
  type WantedBase,
  type View,
} from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { readFenceEnds } from './fence.ts'
import {
  administrator,
  copyOffsets,
  describeGroup,
  GroupsMover,
  listGroups,
  Tail,
  type DrainRow,
  type GroupRow,
  type Held,
  type OwnCluster,
} from './groups/index.ts'
import type { Journal } from './journal/index.ts'
import { isInternal, preflight, type Finding, type Plan, type PlanRow } from './preflight/index.ts'
import { readRetained } from './retain.ts'
import { Stragglers, type StragglerCount } from './stragglers.ts'

/** The part of the data plane that a migration acts on. */
export interface DataPlane {
  show(view: View): void
  /** Resolves when all that is being produced now is answered or has failed. */
  produced(): Promise<void>
  /** How many Fetches wait at brokers that were sent before `shortFetches`. */
  readonly longFetches: number
  /** Behind the highest offset acknowledged since the fence was prepared, by `partitionKey`. */
  readonly ackedEnds: ReadonlyMap<string, bigint>
  /** Closes the connections of those who are held. */
  endHeld(): void
  /** Clients that were offered versions which the target does not have connect anew. */
  endOutdated(): void
  readonly retained: Retained
  readonly bases: SequenceBases
  /** Requests that wait are decided anew. */
  retry(): void
  /** Whose joins are held while a group moves. */
  readonly groups: { held(group: string): Held }
  /** The lowest virtual offset of a partition that anybody has asked for lately. */
  lowestPosition(topic: string, partition: number): bigint | undefined
}

export interface MigratorOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly plane: DataPlane
  readonly journal: Journal
  /** Connections of their own to the target: a JoinGroup makes its connection wait. */
  readonly openTarget: () => OwnCluster
  /** Null is every topic. */
  readonly rows: readonly PlanRow[] | null
  readonly fenceDeadlineMs: number
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
  readonly changed: (transition: Transition) => void
  readonly groupMoved: (durationMs: number) => void
}

/** One phase gives way to another. */
export interface Transition {
  readonly from: Phase
  readonly to: Phase
  readonly atMs: number
  readonly reason: string
}

export type Started = { readonly ok: true } | { readonly ok: false; readonly error: string }

/** No client waits longer in a Fetch than this; what waits nevertheless costs its client a pause, not order. */
const longFetchWaitMs = 6_000
const allocateTimeoutMs = 15_000
const allocateRetryMs = 200
const settlePollMs = 10
const groupsPollMs = 200
const letGoRetryMs = 500
/** No client bears to be held for longer: some have socket timeouts of 10 s. */
const heldMsMax = 8_000

/**
 * Carries the migration through its phases: every step is an entry of the journal, durable before it takes
 * effect.
 *
 *     cutover -> preflight -> prepare -> fence entry -> hold -> ends agree -> splice entry -> release
 *                                             \-- deadline, abort --> abort entry -> release
 */
export class Migrator {
  readonly #options: MigratorOptions
  #state: MigrationState = initialState
  #preparing = false
  #abortReason: string | undefined
  #failure: string | null = null
  #waitingFor: readonly string[] = []
  #fenceMs: number | null = null
  readonly #groups: GroupsMover
  readonly #stragglers: Stragglers
  #appending: Promise<void> = Promise.resolve()
  #fencing: Promise<void> | undefined
  #settling: Promise<void> | undefined
  readonly #basesWanted = new Set<string>()
  #dormant: 'wait' | 'leave' = 'wait'
  #stopped = false

  constructor(options: MigratorOptions) {
    const { source, target, openTarget, plane, log, now } = options
    this.#options = options
    this.#groups = new GroupsMover({
      source,
      target,
      openTarget,
      tail: new Tail(source),
      positions: (_, topic, partition) => plane.lowestPosition(topic, partition),
      topics: () => this.#state.topics,
      standing: (group) => standingOf(this.#state, group),
      // What the journal says of a group, the routing table follows: there is nothing else to open or shut.
      gate: { begin() {}, release() {}, held: (group) => plane.groups.held(group) },
      write: (entry) => this.append(entry),
      clock: {
        now: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }),
        wallClock: now,
      },
      log,
      moved: options.groupMoved,
    })
    plane.bases.wanted = (wanted) => this.#keepBase(wanted)
    this.#stragglers = new Stragglers({
      source,
      target,
      log,
      now: () => performance.now(),
      carried: (topic, partition, { end }) =>
        this.append({ kind: 'carried', topic, partition, sourceEnd: end }),
    })
  }

  /** The groups that have to do with the plan, as operators see them. */
  get groups(): readonly GroupRow[] {
    return this.#groups.rows
  }

  /** How far each of them is in each topic. */
  get drains(): readonly DrainRow[] {
    return this.#groups.drains
  }

  /** What reached the source behind the splice; undefined while that was not looked at. */
  stragglers(topic: string, partition: number): StragglerCount | undefined {
    return this.#stragglers.of(topic, partition)
  }

  get state(): MigrationState {
    return this.#state
  }

  get waitingFor(): readonly string[] {
    return this.#waitingFor
  }

  get preparing(): boolean {
    return this.#preparing
  }

  /** Why the last cutover ended before its splice; null while none has. */
  get lastAbort(): string | null {
    return this.#failure ?? this.#state.fence?.abortReason ?? null
  }

  /** How long the last fence lasted, in ms; null before the first. */
  get fenceMs(): number | null {
    return this.#fenceMs
  }

  /** Takes up what the journal says. A fence that was never decided is aborted. */
  async start(): Promise<void> {
    const { journal, now, log } = this.#options
    for (const entry of journal.entries) {
      const next = apply(this.#state, entry)
      if (!next.ok) throw new Error(`the journal contradicts itself: ${next.reason}`)
      this.#state = next.state
    }
    for (const entry of recovered(this.#state, now())) await this.append(entry)
    const { phase } = this.#state
    if (journal.entries.length > 0) log.info({ phase }, 'the journal was read')
    const isUnderWay = phase === 'spliced' || phase === 'drained'
    if (isUnderWay) this.#options.plane.retained.expect(this.#timelines())
    for (const base of this.#state.sequenceBases) this.#showBase(base)
    this.#show()
    if (isUnderWay) void this.#resume()
    if (phase === 'target') this.#watchStragglers()
  }

  /** A migration that was under way when the sidecar stopped. */
  async #resume(): Promise<void> {
    await this.#options.source.refresh()
    await this.#retain()
    await this.#settle()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#abortReason ??= 'the sidecar stops'
    await this.#stragglers.stop()
    await this.#fencing
    await this.#settling
    await this.#appending
  }

  /** A dormant group is no longer waited for. */
  async forget(group: string): Promise<Started> {
    try {
      const entry = { kind: 'group-forgotten', group, at: this.#options.now() } as const
      const next = apply(this.#state, entry)
      if (!next.ok) throw new Error(next.reason)
      await this.#giveUp(group)
      await this.append(entry)
      return { ok: true }
    } catch (error) {
      return { ok: false, error: `forget: ${message(error)}` }
    }
  }

  /** Its offsets go to the target; what it has not read of the source is skipped. */
  async #giveUp(group: string): Promise<void> {
    const { source, target, plane } = this.#options
    const progress = this.#groups.progressOf(group)
    if (progress === undefined) throw new Error(`group ${group} is not known on the source`)
    if (progress.members > 0) throw new Error(`group ${group} has members: it moves by itself`)
    const positions = (_: string, topic: string, partition: number): bigint | undefined =>
      plane.lowestPosition(topic, partition)
    await copyOffsets(
      { source, tail: new Tail(source), positions },
      target,
      progress,
      this.#state.topics,
      administrator,
      performance.now(),
      'skip',
    )
  }

  /** Begins a cutover, unless something stands in its way; it goes on by itself. */
  async cutover({ dormant }: { readonly dormant: 'wait' | 'leave' }): Promise<Started> {
    if (this.#preparing || this.#state.phase !== 'source') {
      const now = this.#preparing ? 'has begun already' : `is in phase ${this.#state.phase}`
      return { ok: false, error: `cutover: the migration ${now}` }
    }
    this.#preparing = true
    this.#abortReason = undefined
    this.#failure = null
    this.#dormant = dormant
    try {
      const plan = await this.check()
      const blocking = plan.findings.filter(({ severity }) => severity === 'blocking')
      if (blocking.length > 0) {
        this.#preparing = false
        return { ok: false, error: blocking.map(findingText).join('\n') }
      }
      this.#fencing = this.#fenceAndSplice(plan).catch((error: unknown) => {
        this.#failure = message(error)
        this.#options.log.error({ err: error }, 'the cutover stopped before anything was held')
      })
      return { ok: true }
    } catch (error) {
      this.#preparing = false
      return { ok: false, error: `cutover: ${message(error)}; nothing was held` }
    }
  }

  abort(reason: string): Started {
    if (!this.#preparing && this.#state.phase !== 'fenced') {
      const remedy = this.#state.phase === 'source' ? 'there is no fence' : 'use rollback'
      return { ok: false, error: `abort: phase ${this.#state.phase}: ${remedy}` }
    }
    this.#abortReason = reason
    return { ok: true }
  }

  check(): Promise<Plan> {
    const { source, target, rows, now } = this.#options
    return preflight(source, target, rows, now())
  }

  /** Makes an entry durable, then lets it take effect. One at a time. */
  append(entry: Entry): Promise<void> {
    const appended = this.#appending.then(async () => {
      const next = apply(this.#state, entry)
      if (!next.ok) throw new Error(`${entry.kind}: ${next.reason}`)
      await this.#options.journal.append(entry)
      const from = this.#state.phase
      this.#state = next.state
      // From here on nothing stands between the splice and those who wait for it, but what was written twice.
      if (entry.kind === 'splice') this.#options.plane.retained.expect(this.#timelines())
      this.#show()
      if (next.state.phase !== from) this.#tell(from, next.state.phase, entry)
    })
    this.#appending = appended.catch(() => {})
    return appended
  }

  #tell(from: Phase, to: Phase, entry: Entry): void {
    const { log, changed, now } = this.#options
    const reason = 'reason' in entry ? entry.reason : entry.kind
    log.info({ phase: to, reason }, 'the migration entered another phase')
    changed({ from, to, atMs: now(), reason })
  }

  #show(): void {
    this.#options.plane.show(viewOf(this.#state, { hasTarget: true, preparing: this.#preparing }))
  }

  async #fenceAndSplice(plan: Plan): Promise<void> {
    const { now, source } = this.#options
    try {
      await this.#prepare()
      if (this.#abortReason !== undefined) {
        this.#failure = this.#abortReason
        return
      }
      const heldAt = performance.now()
      await this.append({
        kind: 'fence',
        fence: (this.#state.fence?.id ?? 0) + 1,
        at: now(),
        clusterId: source.topology.clusterId,
        everyTopic: plan.everyTopic,
        topics: plan.topics,
      })
      try {
        await this.#splice(plan)
      } catch (error) {
        this.#options.log.error({ err: error }, 'a fence could not be ended')
        await this.#letGo(`the fence failed: ${message(error)}`)
      }
      this.#fenceMs = performance.now() - heldAt
    } finally {
      this.#preparing = false
      this.#waitingFor = []
      this.#show()
    }
    if (this.#state.phase !== 'spliced') return
    await this.#retain()
    await this.#settle()
  }

  /** All that takes time, before anything is held. */
  async #prepare(): Promise<void> {
    const { plane } = this.#options
    this.#show()
    plane.endOutdated()
    await this.#allocate()
    const deadline = performance.now() + longFetchWaitMs
    while (plane.longFetches > 0 && performance.now() < deadline) {
      this.#waitingFor = [`${plane.longFetches} fetches that wait at the source`]
      if (this.#abortReason !== undefined) return
      await sleep(settlePollMs)
    }
  }

  /** A fresh cluster makes its coordinators' topics at the first request, which takes seconds. */
  async #allocate(): Promise<void> {
    const { source, target } = this.#options
    const deadline = performance.now() + allocateTimeoutMs
    for (;;) {
      this.#waitingFor = ['the target to hand out a producer id']
      const answer = await target.ask(
        apis.initProducerId,
        1,
        { transactionalId: null, transactionTimeoutMs: 60_000 },
        'any',
      )
      if (answer.errorCode === 0) break
      if (performance.now() > deadline) {
        throw new Error(`the target hands out no producer id: error ${answer.errorCode}`)
      }
      await sleep(allocateRetryMs)
    }
    for (const { group } of await listGroups(source)) await this.#findCoordinator(group, deadline)
  }

  async #findCoordinator(group: string, deadline: number): Promise<void> {
    this.#waitingFor = [`the target to name a coordinator of group ${group}`]
    for (;;) {
      try {
        await describeGroup(this.#options.target, group)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(allocateRetryMs)
      }
    }
  }

  /** Holds until every end is agreed, or the fence has stood for too long. */
  async #splice(plan: Plan): Promise<void> {
    const { plane, source, target, now } = this.#options
    let facts: Facts = {}
    plane.produced().then(
      () => (facts = { ...facts, quiesced: true, ackedEnds: plane.ackedEnds }),
      () => {},
    )
    while (this.#state.phase === 'fenced') {
      if (this.#abortReason !== undefined) {
        const { id: fence } = this.#state.fence as Fence
        await this.append({ kind: 'abort', fence, at: now(), reason: this.#abortReason })
        return
      }
      if (facts.quiesced === true) {
        try {
          if (plan.everyTopic) await this.#bounded(source.refresh())
          const newcomer = plan.everyTopic ? newTopic(source, plan) : undefined
          if (newcomer !== undefined) {
            this.#abortReason ??= `topic ${newcomer} was created meanwhile: run cutover again`
            continue
          }
          const ends = await this.#bounded(readFenceEnds(source, target, plan.topics))
          facts = { ...facts, ...ends, blockers: [] }
        } catch (error) {
          facts = { ...facts, blockers: [`a cluster that answers: ${message(error)}`] }
          await this.#bounded(Promise.all([source.refresh(), target.refresh()])).catch(() => {})
        }
      }
      if (!(await this.#step(facts))) await sleep(settlePollMs)
    }
  }

  /**
   * Ends a fence whose journal cannot be written: until it can, nobody may believe either outcome, so that
   * clients are sent away rather than left to wait for longer than they can.
   */
  async #letGo(reason: string): Promise<void> {
    const { plane, now } = this.#options
    while (this.#state.phase === 'fenced') {
      const { id: fence, at } = this.#state.fence as Fence
      try {
        await this.append({ kind: 'abort', fence, at: now(), reason })
      } catch {
        if (now() - at > heldMsMax) plane.endHeld()
        await sleep(letGoRetryMs)
      }
    }
  }

  /** A cluster that does not answer must not outlast the fence. */
  async #bounded<T>(work: Promise<T>): Promise<T> {
    const timer = new AbortController()
    const { fenceDeadlineMs, now } = this.#options
    const left = (this.#state.fence?.at ?? now()) + fenceDeadlineMs - now()
    const late = sleep(Math.max(1, left), undefined, timer).then(() => {
      throw new Error('it did not answer in time')
    })
    late.catch(() => {})
    try {
      return await Promise.race([work, late])
    } finally {
      timer.abort()
    }
  }

  /** Does what comes next, as far as the facts allow. @returns whether anything was done */
  async #step(facts: Facts): Promise<boolean> {
    const { fenceDeadlineMs, now } = this.#options
    const step = nextStep(this.#state, facts, now(), { fenceDeadlineMs, dormant: this.#dormant })
    if (step.kind === 'wait') {
      this.#waitingFor = step.for
      return false
    }
    await this.append(step.entry)
    this.#waitingFor = []
    return true
  }

  /** Behind the splice: each group moves when it is drained; when all have, the source is not needed. */
  async #settle(): Promise<void> {
    if (this.#settling !== undefined) return this.#settling
    this.#settling = this.#settleLoop()
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'the migration stands still')
      })
      .finally(() => (this.#settling = undefined))
    return this.#settling
  }

  async #settleLoop(): Promise<void> {
    this.#watchStragglers()
    while (!this.#stopped && (this.#state.phase === 'spliced' || this.#state.phase === 'drained')) {
      let facts: Facts = {}
      try {
        await this.#groups.tick()
        facts = {
          groups: this.#groups.facts,
          blockers: [...this.#groups.blockers, ...this.#slowReaders()],
        }
      } catch (error) {
        facts = { blockers: [`the source to tell of its groups: ${message(error)}`] }
      }
      if (!(await this.#step(facts))) await sleep(groupsPollMs)
    }
    await this.#groups.settled()
  }

  /** A producer's first batch waits until its base is in the journal. */
  #keepBase({ timeline, producerId, producerEpoch, base }: WantedBase): void {
    const { partition } = timeline[0]
    const topic = timeline[0].topic
    const key = `${topic} ${partition} ${producerId} ${producerEpoch}`
    if (this.#basesWanted.has(key)) return
    this.#basesWanted.add(key)
    const entry = {
      kind: 'sequence-base',
      topic,
      partition,
      producerId,
      producerEpoch,
      base,
    } as const
    this.append(entry)
      .then(() => {
        this.#showBase(entry)
        this.#options.plane.retry()
      })
      .catch((error: unknown) => {
        this.#options.log.error(
          { topic, partition, err: error },
          'a producer waits for the journal',
        )
      })
      .finally(() => this.#basesWanted.delete(key))
  }

  #showBase({ topic, partition, producerId, producerEpoch, base }: SequenceBaseEntry): void {
    const timeline = this.#state.topics.get(topic)?.timelines[partition]
    if (timeline === undefined) return
    this.#options.plane.bases.keep({ timeline, producerId, producerEpoch }, base)
  }

  #watchStragglers(): void {
    this.#stragglers.watch(() =>
      [...this.#state.topics.values()].flatMap(({ name: topic, timelines }) =>
        timelines.map((timeline) => ({ topic, timeline })),
      ),
    )
  }

  /** Who reads without a group is not seen by the groups' offsets: only by what is asked for. */
  #slowReaders(): readonly string[] {
    const behind: string[] = []
    for (const { name, timelines } of this.#state.topics.values()) {
      for (const [partition, timeline] of timelines.entries()) {
        const position = this.#options.plane.lowestPosition(name, partition)
        if (position === undefined || position >= openSegment(timeline).virtualStart) continue
        behind.push(
          `a reader of ${name}-${partition}: it is at offset ${position}, the source ends at ${openSegment(timeline).virtualStart}`,
        )
      }
    }
    return behind
  }

  #timelines() {
    const view = viewOf(this.#state, { hasTarget: true, preparing: false })
    return [...view.topics.values()].flatMap(({ timelines }) => timelines)
  }

  /** Reads what the source holds of producers that may send it again; meanwhile their batches wait. */
  async #retain(): Promise<void> {
    const { plane, source, now, log } = this.#options
    await Promise.all(
      this.#timelines().map(async (timeline) => {
        const closed = timeline.findLast((segment) => segment.end !== null)
        try {
          plane.retained.keep(
            timeline,
            closed === undefined ? [] : await readRetained(source, closed, now()),
          )
        } catch (error) {
          plane.retained.keep(timeline, [])
          log.warn(
            { topic: closed?.topic, partition: closed?.partition, err: message(error) },
            'the end of the source could not be read: a batch whose answer was lost may be written twice',
          )
        }
      }),
    )
    plane.retry()
  }
}

/** A topic that was created after the plan was made. */
function newTopic(source: Cluster, plan: Plan): string | undefined {
  const planned = new Set(plan.topics.map(({ name }) => name))
  return [...source.topology.topics.keys()].find((name) => !isInternal(name) && !planned.has(name))
}

export const findingText = ({ subject, problem, evidence, remedy }: Finding): string =>
  `${subject}: ${problem} (${evidence}); ${remedy}`

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
