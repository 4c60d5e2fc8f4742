/** What a running sidecar says about itself: the JSON of `GET /status`. Unknown numbers are `null`. */
export const phases = ['source', 'fenced', 'spliced', 'drained', 'target'] as const
export type Phase = (typeof phases)[number]
export type Direction = 'forward' | 'backward'

export const commandNames = ['cutover', 'rollback', 'abort', 'forget'] as const
export type CommandName = (typeof commandNames)[number]

export interface Status {
  readonly name: string
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  readonly mode: 'ordered' | 'unordered'
  readonly direction: Direction
  readonly phase: Phase
  /** Each says what for, as a sentence. */
  readonly waitingFor: readonly string[]
  readonly topics: readonly TopicStatus[]
  readonly groups: readonly GroupStatus[]
  readonly sidecars: readonly SidecarStatus[]
  readonly fence: { readonly durationMs: number | null; readonly heldRequests: number | null }
  /** Why the last cutover ended before its splice; null while none has. */
  readonly lastAbort: string | null
  /** The commands that are accepted now. */
  readonly allowed: readonly CommandName[]
  /** Bootstrap servers, as `host:port`. */
  readonly source: readonly string[]
  readonly target: readonly string[] | null
  readonly listeners: readonly ListenerStatus[]
  /** From applications, now. */
  readonly connections: number
}

export interface TopicStatus {
  readonly source: string
  readonly target: string
  readonly mode: 'ordered' | 'unordered'
  /** As applications see them: of an unordered topic the source's, then the target's. */
  readonly partitions: readonly PartitionStatus[]
}

export interface PartitionStatus {
  readonly partition: number
  readonly sourceEnd: number | null
  readonly targetStart: number | null
  readonly stragglers: number | null
  readonly sourceWriteRate: number | null
}

/** The JSON of `GET /offsets`: one position, as clients see it and on each cluster. */
export interface OffsetsStatus {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Null where that cluster does not have it. */
  readonly source: OffsetStatus | null
  readonly target: OffsetStatus | null
}

export interface OffsetStatus {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface GroupStatus {
  readonly group: string
  readonly state: 'source' | 'draining' | 'dormant' | 'moving' | 'moved' | 'forgotten'
  readonly members: number | null
  readonly remaining: number | null
  readonly ratePerSecond: number | null
  readonly etaSeconds: number | null
}

export interface SidecarStatus {
  readonly name: string
  readonly acknowledged: boolean
  readonly lastSeenMs: number | null
}

/** A virtual broker, and the broker behind it in each cluster. Slot 0 is the bootstrap listener. */
export interface ListenerStatus {
  readonly slot: number
  /** What clients are told, as `host:port`. */
  readonly address: string
  /** The virtual node id; none for the bootstrap listener. */
  readonly nodeId: number | null
  readonly home: { readonly source: string | null; readonly target: string | null }
}
