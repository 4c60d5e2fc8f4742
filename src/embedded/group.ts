import { errorCodes } from '../protocol/index.ts'
import {
  electProtocol,
  failedJoin,
  failedSync,
  isWaiting,
  metadataOf,
  newMember,
  nothing,
  sameProtocols,
  update,
  type JoinAsk,
  type JoinResult,
  type Member,
  type Reply,
  type SyncResult,
} from './members.ts'
import { GroupOffsets } from './offsets.ts'
import { Roster, type Claimant, type MemberClaim } from './roster.ts'

/**
 * A classic consumer group at its coordinator. Pure: time is an argument, answers go to the `reply`
 * of their request, and whoever owns the group calls `expire` when `nextDeadline` has come.
 *
 *                      join, leave, lost session
 *              +-------------------------------------------+
 *              v                                           |
 *     Empty -> PreparingRebalance -> CompletingRebalance -> Stable
 *       ^            |   all joined,        |   leader's
 *       +------------+   or too late        |   SyncGroup
 *        nobody left                        +-> PreparingRebalance: join, leave, nobody synced
 *
 * After Kafka's GroupCoordinator (3.x) and its rewrite in GroupMetadataManager (4.x). Not handled:
 * `group.max.size`, a dead state (a deleted group is dropped), Kafka's postponed join of a group
 * whose members are all static.
 */
export type GroupPhase = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export class Group {
  readonly id: string
  readonly offsets = new GroupOffsets()
  readonly #roster = new Roster()
  /** Ids given out that have not joined yet, and until when they may. */
  readonly #pending = new Map<string, number>()
  readonly #initialDelayMs: number
  #phase: GroupPhase = 'Empty'
  #generation = 0
  #protocolType: string | null = null
  #protocol: string | null = null
  /** PreparingRebalance: when it ends without those who have not joined. */
  #rebalanceEnd = Infinity
  /** A first generation waits for more members until then; it moves, up to `#rebalanceEnd`. */
  #initialDelayEnd: number | undefined
  /** Who has joined this generation and not synced, and when they are expelled. */
  readonly #unsynced = new Set<string>()
  #syncEnd = Infinity

  constructor(id: string, initialDelayMs: number) {
    this.id = id
    this.#initialDelayMs = initialDelayMs
  }

  get phase(): GroupPhase {
    return this.#phase
  }
  get generation(): number {
    return this.#generation
  }
  get protocolType(): string | null {
    return this.#protocolType
  }
  get protocol(): string | null {
    return this.#protocol
  }
  get members(): readonly Member[] {
    return this.#roster.all
  }

  join(ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    const refused = this.#refuseJoin(ask)
    if (refused !== errorCodes.NONE) return reply(failedJoin(refused, ask.memberId))
    if (ask.memberId !== '') return this.#rejoin(ask, now, reply)
    const former = this.#roster.ofInstance(ask.instanceId)
    if (former !== undefined) return this.#replaceStatic(former, ask, now, reply)
    if (ask.instanceId === null && ask.mustKnowMemberId) {
      this.#pending.set(ask.newMemberId, now + ask.sessionTimeoutMs)
      return reply(failedJoin(errorCodes.MEMBER_ID_REQUIRED, ask.newMemberId))
    }
    this.#add(ask.newMemberId, ask, now, reply)
  }

  #refuseJoin(ask: JoinAsk): number {
    if (ask.protocols.length === 0 || ask.protocolType === '')
      return errorCodes.INCONSISTENT_GROUP_PROTOCOL
    if (this.#phase === 'Empty') return errorCodes.NONE
    return this.#protocolType === ask.protocolType && this.#roster.understands(ask.protocols, ask)
      ? errorCodes.NONE
      : errorCodes.INCONSISTENT_GROUP_PROTOCOL
  }

  #rejoin(ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    if (this.#pending.has(ask.memberId)) return this.#add(ask.memberId, ask, now, reply)
    const { member, errorCode } = this.#roster.find(ask)
    if (member === undefined) return reply(failedJoin(errorCode, ask.memberId))
    const unchanged = sameProtocols(member.protocols, ask.protocols)
    const isLeader = member.id === this.#roster.leader
    // A lost answer to JoinGroup is given again; a leader who joins a stable group wants a rebalance.
    if (
      unchanged &&
      (this.#phase === 'CompletingRebalance' || (this.#phase === 'Stable' && !isLeader))
    ) {
      this.#touch(member, now)
      return reply(this.#joined(member))
    }
    member.join?.(failedJoin(errorCodes.UNKNOWN_MEMBER_ID, member.id))
    update(member, ask)
    this.#await(member, now, reply)
  }

  #add(id: string, ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    this.#pending.delete(id)
    if (this.#roster.size === 0) this.#protocolType = ask.protocolType
    const member = newMember(id, ask, now)
    this.#roster.add(member)
    this.#await(member, now, reply)
  }

  /** The member waits for the next generation. */
  #await(member: Member, now: number, reply: Reply<JoinResult>): void {
    member.join = reply
    if (this.#phase === 'PreparingRebalance') {
      if (this.#initialDelayEnd !== undefined)
        this.#initialDelayEnd = Math.min(now + this.#initialDelayMs, this.#rebalanceEnd)
    } else this.#prepare(now)
    this.#completeIfAllJoined(now)
  }

  /** A static member came back without its id: it takes its former self's place (KIP-345). */
  #replaceStatic(former: Member, ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    former.join?.(failedJoin(errorCodes.FENCED_INSTANCE_ID, former.id))
    former.sync?.(failedSync(errorCodes.FENCED_INSTANCE_ID))
    const given = ask.protocols.find(({ name }) => name === this.#protocol)?.metadata ?? nothing
    const isUnchanged = metadataOf(former, this.#protocol).equals(given)
    const wasLeader = this.#roster.leader === former.id
    const { assignment } = former
    const member: Member = { ...newMember(ask.newMemberId, ask, now), assignment }
    this.#roster.replace(former, member)
    if (this.#phase !== 'Stable' || !isUnchanged || electProtocol(this.members) !== this.#protocol)
      return this.#await(member, now, reply)
    // Nothing changed for the others. A client that cannot skip the assignment must not think it leads.
    const answer = this.#joined(member)
    if (!wasLeader) return reply(answer)
    reply(
      ask.canSkipAssignment
        ? { ...answer, skipAssignment: true }
        : { ...answer, leader: former.id, members: [] },
    )
  }

  #prepare(now: number): void {
    for (const member of this.members) {
      member.sync?.(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
      if (member.sync !== undefined) this.#touch(member, now)
      member.sync = undefined
    }
    const isFirst = this.#phase === 'Empty' && this.#initialDelayMs > 0
    this.#phase = 'PreparingRebalance'
    this.#expectNoSync()
    this.#rebalanceEnd = now + this.#roster.rebalanceTimeoutMs
    this.#initialDelayEnd = isFirst
      ? Math.min(now + this.#initialDelayMs, this.#rebalanceEnd)
      : undefined
  }

  #completeIfAllJoined(now: number): void {
    if (this.#phase !== 'PreparingRebalance' || this.#initialDelayEnd !== undefined) return
    const missing = this.members.some(({ join }) => join === undefined)
    if (!missing && this.#pending.size === 0) this.#complete(now)
  }

  /** Begins the next generation with those who have joined; static members stay anyway. */
  #complete(now: number): void {
    for (const member of this.members)
      if (member.join === undefined && member.instanceId === null) this.#roster.remove(member)
    const joined = this.members.filter(({ join }) => join !== undefined)
    if (joined.length === 0 && this.#roster.size > 0) {
      this.#rebalanceEnd = now + this.#roster.rebalanceTimeoutMs
      return
    }
    this.#rebalanceEnd = Infinity
    this.#initialDelayEnd = undefined
    this.#generation++
    if (this.#roster.size === 0) return this.#becomeEmpty()
    this.#roster.appointLeader(joined)
    this.#protocol = electProtocol(this.members)
    this.#phase = 'CompletingRebalance'
    this.#syncEnd = now + this.#roster.rebalanceTimeoutMs
    for (const member of this.members) {
      const reply = member.join
      member.join = undefined
      member.assignment = nothing
      this.#unsynced.add(member.id)
      this.#touch(member, now)
      reply?.(this.#joined(member))
    }
  }

  #becomeEmpty(): void {
    this.#phase = 'Empty'
    this.#protocol = null
    this.#expectNoSync()
  }

  #expectNoSync(): void {
    this.#unsynced.clear()
    this.#syncEnd = Infinity
  }

  #joined(member: Member): JoinResult {
    const isLeader = member.id === this.#roster.leader
    return {
      errorCode: errorCodes.NONE,
      generationId: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocol,
      leader: this.#roster.leader ?? '',
      skipAssignment: false,
      memberId: member.id,
      members: !isLeader
        ? []
        : this.members.map((each) => ({
            memberId: each.id,
            groupInstanceId: each.instanceId,
            metadata: metadataOf(each, this.#protocol),
          })),
    }
  }

  sync(
    claim: MemberClaim & {
      readonly protocolType: string | null
      readonly protocolName: string | null
    },
    assignments: ReadonlyMap<string, Buffer>,
    now: number,
    reply: Reply<SyncResult>,
  ): void {
    const { member, errorCode } = this.#current(claim)
    if (member === undefined) return reply(failedSync(errorCode))
    const { protocolType, protocolName } = claim
    if (
      (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocolName !== null && protocolName !== this.#protocol)
    )
      return reply(failedSync(errorCodes.INCONSISTENT_GROUP_PROTOCOL))
    this.#touch(member, now)
    if (this.#phase === 'PreparingRebalance')
      return reply(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
    this.#unsynced.delete(member.id)
    if (this.#unsynced.size === 0) this.#syncEnd = Infinity
    if (this.#phase === 'Stable') return reply(this.#synced(member))
    member.sync?.(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
    member.sync = reply
    if (member.id !== this.#roster.leader) return
    this.#phase = 'Stable'
    for (const each of this.members) {
      each.assignment = assignments.get(each.id) ?? nothing
      const waiting = each.sync
      each.sync = undefined
      if (waiting === undefined) continue
      this.#touch(each, now)
      waiting(this.#synced(each))
    }
  }

  #synced(member: Member): SyncResult {
    return {
      errorCode: errorCodes.NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocol,
      assignment: member.assignment,
    }
  }

  heartbeat(claim: MemberClaim, now: number): number {
    const { member, errorCode } = this.#current(claim)
    if (member === undefined) return errorCode
    this.#touch(member, now)
    return this.#phase === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
  }

  leave(memberId: string, instanceId: string | null, now: number): number {
    if (this.#pending.delete(memberId)) {
      this.#completeIfAllJoined(now)
      return errorCodes.NONE
    }
    const named = memberId === '' ? this.#roster.ofInstance(instanceId)?.id : memberId
    const { member, errorCode } = this.#roster.find({ memberId: named ?? '', instanceId })
    if (member === undefined) return errorCode
    this.#remove(member, errorCodes.UNKNOWN_MEMBER_ID, now)
    return errorCodes.NONE
  }

  /** Whether an offset may be committed under this claim; a commit is as good as a heartbeat. */
  judgeCommit(claim: MemberClaim, now: number, inTransaction = false): number {
    // The admin client, or a consumer without group management.
    if (claim.generationId < 0 && this.#phase === 'Empty') return errorCodes.NONE
    if (claim.generationId < 0 && claim.memberId === '' && claim.instanceId === null)
      return inTransaction ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
    const { member, errorCode } = this.#current(claim)
    if (member === undefined) return errorCode
    this.#touch(member, now)
    return this.#phase === 'CompletingRebalance' && !inTransaction
      ? errorCodes.REBALANCE_IN_PROGRESS
      : errorCodes.NONE
  }

  /** A member of the current generation, or the error that the claim meets. */
  #current(claim: MemberClaim): Claimant {
    return this.#roster.find(claim, { claimed: claim.generationId, current: this.#generation })
  }

  #touch(member: Member, now: number): void {
    member.sessionEnd = now + member.sessionTimeoutMs
  }

  #remove(member: Member, errorCode: number, now: number): void {
    this.#roster.remove(member)
    member.join?.(failedJoin(errorCode, member.id))
    member.sync?.(failedSync(errorCode))
    if (this.#phase === 'Empty') return
    if (this.#roster.size === 0) {
      this.#generation++
      this.#rebalanceEnd = Infinity
      this.#initialDelayEnd = undefined
      return this.#becomeEmpty()
    }
    if (this.#phase !== 'PreparingRebalance') this.#prepare(now)
    this.#completeIfAllJoined(now)
  }

  /** When `expire` has something to do next; Infinity for never. */
  nextDeadline(): number {
    const sessions = this.members.map((each) => (isWaiting(each) ? Infinity : each.sessionEnd))
    const rebalance = this.#phase === 'PreparingRebalance' ? this.#rebalanceEnd : Infinity
    const delay = this.#initialDelayEnd ?? Infinity
    return Math.min(...sessions, ...this.#pending.values(), delay, rebalance, this.#syncEnd)
  }

  expire(now: number): void {
    for (const [id, end] of this.#pending) if (end <= now) this.#pending.delete(id)
    for (const member of this.members)
      if (!isWaiting(member) && member.sessionEnd <= now)
        this.#remove(member, errorCodes.UNKNOWN_MEMBER_ID, now)
    if (this.#phase === 'PreparingRebalance') {
      if (this.#initialDelayEnd !== undefined && this.#initialDelayEnd <= now)
        this.#initialDelayEnd = undefined
      if (this.#rebalanceEnd <= now) this.#complete(now)
      else this.#completeIfAllJoined(now)
    }
    if (this.#syncEnd <= now) this.#expelUnsynced(now)
  }

  #expelUnsynced(now: number): void {
    const late = this.members.filter(({ id }) => this.#unsynced.has(id))
    this.#expectNoSync()
    for (const member of late) this.#remove(member, errorCodes.UNKNOWN_MEMBER_ID, now)
  }

  /** Another broker coordinates from now on: who waits is told, and every session starts anew. */
  move(now: number): void {
    for (const member of this.members) {
      member.join?.(failedJoin(errorCodes.NOT_COORDINATOR, member.id))
      member.sync?.(failedSync(errorCodes.NOT_COORDINATOR))
      member.join = undefined
      member.sync = undefined
      this.#touch(member, now)
    }
  }
}
