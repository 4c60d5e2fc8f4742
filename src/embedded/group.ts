import { errorCodes } from '../protocol/index.ts'
import {
  commonProtocols,
  electProtocol,
  metadataOf,
  nothing,
  sameProtocols,
  type JoinResult,
  type Member,
  type Protocol,
  type Reply,
  type SyncResult,
} from './members.ts'
import { GroupOffsets } from './offsets.ts'

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

export interface JoinAsk {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  /** KIP-394: a new dynamic member is told its id first, and joins with that. */
  readonly mustKnowMemberId: boolean
  /** KIP-814, JoinGroup 9: a returning static leader gets the members, and need not assign. */
  readonly canSkipAssignment: boolean
  /** The id that a new member gets. */
  readonly newMemberId: string
}

/** Who a member says that it is, in every request after joining. */
export interface MemberClaim {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
}

export class Group {
  readonly id: string
  readonly offsets = new GroupOffsets()
  readonly #members = new Map<string, Member>()
  readonly #static = new Map<string, string>()
  /** Ids given out that have not joined yet, and until when they may. */
  readonly #pending = new Map<string, number>()
  readonly #initialDelayMs: number
  #phase: GroupPhase = 'Empty'
  #generation = 0
  #protocolType: string | null = null
  #protocol: string | null = null
  #leader: string | null = null
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
    return [...this.#members.values()]
  }

  join(ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    const refused = this.#refuseJoin(ask)
    if (refused !== errorCodes.NONE) return reply(failedJoin(refused, ask.memberId))
    if (ask.memberId !== '') return this.#rejoin(ask, now, reply)
    const former = ask.instanceId === null ? undefined : this.#static.get(ask.instanceId)
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
    const others = this.members.filter(
      ({ id, instanceId }) =>
        id !== ask.memberId && (instanceId === null || instanceId !== ask.instanceId),
    )
    const common = commonProtocols(others)
    const supported = common === undefined || ask.protocols.some(({ name }) => common.has(name))
    return this.#protocolType === ask.protocolType && supported
      ? errorCodes.NONE
      : errorCodes.INCONSISTENT_GROUP_PROTOCOL
  }

  #rejoin(ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    if (this.#pending.has(ask.memberId)) return this.#add(ask.memberId, ask, now, reply)
    const { member, errorCode } = this.#claimant(ask)
    if (member === undefined) return reply(failedJoin(errorCode, ask.memberId))
    const unchanged = sameProtocols(member.protocols, ask.protocols)
    const isLeader = member.id === this.#leader
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
    if (this.#members.size === 0) this.#protocolType = ask.protocolType
    const member: Member = {
      id,
      instanceId: ask.instanceId,
      clientId: ask.clientId,
      clientHost: ask.clientHost,
      sessionTimeoutMs: ask.sessionTimeoutMs,
      rebalanceTimeoutMs: ask.rebalanceTimeoutMs,
      protocols: ask.protocols,
      assignment: nothing,
      sessionEnd: now + ask.sessionTimeoutMs,
      join: undefined,
      sync: undefined,
    }
    this.#members.set(id, member)
    if (ask.instanceId !== null) this.#static.set(ask.instanceId, id)
    this.#leader ??= id
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
  #replaceStatic(formerId: string, ask: JoinAsk, now: number, reply: Reply<JoinResult>): void {
    const former = this.#members.get(formerId)
    if (former === undefined) return reply(failedJoin(errorCodes.UNKNOWN_MEMBER_ID, ''))
    former.join?.(failedJoin(errorCodes.FENCED_INSTANCE_ID, formerId))
    former.sync?.(failedSync(errorCodes.FENCED_INSTANCE_ID))
    const unchanged = metadataOf(former, this.#protocol).equals(
      ask.protocols.find(({ name }) => name === this.#protocol)?.metadata ?? nothing,
    )
    const id = ask.newMemberId
    const member: Member = { ...former, id, join: undefined, sync: undefined }
    update(member, ask)
    this.#touch(member, now)
    this.#members.delete(formerId)
    this.#members.set(id, member)
    if (ask.instanceId !== null) this.#static.set(ask.instanceId, id)
    const wasLeader = this.#leader === formerId
    if (wasLeader) this.#leader = id
    if (this.#phase !== 'Stable' || !unchanged || electProtocol(this.members) !== this.#protocol)
      return this.#await(member, now, reply)
    // Nothing changed for the others. A client that cannot skip the assignment must not think it leads.
    const answer = this.#joined(member)
    if (!wasLeader) return reply(answer)
    reply(
      ask.canSkipAssignment
        ? { ...answer, skipAssignment: true }
        : { ...answer, leader: formerId, members: [] },
    )
  }

  #prepare(now: number): void {
    for (const member of this.#members.values()) {
      member.sync?.(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
      if (member.sync !== undefined) this.#touch(member, now)
      member.sync = undefined
    }
    const isFirst = this.#phase === 'Empty' && this.#initialDelayMs > 0
    this.#phase = 'PreparingRebalance'
    this.#expectNoSync()
    this.#rebalanceEnd = now + Math.max(...this.members.map((each) => each.rebalanceTimeoutMs))
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
      if (member.join === undefined && member.instanceId === null) this.#members.delete(member.id)
    const joined = this.members.filter(({ join }) => join !== undefined)
    if (joined.length === 0 && this.#members.size > 0) {
      this.#rebalanceEnd = now + Math.max(...this.members.map((each) => each.rebalanceTimeoutMs))
      return
    }
    this.#rebalanceEnd = Infinity
    this.#initialDelayEnd = undefined
    this.#generation++
    if (this.#members.size === 0) return this.#becomeEmpty()
    if (!joined.some(({ id }) => id === this.#leader)) this.#leader = joined[0]?.id ?? null
    this.#protocol = electProtocol(this.members)
    this.#phase = 'CompletingRebalance'
    this.#syncEnd = now + Math.max(...this.members.map((each) => each.rebalanceTimeoutMs))
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
    this.#leader = null
    this.#protocol = null
    this.#expectNoSync()
  }

  #expectNoSync(): void {
    this.#unsynced.clear()
    this.#syncEnd = Infinity
  }

  #joined(member: Member): JoinResult {
    const isLeader = member.id === this.#leader
    return {
      errorCode: errorCodes.NONE,
      generationId: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocol,
      leader: this.#leader ?? '',
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
    const { member, errorCode } = this.#claimant(claim, true)
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
    if (member.id !== this.#leader) return
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
    const { member, errorCode } = this.#claimant(claim, true)
    if (member === undefined) return errorCode
    this.#touch(member, now)
    return this.#phase === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
  }

  leave(memberId: string, instanceId: string | null, now: number): number {
    if (this.#pending.delete(memberId)) {
      this.#completeIfAllJoined(now)
      return errorCodes.NONE
    }
    const byInstance = instanceId === null ? undefined : this.#static.get(instanceId)
    const id = instanceId !== null && memberId === '' ? (byInstance ?? '') : memberId
    const { member, errorCode } = this.#claimant({ memberId: id, instanceId })
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
    const { member, errorCode } = this.#claimant(claim, true)
    if (member === undefined) return errorCode
    this.#touch(member, now)
    return this.#phase === 'CompletingRebalance' && !inTransaction
      ? errorCodes.REBALANCE_IN_PROGRESS
      : errorCodes.NONE
  }

  /** The member that the claim is about, or the error that it meets. */
  #claimant(
    claim: { memberId: string; instanceId: string | null; generationId?: number },
    withGeneration = false,
  ): { member: Member; errorCode: 0 } | { member: undefined; errorCode: number } {
    if (claim.instanceId !== null) {
      const current = this.#static.get(claim.instanceId)
      if (current === undefined)
        return { member: undefined, errorCode: errorCodes.UNKNOWN_MEMBER_ID }
      if (current !== claim.memberId)
        return { member: undefined, errorCode: errorCodes.FENCED_INSTANCE_ID }
    }
    const member = this.#members.get(claim.memberId)
    if (member === undefined) return { member, errorCode: errorCodes.UNKNOWN_MEMBER_ID }
    if (withGeneration && claim.generationId !== this.#generation)
      return { member: undefined, errorCode: errorCodes.ILLEGAL_GENERATION }
    return { member, errorCode: errorCodes.NONE }
  }

  #touch(member: Member, now: number): void {
    member.sessionEnd = now + member.sessionTimeoutMs
  }

  #remove(member: Member, errorCode: number, now: number): void {
    this.#members.delete(member.id)
    if (member.instanceId !== null && this.#static.get(member.instanceId) === member.id)
      this.#static.delete(member.instanceId)
    member.join?.(failedJoin(errorCode, member.id))
    member.sync?.(failedSync(errorCode))
    if (this.#leader === member.id) this.#leader = this.members[0]?.id ?? null
    if (this.#phase === 'Empty') return
    if (this.#members.size === 0) {
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

function update(member: Member, ask: JoinAsk): void {
  member.protocols = ask.protocols
  member.sessionTimeoutMs = ask.sessionTimeoutMs
  member.rebalanceTimeoutMs = ask.rebalanceTimeoutMs
  member.clientId = ask.clientId
  member.clientHost = ask.clientHost
}

const isWaiting = ({ join, sync }: Member): boolean => join !== undefined || sync !== undefined

export const failedJoin = (errorCode: number, memberId: string): JoinResult => ({
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  skipAssignment: false,
  memberId,
  members: [],
})

export const failedSync = (errorCode: number): SyncResult => ({
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: nothing,
})
