import type { Group, JoinResult } from '../../../src/embedded/index.ts'
import {
  groupProgress,
  moveGroup,
  Tail,
  type GroupGate,
  type GroupProgress,
  type Held,
  type HeldMember,
  type MoveEntry,
  type MoveOutcome,
} from '../../../src/migrator/groups/index.ts'
import { encodeAssignment, encodeBatch, encodeSubscription } from '../../../src/protocol/index.ts'
import { sourceTimeline, splice, type PlannedTopic } from '../../../src/router/index.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

export const group = 'billing'
/** S and T0 of each partition of `orders`. */
export const sourceEnd = 100n
export const targetStart = 7n

export interface MemberScript {
  readonly clientId: string
  /** After how long it rejoins when it is told to; null: it never comes (it bypasses the sidecar). */
  readonly rejoinMs: number | null
  readonly rebalanceTimeoutMs?: number
}

/** A topic of two partitions behind its splice. */
export const orders: PlannedTopic = {
  name: 'orders',
  targetName: 'orders-v2',
  topicId: null,
  timelines: [0, 1].map((partition) =>
    splice(sourceTimeline('orders', partition), {
      end: sourceEnd,
      next: { cluster: 'target', topic: 'orders-v2', partition, start: targetStart },
    }),
  ),
}

/** A batch of `count` records at an offset. */
export const batch = (baseOffset: bigint, count: number, isControl = false): Buffer =>
  encodeBatch({
    baseOffset,
    isControl,
    records: Array.from({ length: count }, () => ({ timestamp: 0n, value: Buffer.from('v') })),
  })

const subscription = encodeSubscription(0, { topics: ['orders'] })
const protocols = [{ name: 'range', metadata: subscription }]

/** Two clusters, a group on the source, its members behind a gate, and what happened in which order. */
export class World {
  readonly clock = new VirtualClock()
  readonly source = new FakeCluster('source', () => this.clock.now())
  readonly target = new FakeCluster('target', () => this.clock.now())
  readonly events: string[] = []
  readonly entries: MoveEntry[] = []
  readonly positions = new Map<string, bigint>()
  /** What becomes of an entry; by default it is durable at once. */
  write: (entry: MoveEntry) => Promise<void> = () => Promise.resolve()
  readonly #held = new Map<
    MemberScript,
    { readonly member: HeldMember; readonly sinceMs: number }
  >()
  #members: readonly { readonly script: MemberScript; readonly id: string }[] = []

  constructor() {
    this.clock.passed = () => {
      this.source.expire()
      this.target.expire()
    }
    for (const { timelines } of [orders])
      for (const partition of timelines.keys()) {
        const records = batch(0n, Number(sourceEnd))
        this.source.logs.set(`orders ${partition}`, { start: 0n, end: sourceEnd, records })
      }
  }

  commit(partition: number, offset: bigint): void {
    const stored = { offset, leaderEpoch: -1, metadata: 'mine' }
    this.source.group(group).offsets.commit('orders', partition, stored)
  }

  /** The members join the source, and are stable. */
  join(scripts: readonly MemberScript[]): void {
    const on = this.source.group(group)
    for (const [index, script] of scripts.entries()) {
      join(on, script, `${script.clientId}-${index}`, this.clock.now(), () => {})
      for (const { id } of on.members) join(on, script, id, this.clock.now(), () => {})
    }
    syncAll(on, this.clock.now())
    this.#members = scripts.map((script, index) => ({ script, id: `${script.clientId}-${index}` }))
  }

  /** Members of the target, as somebody who died has left them: none has been told its generation. */
  leaveBehind(scripts: readonly MemberScript[]): void {
    const on = this.target.group(group)
    for (const script of scripts) join(on, script, script.clientId, this.clock.now(), () => {})
  }

  readonly gate = {
    begin: (name: string) => {
      this.events.push('begin')
      if (name !== group) throw new Error(`nobody moves ${name}`)
      for (const { script, id } of this.#members) {
        if (script.rejoinMs !== null)
          this.clock.after(script.rejoinMs, () => this.#hold(script, id))
      }
    },
    held: (): Held => {
      const held = [...this.#held.values()]
      const sinceMs = held.length === 0 ? null : Math.min(...held.map((each) => each.sinceMs))
      return { count: held.length, members: held.map(({ member }) => member), sinceMs }
    },
    release: (_group: string, to: 'source' | 'target') => {
      this.events.push(`release ${to}`)
      const on = (to === 'target' ? this.target : this.source).group(group)
      for (const [index, script] of [...this.#held.keys()].entries()) {
        const id = `${to}-${script.clientId}-${index}`
        this.clock.after(100 * index, () => join(on, script, id, this.clock.now(), () => {}))
      }
      this.#held.clear()
    },
  } satisfies GroupGate

  #hold(script: MemberScript, memberId: string): void {
    const { clientId, rebalanceTimeoutMs = 60_000 } = script
    const told = { groupInstanceId: null, protocolType: 'consumer', protocols }
    const member = { memberId, clientId, rebalanceTimeoutMs, ...told }
    this.#held.set(script, { member, sinceMs: this.clock.now() })
    this.source.group(group).leave(memberId, null, this.clock.now())
  }

  readonly topics = new Map([[orders.name, orders]])
  readonly options = {
    source: this.source,
    target: this.target,
    openTarget: () => this.target,
    tail: new Tail(this.source),
    positions: (_group: string, topic: string, partition: number) =>
      this.positions.get(`${topic} ${partition}`),
    topics: () => this.topics,
    gate: this.gate,
    write: async (entry: MoveEntry) => {
      await this.write(entry)
      this.entries.push(entry)
      this.events.push(entry.kind)
    },
    clock: this.clock,
  }

  progress(): Promise<GroupProgress> {
    return groupProgress(this.options, group, this.topics, this.clock.now())
  }

  async move(): Promise<MoveOutcome> {
    return this.moveFrom(await this.progress())
  }

  moveFrom(progress: GroupProgress): Promise<MoveOutcome> {
    return this.clock.until(moveGroup(this.options, progress))
  }
}

function join(
  on: Group,
  { clientId, rebalanceTimeoutMs = 60_000 }: MemberScript,
  memberId: string,
  now: number,
  reply: (result: JoinResult) => void,
): void {
  const isNew = !on.members.some(({ id }) => id === memberId)
  const ask = {
    memberId: isNew ? '' : memberId,
    instanceId: null,
    clientId,
    clientHost: '/10.0.0.3',
    sessionTimeoutMs: 1_000_000,
    rebalanceTimeoutMs,
    protocolType: 'consumer',
    protocols,
    mustKnowMemberId: false,
    canSkipAssignment: false,
    newMemberId: memberId,
  }
  on.join(ask, now, reply)
}

/** Every member is given both partitions: what counts here is that it is told which topic. */
function syncAll(on: Group, now: number): void {
  const assignment = encodeAssignment(0, {
    assignedPartitions: [{ topic: 'orders', partitions: [0, 1] }],
  })
  const given = new Map(on.members.map(({ id }) => [id, assignment]))
  for (const { id } of on.members) {
    const claim = { memberId: id, instanceId: null, generationId: on.generation }
    on.sync({ ...claim, protocolType: null, protocolName: null }, given, now, () => {})
  }
}
