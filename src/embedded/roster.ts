import { errorCodes } from '../protocol/index.ts'
import { commonProtocols, type Member, type Protocol } from './members.ts'

/** Who a member says that it is, in every request after joining. */
export interface MemberClaim {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
}

export type Claimant =
  | { readonly member: Member; readonly errorCode: 0 }
  | { readonly member: undefined; readonly errorCode: number }

/** Who belongs to a group, by member id and by the instance id of static members, and who leads. */
export class Roster {
  readonly #members = new Map<string, Member>()
  readonly #static = new Map<string, string>()
  #leader: string | null = null

  get all(): readonly Member[] {
    return [...this.#members.values()]
  }

  get size(): number {
    return this.#members.size
  }

  get leader(): string | null {
    return this.#leader
  }

  /** The time that the slowest member may take to join again. */
  get rebalanceTimeoutMs(): number {
    return Math.max(...this.all.map((member) => member.rebalanceTimeoutMs))
  }

  ofInstance(instanceId: string | null): Member | undefined {
    return instanceId === null ? undefined : this.#members.get(this.#static.get(instanceId) ?? '')
  }

  /** The member that a claim is about, or the error that it meets. */
  find(
    { memberId, instanceId }: Omit<MemberClaim, 'generationId'>,
    generation?: { readonly claimed: number; readonly current: number },
  ): Claimant {
    const failed = (errorCode: number) => ({ member: undefined, errorCode })
    if (instanceId !== null) {
      const current = this.#static.get(instanceId)
      if (current === undefined) return failed(errorCodes.UNKNOWN_MEMBER_ID)
      if (current !== memberId) return failed(errorCodes.FENCED_INSTANCE_ID)
    }
    const member = this.#members.get(memberId)
    if (member === undefined) return failed(errorCodes.UNKNOWN_MEMBER_ID)
    if (generation !== undefined && generation.claimed !== generation.current)
      return failed(errorCodes.ILLEGAL_GENERATION)
    return { member, errorCode: errorCodes.NONE }
  }

  /** The first member leads. */
  add(member: Member): void {
    this.#members.set(member.id, member)
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.id)
    this.#leader ??= member.id
  }

  replace(former: Member, member: Member): void {
    this.#members.delete(former.id)
    if (this.#leader === former.id) this.#leader = member.id
    this.add(member)
  }

  remove(member: Member): void {
    this.#members.delete(member.id)
    if (member.instanceId !== null && this.#static.get(member.instanceId) === member.id)
      this.#static.delete(member.instanceId)
    if (this.#leader === member.id) this.#leader = this.all[0]?.id ?? null
  }

  /** The leader stays, if it is one of these. */
  appointLeader(candidates: readonly Member[]): void {
    if (!candidates.some(({ id }) => id === this.#leader)) this.#leader = candidates[0]?.id ?? null
  }

  /** Whether one of these protocols is known to all others than this member. */
  understands(
    protocols: readonly Protocol[],
    self: { readonly memberId: string; readonly instanceId: string | null },
  ): boolean {
    const others = this.all.filter(
      ({ id, instanceId }) =>
        id !== self.memberId && (instanceId === null || instanceId !== self.instanceId),
    )
    const common = commonProtocols(others)
    return common === undefined || protocols.some(({ name }) => common.has(name))
  }
}
