import { messageOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Entry, GroupFact, GroupStanding } from '../../router/index.ts'
import { eachOf } from '../each-of.ts'
import { listGroups, type ListedGroup } from './group-requests.ts'
import { interruptedMoves, removeLeftovers } from './leftovers.ts'
import { moveGroup, type MoveOptions, type MoveOutcome } from './move.ts'
import { groupProgress, type GroupProgress } from './progress.ts'
import { sampled } from './rate.ts'
import {
  drainsOf,
  factOf,
  rowOf,
  sampledByTopic,
  sentenceOf,
  type DrainRow,
  type GroupRow,
  type Watched,
} from './status.ts'

export interface GroupsMoverOptions extends MoveOptions {
  /** What the journal says of a group. */
  readonly standing: (group: string) => GroupStanding
  readonly log: Log
  /** A group has moved. @param durationMs from the first step of its move */
  readonly moved?: (durationMs: number) => void
}

/** How many groups move at once: what is held at once, and what the target's coordinators bear. */
export const movesMax = 4
/** How many groups are looked at at once. */
const looksMax = 8
/** After the first failure; then twice as long each time. */
const retryMsMin = 5_000
const retryMsMax = 5 * 60_000
/** How long nobody is served for the sake of what is left on the target: it goes away by itself, later. */
const recoverMsMax = 2_000

interface Watch extends Watched {
  /** Since when nobody has come or gone. */
  readonly restedSinceMs: number | undefined
  readonly isModern: boolean
  readonly failures: number
  readonly retryAtMs: number
}

/**
 * Watches the groups of the source behind the splice, and moves each when it is drained. Its owner calls
 * `tick` about every second, one after the other, as long as groups may have to move.
 */
export class GroupsMover {
  readonly #options: GroupsMoverOptions
  readonly #watched = new Map<string, Watch>()
  readonly #moves = new Map<string, Promise<void>>()
  #hasLooked = false
  #broken: Error | undefined

  constructor(options: GroupsMoverOptions) {
    this.#options = options
  }

  /**
   * Ends what the last process left on the target in the middle of a move, before the members come: they
   * would wait with it. @param entries the journal's
   */
  async recover(entries: readonly Entry[]): Promise<void> {
    const { target, clock, log } = this.#options
    const groups = interruptedMoves(entries, clock.wallClock())
    const done = new AbortController()
    const removed = eachOf(groups, looksMax, async (group) => {
      await removeLeftovers(target, group).catch((error: unknown) =>
        log.warn(
          { group, err: messageOf(error) },
          'what a move has left on the target stays there',
        ),
      )
    })
    await Promise.race([removed, clock.sleep(recoverMsMax, done.signal).catch(() => {})])
    done.abort()
  }

  /**
   * Looks at every group, and begins the moves that are due. Rejects when the groups cannot be listed, and
   * for good once a move could not be written to the journal.
   */
  async tick(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    const { source, tail, topics, clock } = this.#options
    const listed = await listGroups(source)
    await tail.ends.look(topics(), clock.now())
    this.#follow(listed)
    await eachOf(listed, looksMax, (group) => this.#look(group))
    this.#hasLooked = true
    this.#beginMoves()
  }

  /** Resolves when the moves that have begun are over. */
  async settled(): Promise<void> {
    await Promise.all(this.#moves.values())
    if (this.#broken !== undefined) throw this.#broken
  }

  /** The groups that have to do with the plan, or may have. */
  get rows(): readonly GroupRow[] {
    return this.#concerned().map((watch) =>
      rowOf(watch, this.#options.standing(watch.group), this.#moves.has(watch.group)),
    )
  }

  /** How far the groups that have not moved are, by topic. */
  get drains(): readonly DrainRow[] {
    return this.#concerned()
      .filter(({ group }) => this.#isOnSource(group))
      .flatMap(drainsOf)
  }

  /** Undefined until every group was looked at once. */
  get facts(): readonly GroupFact[] | undefined {
    return this.#hasLooked ? this.#concerned().flatMap((watch) => factOf(watch) ?? []) : undefined
  }

  /** What else than draining keeps groups on the source, in sentences. */
  get blockers(): readonly string[] {
    return this.#waiting()
      .filter((watch) => watch.trouble !== undefined || factOf(watch) === undefined)
      .map(sentenceOf)
  }

  /** What was last seen of a group. */
  progressOf(group: string): GroupProgress | undefined {
    return this.#watched.get(group)?.progress
  }

  /** For how long a group has been seen with the same members, and no rebalance; 0 while it is not known. */
  restedMs(group: string): number {
    const restedSinceMs = this.#watched.get(group)?.restedSinceMs
    return restedSinceMs === undefined ? 0 : this.#options.clock.now() - restedSinceMs
  }

  /** How many groups with members have one of these client ids. */
  sharing(clientIds: readonly string[]): number {
    return [...this.#watched.values()].filter(({ progress }) =>
      progress?.clientIds.some((id) => clientIds.includes(id)),
    ).length
  }

  #concerned(): readonly Watch[] {
    return [...this.#watched.values()].filter(({ progress }) => progress?.concern !== 'none')
  }

  #waiting(): readonly Watch[] {
    return this.#concerned().filter(({ group }) => {
      return this.#options.standing(group) === 'source' && !this.#moves.has(group)
    })
  }

  /** A group that the source has forgotten is nobody's any more, unless it has moved. */
  #follow(listed: readonly ListedGroup[]): void {
    const names = new Set(listed.map(({ group }) => group))
    for (const group of this.#watched.keys()) {
      const isOnSource = this.#isOnSource(group) && !this.#moves.has(group)
      if (isOnSource && !names.has(group)) this.#watched.delete(group)
    }
  }

  #isOnSource(group: string): boolean {
    const standing = this.#options.standing(group)
    return standing === 'source' || standing === 'left'
  }

  async #look({ group, isModern }: ListedGroup): Promise<void> {
    const before = this.#watched.get(group) ?? newWatch(group, isModern)
    this.#watched.set(group, before)
    if (!this.#isOnSource(group) || this.#moves.has(group)) return
    if (isModern) return this.#note(group, { isModern, trouble: modernMembers })
    const { clock, topics } = this.#options
    const now = clock.now()
    try {
      const found = await groupProgress(this.#options, group, topics(), now, before.progress)
      const rate = sampled(before.rate, found.remaining, now)
      const rates = sampledByTopic(before.rates, found, now)
      const trouble = now < before.retryAtMs ? before.trouble : undefined
      const restedSinceMs = isAtRest(before.progress, found) ? (before.restedSinceMs ?? now) : now
      this.#note(group, { isModern, progress: found, restedSinceMs, rate, rates, trouble })
    } catch (error) {
      this.#note(group, { trouble: messageOf(error) })
    }
  }

  #note(group: string, change: Partial<Watch>): void {
    const watch = this.#watched.get(group)
    if (watch !== undefined) this.#watched.set(group, { ...watch, ...change })
  }

  #beginMoves(): void {
    const now = this.#options.clock.now()
    for (const watch of this.#watched.values()) {
      if (this.#moves.size >= movesMax) return
      const { group, progress } = watch
      if (progress === undefined || !this.#isDue(watch, progress, now)) continue
      const move = this.#move(group, progress).finally(() => this.#moves.delete(group))
      this.#moves.set(group, move)
    }
  }

  #isDue(watch: Watch, progress: GroupProgress, now: number): boolean {
    const { group, isModern, retryAtMs, trouble } = watch
    if (isModern || trouble !== undefined || now < retryAtMs || this.#moves.has(group)) return false
    return this.#isOnSource(group) && progress.concern === 'planned' && progress.drained
  }

  async #move(group: string, progress: GroupProgress): Promise<void> {
    const { clock, log } = this.#options
    const begunMs = clock.now()
    try {
      const outcome = await moveGroup(this.#options, progress)
      this.#settle(group, outcome, clock.now() - begunMs)
    } catch (error) {
      this.#broken = error instanceof Error ? error : new Error(String(error))
      log.error({ group, err: error }, 'what became of a group could not be written to the journal')
    }
  }

  #settle(group: string, outcome: MoveOutcome, durationMs: number): void {
    const { clock, log } = this.#options
    if (outcome.kind === 'moved') {
      this.#note(group, { failures: 0, trouble: undefined })
      this.#options.moved?.(durationMs)
      return log.info({ group, value: `${Math.round(durationMs)} ms` }, 'a group moved')
    }
    const failures = (this.#watched.get(group)?.failures ?? 0) + 1
    const waitMs = Math.min(retryMsMax, retryMsMin * 2 ** (failures - 1))
    const trouble = `${outcome.reason}; tried again in ${Math.round(waitMs / 1000)} s at the earliest`
    this.#note(group, { failures, retryAtMs: clock.now() + waitMs, trouble })
    log.warn(
      { group, reason: outcome.reason },
      'a group could not be moved; it stays on the source',
    )
  }
}

const modernMembers =
  'its members use the consumer protocol of KIP-848, which cannot be moved; restart them with group.protocol=classic'

/** Whether nobody has come or gone, as far as two looks at a group show. */
const isAtRest = (before: GroupProgress | undefined, now: GroupProgress): boolean =>
  before?.state === 'Stable' &&
  now.state === 'Stable' &&
  before.memberIds.toSorted().join() === now.memberIds.toSorted().join()

const newWatch = (group: string, isModern: boolean): Watch => ({
  group,
  progress: undefined,
  restedSinceMs: undefined,
  rate: undefined,
  rates: new Map(),
  trouble: undefined,
  isModern,
  failures: 0,
  retryAtMs: -Infinity,
})
