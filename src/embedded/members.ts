/** One member of a classic group, as its coordinator sees it. */
export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinResult {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly metadata: Buffer
  }[]
}

export interface SyncResult {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export type Reply<T> = (result: T) => void

export interface Member {
  readonly id: string
  readonly instanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly Protocol[]
  assignment: Buffer
  /** When it is expelled unless heard of; a member that waits for an answer of ours cannot be. */
  sessionEnd: number
  join: Reply<JoinResult> | undefined
  sync: Reply<SyncResult> | undefined
}

/** What a JoinGroup request asks for. */
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

export const nothing = Buffer.alloc(0)

export function sameProtocols(a: readonly Protocol[], b: readonly Protocol[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, metadata }, index) => {
      const other = b[index]
      return other?.name === name && other.metadata.equals(metadata)
    })
  )
}

/** The protocols that every member knows. */
export function commonProtocols(members: Iterable<Member>): ReadonlySet<string> | undefined {
  let common: Set<string> | undefined
  for (const { protocols } of members) {
    const names = new Set(protocols.map(({ name }) => name))
    common = common === undefined ? names : new Set([...common].filter((name) => names.has(name)))
  }
  return common
}

/** Each member votes for the first protocol in its own list that all know. */
export function electProtocol(members: Iterable<Member>): string | null {
  const all = [...members]
  const common = commonProtocols(all)
  const votes = new Map<string, number>()
  for (const { protocols } of all) {
    const vote = protocols.find(({ name }) => common?.has(name))
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  let winner: string | null = null
  for (const [name, count] of votes)
    if (winner === null || count > (votes.get(winner) ?? 0)) winner = name
  return winner
}

export const metadataOf = (member: Member, protocol: string | null): Buffer =>
  member.protocols.find(({ name }) => name === protocol)?.metadata ?? nothing

export const newMember = (id: string, ask: JoinAsk, now: number): Member => ({
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
})

export function update(member: Member, ask: JoinAsk): void {
  member.protocols = ask.protocols
  member.sessionTimeoutMs = ask.sessionTimeoutMs
  member.rebalanceTimeoutMs = ask.rebalanceTimeoutMs
  member.clientId = ask.clientId
  member.clientHost = ask.clientHost
}

export const isWaiting = ({ join, sync }: Member): boolean =>
  join !== undefined || sync !== undefined

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
