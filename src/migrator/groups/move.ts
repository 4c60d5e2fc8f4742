import { messageOf } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'
import { copyOffsets } from './copy.ts'
import type { GroupGate, MoveEntry, WriteEntry } from './gate.ts'
import {
  administrator,
  describeGroup,
  isEmpty,
  type DescribedGroup,
  type DescribedMember,
} from './group-requests.ts'
import {
  beganMove,
  deadlineOf,
  isOver,
  nextMove,
  seenMove,
  type Move,
  type MoveEvent,
} from './move-machine.ts'
import { removeLeftovers } from './leftovers.ts'
import { heartbeatIntervalMs, Placeholder, protocolsOf, sessionTimeoutMs } from './placeholder.ts'
import { whoIs, type GroupProgress, type PlannedTopics, type ProgressSource } from './progress.ts'

/** Connections of their own; `close` ends them. */
export interface OwnCluster extends Cluster {
  close(): void
}

/** Time, as moves see it; `now` in ms, on the clock of `Held.sinceMs`. */
export interface MoveClock {
  now(): number
  /** Rejects when the signal says so. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Epoch ms. */
  wallClock(): number
}

export interface MoveOptions extends ProgressSource {
  readonly target: Cluster
  /** A JoinGroup makes its connection wait: each placeholder has its own. */
  readonly openTarget: () => OwnCluster
  readonly topics: () => PlannedTopics
  readonly gate: GroupGate
  readonly write: WriteEntry
  readonly clock: MoveClock
}

export type MoveOutcome =
  | { readonly kind: 'moved' }
  /** `refused`: before the journal was told, and the members noticed, anything. */
  | { readonly kind: 'aborted' | 'refused'; readonly reason: string }

const pollMs = 50

/**
 * Moves one group, live or dormant, that has been drained (`reference/group-move.md`). It always comes to an
 * end, but for the journal: it rejects if that cannot be written, and leaves the group as it is, since
 * nobody knows then what the others read there.
 */
export async function moveGroup(
  options: MoveOptions,
  progress: GroupProgress,
): Promise<MoveOutcome> {
  const own = options.openTarget()
  const end = new AbortController()
  try {
    return await new GroupMove(options, progress, own).run(end.signal)
  } finally {
    end.abort()
    own.close()
  }
}

class GroupMove {
  readonly #options: MoveOptions
  /** As it was found drained. */
  readonly #progress: GroupProgress
  readonly #group: string
  readonly #own: OwnCluster
  #move: Move
  /** Null for a dormant group: nobody is going to join. */
  #placeholder: Placeholder | null = null
  /** Who was in the source's group when it was looked at last. */
  #members: readonly DescribedMember[] = []

  constructor(options: MoveOptions, progress: GroupProgress, own: OwnCluster) {
    this.#options = options
    this.#progress = progress
    this.#group = progress.group
    this.#own = own
    this.#move = beganMove(options.clock.now())
  }

  async run(signal: AbortSignal): Promise<MoveOutcome> {
    const { clock } = this.#options
    void this.#keepAlive(signal)
    while (!isOver(this.#move)) {
      const event = await this.#next(signal)
      this.#move = nextMove(this.#move, event, clock.now())
    }
    const { step, reason } = this.#move
    if (step === 'aborted') this.#options.gate.release(this.#group, 'source')
    await this.#leave(signal)
    if (step === 'moved') return { kind: 'moved' }
    return { kind: step === 'refused' ? 'refused' : 'aborted', reason: reason ?? '' }
  }

  /** Everybody waits for the placeholder to leave, until its session ends: then the target forgets it. */
  async #leave(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const untilMs = clock.now() + sessionTimeoutMs
    for (;;) {
      try {
        return await this.#takeOut()
      } catch {
        if (clock.now() >= untilMs) return
        await clock.sleep(pollMs, signal)
      }
    }
  }

  /** Where the answer to its join was lost, the target may have a placeholder that does not know itself. */
  async #takeOut(): Promise<void> {
    const placeholder = this.#placeholder
    if (placeholder === null) return
    if (placeholder.hasJoined) return placeholder.leave()
    await removeLeftovers(this.#options.target, this.#group)
  }

  /** What comes of the current step, or that its deadline has come first. */
  async #next(signal: AbortSignal): Promise<MoveEvent> {
    const isJournal = deadlineOf(this.#move) === Infinity
    if (isJournal) return this.#act(signal)
    const done = new AbortController()
    const both = AbortSignal.any([signal, done.signal])
    const acted = this.#act(both).catch((error: unknown): MoveEvent => ({
      kind: 'failed',
      reason: messageOf(error),
    }))
    try {
      return await Promise.race([acted, this.#late(both)])
    } finally {
      done.abort()
    }
  }

  /** The deadline moves when a first join is held. */
  async #late(signal: AbortSignal): Promise<MoveEvent> {
    const { clock } = this.#options
    for (;;) {
      const left = deadlineOf(this.#move) - clock.now()
      if (left <= 0) return { kind: 'late', reason: this.#whoIsLate() }
      try {
        await clock.sleep(Math.min(left, pollMs), signal)
      } catch {
        return await new Promise<never>(() => {})
      }
    }
  }

  #act(signal: AbortSignal): Promise<MoveEvent> {
    switch (this.#move.step) {
      case 'preparing':
        return this.#prepare()
      case 'announcing':
        return this.#announce()
      case 'emptying':
        return this.#empty(signal)
      case 'copying':
        return this.#copy()
      case 'committing':
        return this.#journal({ kind: 'group-moved', group: this.#group, at: this.#at() })
      case 'gathering':
        return this.#gather(signal)
      case 'aborting': {
        const reason = this.#move.reason ?? ''
        return this.#journal({ kind: 'group-aborted', group: this.#group, at: this.#at(), reason })
      }
      case 'refused':
      case 'aborted':
      case 'moved':
        throw new TypeError(`nothing is to be done in ${this.#move.step}`)
    }
  }

  #at(): number {
    return this.#options.clock.wallClock()
  }

  /** All that takes time on the target, before anybody notices. */
  async #prepare(): Promise<MoveEvent> {
    const [source, other] = await Promise.all([this.#lookAtSource(), this.#memberOnTarget()])
    if (other !== undefined) {
      return { kind: 'failed', reason: `it has members on the target already: ${whoIs(other)}` }
    }
    if (isEmpty(source)) return { kind: 'prepared' }
    const protocols = protocolsOf(source)
    if (protocols === undefined) return { kind: 'failed', reason: 'it rebalances on the source' }
    const placeholder = new Placeholder(this.#own, this.#group, source.protocolType, protocols)
    this.#placeholder = placeholder
    await placeholder.join()
    return { kind: 'prepared' }
  }

  /** Its members go on committing on what they read of the target: as the placeholder, from here on. */
  #announce(): Promise<MoveEvent> {
    const topics = this.#options.topics()
    const isParallel = this.#progress.partitions.some(
      ({ topic }) => topics.get(topic)?.parallel !== undefined,
    )
    const entry = { kind: 'group-moving', group: this.#group, at: this.#at() } as const
    const placeholder = isParallel ? this.#placeholder?.committer : undefined
    return this.#journal(placeholder === undefined ? entry : { ...entry, placeholder })
  }

  async #empty(signal: AbortSignal): Promise<MoveEvent> {
    const { gate, clock } = this.#options
    gate.begin(this.#group)
    while (!isEmpty(await this.#lookAtSource())) await clock.sleep(pollMs, signal)
    return { kind: 'emptied' }
  }

  async #copy(): Promise<MoveEvent> {
    const { target, topics, gate, clock } = this.#options
    const { members } = gate.held(this.#group)
    if (this.#placeholder !== null) await this.#placeholder.support(members)
    const committer = this.#placeholder?.committer ?? administrator
    const from = this.#options
    await copyOffsets(from, target, this.#progress, topics(), committer, clock.now())
    return { kind: 'copied' }
  }

  /** The broker waits for us, and so for everybody: one generation for all. */
  async #gather(signal: AbortSignal): Promise<MoveEvent> {
    const { gate, clock } = this.#options
    gate.release(this.#group, 'target')
    if (this.#placeholder === null) return { kind: 'gathered' }
    const awaited = this.#move.expected + 1
    while ((await this.#describeTarget()).members.length < awaited) {
      await clock.sleep(pollMs, signal)
    }
    return { kind: 'gathered' }
  }

  async #journal(entry: MoveEntry): Promise<MoveEvent> {
    await this.#options.write(entry)
    return { kind: 'journaled' }
  }

  async #lookAtSource(): Promise<DescribedGroup> {
    const { source, gate } = this.#options
    const described = await describeGroup(source, this.#group)
    this.#members = described.members
    this.#move = seenMove(this.#move, described.members.length, gate.held(this.#group))
    return described
  }

  /** Somebody who is on the target already, whom a former attempt has not left there. */
  async #memberOnTarget(): Promise<DescribedMember | undefined> {
    await removeLeftovers(this.#options.target, this.#group)
    return (await this.#describeTarget()).members[0]
  }

  #describeTarget(): Promise<DescribedGroup> {
    return describeGroup(this.#options.target, this.#group)
  }

  /** While the placeholder waits; that it was thrown out shows when it commits. */
  async #keepAlive(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    for (;;) {
      try {
        await clock.sleep(heartbeatIntervalMs, signal)
      } catch {
        return
      }
      if (this.#placeholder?.hasJoined === true) await this.#placeholder.heartbeat().catch(() => {})
    }
  }

  #whoIsLate(): string {
    const { step } = this.#move
    if (step === 'preparing') return 'the target did not let us into the group in time'
    if (step === 'copying') return 'its offsets were not copied in time'
    const { count } = this.#options.gate.held(this.#group)
    const late = this.#members.map(whoIs).join(', ')
    return `${late} did not rejoin in time (${count} did): busy for too long, or not behind this sidecar`
  }
}
