import type { Parallel } from '../timeline/index.ts'
import { placeOf, type GroupPlace, type View } from '../view.ts'

/** After how long a leader that was called, and does not join, is called again, in ms: the answer may have been lost. */
const recallMs = 3_000
/** How long its Fetch may take to come, in ms: it may be paused, or wait at a broker. */
const fetchPatienceMs = 3_000
/**
 * How long the other connections of a client id are not told when one was, in ms. A client that was told on one looks
 * up metadata for all.
 */
const sameClientMs = 1_000
/**
 * How often leaders of a group are made to leave, until it has the new partitions. The coordinator picks the next one
 * as it likes, who may be idle and stale, too; each time all members join anew, which must end some day.
 */
const leavesMax = 20
/** Of so many groups the leaders are kept in mind; the oldest are forgotten. */
const groupsMax = 10_000

/**
 * What becomes of a request: `rebalance` answers it so, `close` ends its connection behind the answer. `leave` takes
 * the member out of its group, then answers as `rebalance` does: to JoinGroup it is unknown, and joins as a new one.
 */
export type GrowthSignal = 'ordinary' | 'rebalance' | 'close' | 'leave'

/** Of the member that sends a heartbeat. */
export interface Beating {
  /** It has a name that its group keeps for it (KIP-345). */
  readonly isStatic: boolean
  /** Its client looks up metadata when a connection of it ends. */
  readonly looksUpWhenClosed: boolean
  /** How long it may take to join anew by itself when it was told, in ms. */
  readonly graceMs: number
}

/** Who sends a Fetch. */
export interface Fetching {
  readonly clientId: () => string
  /** Its client joins its group anew whenever it is told, whether its leader has heard of new partitions or not. */
  readonly joinsWhenTold: boolean
}

/** A JoinGroup of a consumer that has been answered. */
export interface Joined {
  readonly memberId: string
  readonly leaderId: string
  readonly clientId: string
  /** What the member subscribes to. */
  readonly topics: readonly string[]
  /** Everybody, where the leader is told. */
  readonly members: readonly string[]
}

/** By member: the highest partition that it gets of each topic. */
export type Assigned = ReadonlyMap<string, ReadonlyMap<string, number>>

interface Group {
  leaderId: string
  /** By member, of those who join through here. */
  readonly clientIds: Map<string, string>
  readonly topics: Set<string>
  assigned: Assigned
  /** A rebalance is under way. */
  joining: boolean
  /** When the leader was first heard of behind the flip, and when its client was told by a Fetch. */
  heardAt: number | undefined
  toldAt: number | undefined
  closedAt: number | undefined
  /** When a heartbeat was answered with a rebalance, last. */
  calledAt: number | undefined
  /** It was called, and came without having looked for partitions. */
  stale: boolean
  /** It was made to leave, and has assigned nothing since. */
  left: boolean
  /** It came by itself, and was asked to come again, because it may have forgotten why. */
  reminded: boolean
  /** How often a leader was made to leave, whoever it was, since the group had all partitions. */
  leaves: number
}

/**
 * Makes clients see the partitions that a flip adds, within seconds: by themselves they look every 5 to 10 minutes.
 *
 *     Fetch of a connection that asks for none of them --> NOT_LEADER_OR_FOLLOWER, once: metadata is looked up;
 *                                                          of one client id one connection after the other
 *     leader of its group, 1 s later, not joining      --> REBALANCE_IN_PROGRESS at its next heartbeat; again
 *                                                          if it has not come 3 s later
 *     leader that has not fetched, or comes back without the new partitions --> its connection ends, once
 *     leader that owns nothing, and comes back without them again, --> LeaveGroup in its name, then
 *       or whose client looks up nothing when a connection ends        REBALANCE_IN_PROGRESS: another one leads
 *     leader that came by itself, and may forget it --> REBALANCE_IN_PROGRESS at its SyncGroup, once
 *
 * Only the leader counts: it assigns, and what it knows decides. Members of a client that joins anew whenever it is told
 * are told only while they lead, and are not joining. Where its group has moved, another one leads, who may
 * not have been told before: its connection ends, too. One that owns something is never made to leave: it could
 * not commit what it has read; nor is a static one, which would come back as itself. Facts come in and signals go
 * out; times are ms from anywhere.
 */
export class Growth {
  readonly #groups = new Map<string, Group>()
  readonly #told = new WeakMap<object, Set<string>>()
  /** By topic and client id: when one of its connections was looked at last. The oldest are forgotten. */
  readonly #turns = new Map<string, number>()

  /** A member asks to join. */
  joining(group: string, memberId: string): void {
    const known = this.#groups.get(group)
    if (known?.leaderId === memberId) known.joining = true
  }

  joined(group: string, { memberId, leaderId, clientId, topics, members }: Joined): void {
    const known = this.#groups.get(group) ?? emptyGroup()
    // The oldest comes first: this one is the youngest now.
    this.#groups.delete(group)
    this.#groups.set(group, known)
    const [oldest] = this.#groups.keys()
    if (this.#groups.size > groupsMax && oldest !== undefined) this.#groups.delete(oldest)
    const isNews = known.leaderId !== leaderId
    if (isNews) Object.assign(known, silent())
    known.leaderId = leaderId
    // A follower may hear of it when the leader has assigned already.
    if (isNews || memberId === leaderId) known.joining = true
    if (members.length > 0) {
      for (const id of known.clientIds.keys()) if (!members.includes(id)) known.clientIds.delete(id)
    }
    known.clientIds.set(memberId, clientId)
    for (const topic of topics) known.topics.add(topic)
  }

  /** A JoinGroup was refused. */
  refused(group: string, memberId: string): void {
    const known = this.#groups.get(group)
    if (known?.leaderId === memberId) known.joining = false
  }

  /**
   * What a leader assigns.
   * @param mayForget that it joins anew, unless it was told to: it would send nothing more until its session ends
   */
  assigned(
    view: View,
    group: string,
    memberId: string,
    assigned: Assigned,
    mayForget: boolean,
  ): 'ordinary' | 'rebalance' {
    const known = this.#groups.get(group)
    if (known?.leaderId !== memberId) return 'ordinary'
    const hasGrown = lacking(view, known).length > 0
    const isUncalled = known.calledAt === undefined && !known.reminded
    if (mayForget && hasGrown && isUncalled && lacking(view, { ...known, assigned }).length === 0) {
      known.reminded = true
      return 'rebalance'
    }
    known.joining = false
    known.left = false
    known.assigned = assigned
    if (lacking(view, known).length === 0) Object.assign(known, silent(), { leaves: 0 })
    else if (known.calledAt !== undefined) {
      known.stale = known.closedAt === undefined
      // Who has come twice, and has not looked, is not called any more: it leaves, or is left alone.
      known.calledAt = known.stale ? undefined : Infinity
    }
    return 'ordinary'
  }

  /** A Fetch names topics of which the target has partitions, but none of these. @returns those to refuse */
  fetched(
    view: View,
    reader: object,
    fetching: Fetching,
    topics: readonly string[],
    nowMs: number,
  ): readonly string[] {
    const told = this.#told.get(reader) ?? new Set()
    this.#told.set(reader, told)
    const untold = topics.filter((topic) => !told.has(topic))
    if (untold.length === 0) return untold
    const client = fetching.clientId()
    const due: string[] = []
    for (const topic of untold.filter((each) => this.#isTurn(`${each} ${client}`, nowMs))) {
      const groups = this.#groupsOf(client, topic)
      const ignorant = groups.filter(
        ([group, known]) =>
          placeOf(view, group) === 'source' && lacking(view, known).includes(topic),
      )
      const isWaited = ignorant.length > 0 && ignorant.every(([, known]) => waits(known, client))
      if (fetching.joinsWhenTold && isWaited) continue
      told.add(topic)
      if (groups.length === 0 || ignorant.length > 0) due.push(topic)
    }
    if (due.length > 0) {
      for (const known of this.#groups.values()) {
        if (known.clientIds.get(known.leaderId) === client) known.toldAt ??= nowMs
      }
    }
    return due
  }

  /** Whether no other connection of a client was looked at for a topic lately. */
  #isTurn(key: string, nowMs: number): boolean {
    const lastMs = this.#turns.get(key)
    if (lastMs !== undefined && nowMs - lastMs < sameClientMs) return false
    this.#turns.delete(key)
    this.#turns.set(key, nowMs)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > groupsMax && oldest !== undefined) this.#turns.delete(oldest)
    return true
  }

  heartbeat(
    view: View,
    group: string,
    memberId: string,
    beating: Beating,
    nowMs: number,
  ): GrowthSignal {
    const known = this.#groups.get(group)
    if (known?.leaderId !== memberId || known.joining) return 'ordinary'
    const place = placeOf(view, group)
    if (place === 'moving') return 'ordinary'
    const topics = lacking(view, known)
    if (topics.length === 0) return 'ordinary'
    // Its coordinator does not know it any more; clients tell their application if they hear that from a heartbeat.
    if (known.left) return 'rebalance'
    if (mustLeave(view, known, place, beating)) {
      known.left = true
      known.leaves++
      return 'leave'
    }
    known.heardAt ??= nowMs
    if (known.closedAt === undefined && this.#mustEnd(known, place, topics, nowMs)) {
      known.closedAt = nowMs
      return 'close'
    }
    const toldAt = known.closedAt ?? known.toldAt
    if (toldAt === undefined || nowMs - toldAt < beating.graceMs) return 'ordinary'
    if (known.calledAt !== undefined && nowMs - known.calledAt < recallMs) return 'ordinary'
    known.calledAt = nowMs
    return 'rebalance'
  }

  /** Whether a leader must connect anew to look for partitions: a Fetch does not make it. */
  #mustEnd(known: Group, place: GroupPlace, topics: readonly string[], nowMs: number): boolean {
    if (known.stale) return true
    if (known.toldAt !== undefined) return false
    const isLong = nowMs - (known.heardAt ?? nowMs) >= fetchPatienceMs
    // Nobody there asks for partitions of the source, and is told.
    if (place === 'target') return isLong
    // A leader that has just come, or of which nothing is assigned to it, does not fetch.
    const own = known.assigned.get(known.leaderId)
    const isIdle = !topics.some((topic) => own?.has(topic) === true)
    return isIdle || isLong
  }

  /** The groups in which a client reads a topic. */
  #groupsOf(clientId: string, topic: string): readonly [string, Group][] {
    return [...this.#groups].filter(
      ([, { topics, clientIds }]) =>
        topics.has(topic) && [...clientIds.values()].includes(clientId),
    )
  }
}

/** Whether a client need not be told for a group: its leader is another one that is told here, or is just joining. */
function waits({ clientIds, leaderId, joining }: Group, clientId: string): boolean {
  const leader = clientIds.get(leaderId)
  return leader !== undefined && (joining || leader !== clientId)
}

/** Whether a leader makes way for another one: it cannot be made to look for partitions, and loses nothing. */
function mustLeave(view: View, known: Group, place: GroupPlace, beating: Beating): boolean {
  if (beating.isStatic || known.leaves >= leavesMax) return false
  const isHopeless = !beating.looksUpWhenClosed || known.calledAt === Infinity
  return isHopeless && ownsNothing(view, place, known.assigned.get(known.leaderId) ?? new Map())
}

/** Behind a group's move its members get none of the source's partitions of an unordered topic, whoever assigns them. */
function ownsNothing(view: View, place: GroupPlace, own: ReadonlyMap<string, number>): boolean {
  return [...own].every(([topic, highest]) => {
    const { parallel } = view.topics.get(topic) ?? {}
    return highest < (place === 'target' ? (parallel?.sourcePartitions ?? 0) : 0)
  })
}

/** The topics that a group reads and of which nobody in it has the partitions of the target. */
function lacking(
  view: View,
  { topics, assigned }: Pick<Group, 'topics' | 'assigned'>,
): readonly string[] {
  if (!view.spliced) return []
  const found: string[] = []
  for (const { name, parallel } of view.topics.values()) {
    if (parallel === undefined || !topics.has(name)) continue
    if (highestOf(assigned, name) < lastOf(parallel)) found.push(name)
  }
  return found
}

function highestOf(assigned: Assigned, topic: string): number {
  let highest = -1
  for (const of of assigned.values()) highest = Math.max(highest, of.get(topic) ?? -1)
  return highest
}

const lastOf = ({ sourcePartitions, targetPartitions }: Parallel): number =>
  sourcePartitions + targetPartitions - 1

/** Nothing was said to a leader yet. */
const silent = (): Omit<
  Group,
  'leaderId' | 'clientIds' | 'topics' | 'assigned' | 'joining' | 'leaves'
> => ({
  heardAt: undefined,
  toldAt: undefined,
  closedAt: undefined,
  calledAt: undefined,
  stale: false,
  left: false,
  reminded: false,
})

const emptyGroup = (): Group => ({
  leaderId: '',
  clientIds: new Map(),
  topics: new Set(),
  assigned: new Map(),
  joining: false,
  leaves: 0,
  ...silent(),
})
