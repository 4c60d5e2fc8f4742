import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Facts, Fence, StartedPartition } from '../router/index.ts'
import { allocate } from './allocation.ts'
import type { Cluster } from './cluster.ts'
import type { DataPlane } from './data-plane.ts'
import { readFenceEnds } from './fence.ts'
import { giveStarts, readStarts } from './positions.ts'
import { isInternal, isUnordered, type Plan, type TopicPlan } from './preflight/index.ts'
import type { MigrationRecord } from './record.ts'
import { within } from './within.ts'

/** No client waits longer in a Fetch than this; what waits nevertheless costs its client a pause, not order. */
const longFetchWaitMs = 6_000
const pollMs = 10
const letGoRetryMs = 500
/** How long it is waited for every partition to have a leader that answers, before anything is held. */
const settleMsMax = 15_000
/** The next look asks anew. */
const settleLookMsMax = 5_000
const settleRetryMs = 200
/** How long a fence waits for what has come of unordered topics since. */
const foreseeMoreMsMax = 200
/** No client bears to be held for longer: some have socket timeouts of 10 s. */
const heldMsMax = 8_000

export interface FencingOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly plane: DataPlane
  readonly record: MigrationRecord
  /** Reads what producers would otherwise wait for behind the splice. */
  readonly foresee: (topics: readonly TopicPlan[]) => Promise<void>
  /** What has come of it since. */
  readonly foreseeMore: (topics: readonly TopicPlan[]) => Promise<void>
  readonly deadlineMs: number
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
}

/**
 * One attempt to splice: everything that takes time first, then the fence, then its outcome.
 *
 *     prepare -> fence entry -> held -> produced -> ends agree -> readers wait, ends again -> splice entry
 *        \            \-- deadline, operator, a cluster that fails -> abort entry
 *         \-- aborted before anything was held
 *
 * Nothing is held of unordered topics: a plan that has no others goes from `prepare` to its flip entry.
 */
export class Fencing {
  readonly #options: FencingOptions
  #abortReason: string | undefined
  /** Whether another attempt may end otherwise. */
  #isOpen = true
  #heldMs: number | null = null

  constructor(options: FencingOptions) {
    this.#options = options
  }

  /** How long producers were held, in ms; null while they were not. */
  get heldMs(): number | null {
    return this.#heldMs
  }

  /** Somebody wants it to end, and no other to begin. */
  abort(reason: string): void {
    this.#isOpen = false
    this.#giveUp(reason)
  }

  #giveUp(reason: string): void {
    this.#abortReason ??= reason
  }

  /**
   * The record's phase tells the outcome.
   * @returns whether it was aborted by what may be over at the next attempt
   * @throws where it ended before it held anything
   */
  async run(plan: Plan): Promise<boolean> {
    const { record, source, now, log } = this.#options
    const starts = await this.#prepare(plan)
    const heldAt = performance.now()
    const facts = {
      fence: (record.state.fence?.id ?? 0) + 1,
      at: now(),
      clusterId: source.topology.clusterId,
      everyTopic: plan.everyTopic,
      topics: plan.topics,
    }
    if (plan.topics.length > 0 && plan.topics.every(isUnordered)) {
      await record.append({ kind: 'flip', ...facts, starts })
      return false
    }
    await record.append({ kind: 'fence', ...facts })
    try {
      await this.#splice(plan, starts)
    } catch (err) {
      log.error({ err }, 'a fence could not be ended')
      this.#isOpen = false
      await this.#letGo(`the fence failed: ${messageOf(err)}`)
    } finally {
      this.#heldMs = performance.now() - heldAt
    }
    return this.#isOpen && record.state.phase === 'source'
  }

  /** @returns T0 of the unordered topics, which their groups have been given */
  async #prepare(plan: Plan): Promise<readonly StartedPartition[]> {
    const { plane, record, source, target } = this.#options
    const ordered = orderedOf(plan)
    plane.endOutdated()
    await allocate(source, target, (what) => {
      this.#throwIfAborted()
      record.waitingFor = [what]
    })
    const deadline = performance.now() + longFetchWaitMs
    while (ordered.length > 0 && plane.longFetches > 0 && performance.now() < deadline) {
      record.waitingFor = [`${plane.longFetches} fetches that wait at the source`]
      this.#throwIfAborted()
      await sleep(pollMs)
    }
    await this.#settled(plan)
    const starts = await this.#begin(plan)
    if (plan.topics.length > 0) {
      record.waitingFor = ['the end of the source to be read: what producers may send again']
      await this.#options.foresee(plan.topics).catch(() => {})
    }
    this.#throwIfAborted()
    return starts
  }

  /** Every group of an unordered topic has a position on the target before anybody sees its partitions. */
  async #begin(plan: Plan): Promise<readonly StartedPartition[]> {
    const { source, target, record } = this.#options
    const topics = plan.topics.filter(isUnordered)
    if (topics.length === 0) return []
    record.waitingFor = ['the groups of unordered topics to be given their positions on the target']
    const starts = await readStarts(target, topics)
    await giveStarts({ source, target, topics, starts })
    if (!plan.everyTopic) return starts
    await source.refresh()
    const newcomer = newTopic(source, plan)
    if (newcomer === undefined) return starts
    throw new CutoverError('upstream_invalid', `topic ${newcomer} was created meanwhile`)
  }

  /** While a broker is away no fence can end: what it leads has no end, or no leader. */
  async #settled(plan: Plan): Promise<void> {
    const { source, target, record } = this.#options
    const look = () =>
      Promise.all([
        readFenceEnds(source, target, orderedOf(plan)),
        readStarts(target, plan.topics.filter(isUnordered)),
      ])
    const deadline = performance.now() + settleMsMax
    for (;;) {
      try {
        await within(settleLookMsMax, look())
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
        record.waitingFor = [`every leader to answer: ${messageOf(error)}`]
        this.#throwIfAborted()
        await sleep(settleRetryMs)
        await Promise.all([source.refresh(), target.refresh()])
      }
    }
  }

  #throwIfAborted(): void {
    if (this.#abortReason !== undefined) throw new Error(this.#abortReason)
  }

  /** Holds until every end is agreed, or the fence has stood for too long. */
  async #splice(plan: Plan, starts: readonly StartedPartition[]): Promise<void> {
    const { plane, record, now, deadlineMs } = this.#options
    let facts: Facts = { starts }
    plane.produced().then(
      (isResolved) => {
        // Its retry comes behind what is held on the same connection: only the source can put it in order.
        if (!isResolved) this.#giveUp('what was being produced was refused for now, or cut off')
        facts = { ...facts, quiesced: true, ackedEnds: plane.ackedEnds }
      },
      () => {},
    )
    while (record.state.phase === 'fenced') {
      const options = { fenceDeadlineMs: deadlineMs, dormant: 'wait' } as const
      if (facts.quiesced === true) facts = { ...facts, ...(await this.#ends(plan)) }
      if (record.mayBeSpliced(facts, options)) {
        // What somebody who knows no sidecar writes from here on, nobody is given before it is known where it lies.
        record.settle(true)
        facts = { ...facts, ...(await this.#ends(plan)) }
      }
      if (this.#abortReason !== undefined) {
        const { id: fence } = record.state.fence as Fence
        await record.append({ kind: 'abort', fence, at: now(), reason: this.#abortReason })
        return
      }
      if (await record.step(facts, options)) continue
      record.settle(false)
      await sleep(pollMs)
    }
    // Its deadline came: for how long producers may be held is the operator's to say, once.
    if (record.state.phase === 'source') this.#isOpen = false
  }

  async #ends(plan: Plan): Promise<Facts> {
    const { source, target } = this.#options
    try {
      if (plan.everyTopic) await this.#bounded(source.refresh())
      const newcomer = plan.everyTopic ? newTopic(source, plan) : undefined
      if (newcomer !== undefined) {
        this.#giveUp(`topic ${newcomer} was created meanwhile`)
        return {}
      }
      const [ends] = await this.#bounded(
        Promise.all([readFenceEnds(source, target, orderedOf(plan)), this.#foreseeMore(plan)]),
      )
      return { ...ends, blockers: [] }
    } catch (error) {
      await this.#bounded(Promise.all([source.refresh(), target.refresh()])).catch(() => {})
      return { blockers: [`a cluster that answers: ${messageOf(error)}`] }
    }
  }

  /** A batch of an unordered topic whose answer is lost while a fence is up is on the source, too. */
  async #foreseeMore(plan: Plan): Promise<void> {
    const topics = plan.topics.filter(isUnordered)
    if (topics.length === 0) return
    await within(foreseeMoreMsMax, this.#options.foreseeMore(topics)).catch(() => {})
  }

  /**
   * Ends a fence whose journal cannot be written: until it can, nobody may believe either outcome, so that
   * clients are sent away rather than left to wait for longer than they can.
   */
  async #letGo(reason: string): Promise<void> {
    const { plane, record, now } = this.#options
    while (record.state.phase === 'fenced') {
      const { id: fence, at } = record.state.fence as Fence
      try {
        await record.append({ kind: 'abort', fence, at: now(), reason })
      } catch {
        if (now() - at > heldMsMax) plane.endHeld()
        await sleep(letGoRetryMs)
      }
    }
  }

  /** A cluster that does not answer must not outlast the fence. */
  #bounded<T>(work: Promise<T>): Promise<T> {
    const { record, deadlineMs, now } = this.#options
    return within((record.state.fence?.at ?? now()) + deadlineMs - now(), work)
  }
}

const orderedOf = ({ topics }: Plan): readonly TopicPlan[] =>
  topics.filter((topic) => !isUnordered(topic))

/** A topic that was created after the plan was made. */
function newTopic(source: Cluster, plan: Plan): string | undefined {
  const planned = new Set(plan.topics.map(({ name }) => name))
  return [...source.topology.topics.keys()].find((name) => !isInternal(name) && !planned.has(name))
}
