import { apis, decodeRequest, type JoinGroupRequest } from '../protocol/index.ts'
import { placeOf, type RequestFrame, type RoutingTable } from '../router/index.ts'

/** A member whose JoinGroup waits while its group moves. */
export interface HeldMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

interface Moving {
  /** By member id; who has none yet is a key to itself. */
  readonly held: Map<string | object, HeldMember>
  sinceMs: number | null
  changed: PromiseWithResolvers<void>
}

/** What becomes of a request of a member while its group moves, or after. */
export type Membership =
  /** It goes the ordinary way. */
  | 'ordinary'
  /** A JoinGroup: it waits until the group has a place, then goes there under a new member id. */
  | 'join'
  /** Answered REBALANCE_IN_PROGRESS; a heartbeat goes to the source nevertheless, which keeps the member. */
  | 'rebalance'
  /** Answered as done: the member it speaks of is gone already. */
  | 'gone'
  /** Answered ILLEGAL_GENERATION, as a commit that waited behind a JoinGroup is. */
  | 'outdated'

/**
 * The groups that move: their joins are held, their heartbeats call for a rebalance. Which groups these
 * are, the routing table's view says; here is who waits.
 */
export class Groups {
  readonly #table: () => RoutingTable
  readonly #moving = new Map<string, Moving>()
  /** By group: ids that the source gave to members which have joined the target since. */
  readonly #former = new Map<string, Set<string>>()

  constructor(table: () => RoutingTable) {
    this.#table = table
  }

  /** @param request JoinGroup, SyncGroup, Heartbeat, LeaveGroup or OffsetCommit */
  judge(request: RequestFrame): Membership {
    const { view } = this.#table()
    if (!view.spliced) return 'ordinary'
    const { key } = request.api
    if (
      key !== apis.joinGroup.key &&
      key !== apis.syncGroup.key &&
      key !== apis.heartbeat.key &&
      key !== apis.leaveGroup.key &&
      key !== apis.offsetCommit.key
    ) {
      return 'ordinary'
    }
    const { groupId, memberId } = memberOf(request)
    const isMoving = placeOf(view, groupId) === 'moving'
    const isFormer = this.#former.get(groupId)?.has(memberId) === true
    if (key === apis.offsetCommit.key) return isFormer ? 'outdated' : 'ordinary'
    if (!isMoving && !isFormer) return 'ordinary'
    if (key === apis.joinGroup.key) return 'join'
    if (key === apis.leaveGroup.key) return isFormer ? 'gone' : 'ordinary'
    return 'rebalance'
  }

  isMoving(group: string): boolean {
    return placeOf(this.#table().view, group) === 'moving'
  }

  /**
   * A JoinGroup waits. A member that joins anew, before it is known here that its connection was lost, waits once:
   * as many as wait are awaited on the target.
   * @returns what to call when it does no longer
   */
  hold(request: JoinGroupRequest, clientId: string, nowMs: number): () => void {
    const moving = this.#movingOf(request.groupId)
    const member: HeldMember = {
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      clientId,
      rebalanceTimeoutMs:
        request.rebalanceTimeoutMs > 0 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols,
    }
    const key = member.memberId === '' ? member : member.memberId
    moving.held.set(key, member)
    moving.sinceMs ??= nowMs
    this.#tell(moving)
    return () => {
      if (moving.held.get(key) === member) moving.held.delete(key)
      if (moving.held.size === 0) moving.sinceMs = null
      this.#tell(moving)
    }
  }

  /** A member of the source joins the target, where its old id means nothing. */
  joined(group: string, formerMemberId: string): void {
    if (formerMemberId === '') return
    const former = this.#former.get(group) ?? new Set()
    former.add(formerMemberId)
    this.#former.set(group, former)
  }

  held(group: string): { members: readonly HeldMember[]; sinceMs: number | null; count: number } {
    const moving = this.#moving.get(group)
    const members = [...(moving?.held.values() ?? [])]
    return { members, sinceMs: moving?.sinceMs ?? null, count: members.length }
  }

  /** How many joins wait, of all groups. */
  get heldJoins(): number {
    let count = 0
    for (const { held } of this.#moving.values()) count += held.size
    return count
  }

  /** Resolves at the next change of `held`. */
  changed(group: string): Promise<void> {
    return this.#movingOf(group).changed.promise
  }

  #movingOf(group: string): Moving {
    const known = this.#moving.get(group)
    if (known !== undefined) return known
    const moving = { held: new Map(), sinceMs: null, changed: Promise.withResolvers<void>() }
    this.#moving.set(group, moving)
    return moving
  }

  #tell(moving: Moving): void {
    moving.changed.resolve()
    moving.changed = Promise.withResolvers()
  }
}

/** All these requests begin so, but for the session timeouts of JoinGroup and LeaveGroup's list (v3). */
function memberOf({ api, version, frame, bodyOffset }: RequestFrame): {
  groupId: string
  memberId: string
} {
  if (api.key === apis.joinGroup.key)
    return decodeRequest(apis.joinGroup, version, frame, bodyOffset)
  if (api.key === apis.syncGroup.key)
    return decodeRequest(apis.syncGroup, version, frame, bodyOffset)
  if (api.key === apis.heartbeat.key)
    return decodeRequest(apis.heartbeat, version, frame, bodyOffset)
  if (api.key === apis.offsetCommit.key)
    return decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
  const left = decodeRequest(apis.leaveGroup, version, frame, bodyOffset)
  return { groupId: left.groupId, memberId: left.members[0]?.memberId ?? left.memberId }
}
