import { assert } from '../assert.ts'
import type { Clock, Timer } from './clock.ts'
import { Group } from './group.ts'
import type { ClusterState } from './state.ts'

/**
 * Who coordinates what, and the timers of the groups. A key (a group, a transactional id) stays with
 * the broker that it got by its hash until that broker stops or somebody moves it.
 */
export class Coordinators {
  readonly #state: ClusterState
  readonly #homes = new Map<string, number>()

  constructor(state: ClusterState) {
    this.#state = state
  }

  /** @returns a node id, or -1 where no broker is up */
  of(key: string): number {
    const home = this.#homes.get(key)
    if (home !== undefined && this.#state.isUp(home)) return home
    const live = this.#state.live.sort((a, b) => a.nodeId - b.nodeId)
    const chosen = live[hash(key) % Math.max(1, live.length)]
    if (chosen === undefined) return -1
    this.#homes.set(key, chosen.nodeId)
    return chosen.nodeId
  }

  move(key: string, nodeId: number): void {
    assert(this.#state.isUp(nodeId), `broker ${nodeId} is not up`)
    this.#homes.set(key, nodeId)
  }
}

/** `String.hashCode`, of which Kafka takes the absolute value modulo the partitions of its topic. */
function hash(key: string): number {
  let value = 0
  for (let index = 0; index < key.length; index++)
    value = (Math.imul(31, value) + key.charCodeAt(index)) | 0
  return value & 0x7fffffff
}

/** Every classic group, with the timer that its deadlines need. */
export class Groups {
  readonly #groups = new Map<string, Group>()
  readonly #timers = new Map<string, Timer>()
  readonly #clock: Clock
  readonly #initialDelayMs: number

  constructor(clock: Clock, initialDelayMs: number) {
    this.#clock = clock
    this.#initialDelayMs = initialDelayMs
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id)
  }

  all(): readonly Group[] {
    return [...this.#groups.values()]
  }

  make(id: string): Group {
    const group = this.#groups.get(id) ?? new Group(id, this.#initialDelayMs)
    this.#groups.set(id, group)
    return group
  }

  delete(id: string): void {
    this.#groups.delete(id)
    this.#timers.get(id)?.cancel()
    this.#timers.delete(id)
  }

  /** Acts on a group, then sets its timer for what it waits for next. */
  act<T>(group: Group, run: (now: number) => T): T {
    const result = run(this.#clock.now())
    this.#arm(group)
    return result
  }

  #arm(group: Group): void {
    this.#timers.get(group.id)?.cancel()
    this.#timers.delete(group.id)
    const deadline = group.nextDeadline()
    if (deadline === Infinity || this.#groups.get(group.id) !== group) return
    const run = () => this.act(group, (now) => group.expire(now))
    const ms = Math.max(0, deadline - this.#clock.now())
    this.#timers.set(group.id, this.#clock.setTimeout(run, ms))
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}
