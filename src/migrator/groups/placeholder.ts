import { CutoverError } from '../../errors.ts'
import { apis, errorCodes, errorName, type JoinGroupResponse } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import type { HeldMember } from './gate.ts'
import {
  administrator,
  leaveGroup,
  withCoordinator,
  type Committer,
  type DescribedGroup,
} from './group-requests.ts'

/** Versions: the last before tagged fields; v4 of JoinGroup brought MEMBER_ID_REQUIRED (KIP-394). */
const known = { join: 5, sync: 3, heartbeat: 3 } as const
/** If we die and nobody takes us out, the target forgets us after it. Brokers allow 6 s and more by default. */
export const sessionTimeoutMs = 10_000
const rebalanceTimeoutMs = 60_000
export const heartbeatIntervalMs = 3_000
/** As what the own requests name themselves: `Cluster` sends it. */
export const placeholderClientId = 'kafka-cutover'

type Protocols = HeldMember['protocols']

/**
 * A member of ours that keeps a group on the target from completing a generation before everybody has come:
 * it does not rejoin when they do, so that the broker waits; when all are there, it leaves. The broker's
 * initial delay (3 s) is spent before anybody waits.
 */
export class Placeholder {
  readonly #cluster: Cluster
  readonly #group: string
  readonly #protocolType: string
  #protocols: Protocols
  #committer: Committer = administrator

  /** @param cluster connections of the placeholder's own: a JoinGroup makes its connection wait. */
  constructor(cluster: Cluster, group: string, protocolType: string, protocols: Protocols) {
    this.#cluster = cluster
    this.#group = group
    this.#protocolType = protocolType
    this.#protocols = protocols
  }

  get hasJoined(): boolean {
    return this.#committer.memberId !== ''
  }

  get committer(): Committer {
    return this.#committer
  }

  /** Rejects where the target refuses, with its error. */
  async join(): Promise<void> {
    let answer = await this.#join(this.#committer.memberId)
    if (answer.errorCode === errorCodes.MEMBER_ID_REQUIRED)
      answer = await this.#join(answer.memberId)
    if (answer.errorCode !== errorCodes.NONE) throw this.#refused('JoinGroup', answer.errorCode)
    this.#committer = { memberId: answer.memberId, generationId: answer.generationId }
    await this.#sync()
  }

  /** Joins anew where a held member shares no protocol with us: the target would refuse it. */
  async support(held: readonly HeldMember[]): Promise<void> {
    const names = new Set(this.#protocols.map(({ name }) => name))
    const isShared = ({ protocols }: HeldMember) => protocols.some(({ name }) => names.has(name))
    if (held.every(isShared)) return
    const offered = held.flatMap(({ protocols }) => protocols)
    this.#protocols = [...new Map(offered.map((each) => [each.name, each])).values()]
    await this.join()
  }

  #join(memberId: string): Promise<JoinGroupResponse> {
    const body = {
      groupId: this.#group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      protocolType: this.#protocolType,
      protocols: [...this.#protocols],
    }
    return withCoordinator(this.#cluster, this.#group, async () => {
      const answer = await this.#cluster.ask(apis.joinGroup, known.join, body, this.#coordinator)
      return { answer, errors: [answer.errorCode] }
    })
  }

  async #sync(): Promise<void> {
    const body = { groupId: this.#group, ...this.#committer, assignments: [] }
    const { errorCode } = await this.#cluster.ask(
      apis.syncGroup,
      known.sync,
      body,
      this.#coordinator,
    )
    if (errorCode !== errorCodes.NONE) throw this.#refused('SyncGroup', errorCode)
  }

  /** REBALANCE_IN_PROGRESS, when the members come, keeps the session as well. */
  async heartbeat(): Promise<void> {
    const body = { groupId: this.#group, ...this.#committer }
    await this.#cluster.ask(apis.heartbeat, known.heartbeat, body, this.#coordinator)
  }

  async leave(): Promise<void> {
    const { memberId } = this.#committer
    if (memberId === '') return
    await leaveGroup(this.#cluster, this.#group, memberId)
    this.#committer = administrator
  }

  get #coordinator(): { readonly group: string } {
    return { group: this.#group }
  }

  #refused(asked: string, errorCode: number): CutoverError {
    return new CutoverError(
      'upstream_invalid',
      `the target refused our place in group ${this.#group}: ${asked} was answered ${errorName(errorCode)}`,
    )
  }
}

/**
 * The protocols under which a placeholder fits to a group: the one in use, which every member supports.
 * Undefined while the group rebalances, when the source does not tell it.
 */
export function protocolsOf(group: DescribedGroup): Protocols | undefined {
  const [member] = group.members
  if (group.groupState !== 'Stable' || member === undefined || group.protocolData === '') {
    return undefined
  }
  return [{ name: group.protocolData, metadata: member.memberMetadata }]
}
