import type { LogLevel } from '../log.ts'

/** What the sidecar runs with: complete, checked, secrets resolved, frozen. Units are in the names. */
export interface Config {
  readonly name: string
  /** An absolute path. It need not exist yet. */
  readonly stateDir: string
  readonly source: ClusterConfig
  /** Without a target the sidecar is a plain pass-through. */
  readonly target: ClusterConfig | null
  readonly listen: ListenConfig
  readonly admin: AdminConfig
  readonly cutover: CutoverConfig
  readonly limits: Limits
  readonly log: { readonly level: LogLevel }
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface ClusterConfig {
  readonly bootstrapServers: readonly ServerAddress[]
  /** `{}` verifies with the system's authorities. Verification cannot be switched off. */
  readonly tls: ClientTls | null
  readonly sasl: SaslCredentials | null
}

/** PEM texts. */
export interface ClientTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly serverName?: string
}

export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type SaslMechanism = (typeof saslMechanisms)[number]

export interface SaslCredentials {
  readonly mechanism: SaslMechanism
  readonly username: string
  readonly password: string
}

export interface ListenConfig {
  readonly host: string
  /** Virtual broker i listens on this + i. */
  readonly port: number
  readonly advertisedHost: string
  /** PEM texts. With `ca`, clients must show a certificate of it. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca?: string } | null
  readonly sasl: { readonly users: readonly ListenUser[] } | null
}

export interface ListenUser {
  readonly username: string
  readonly password: string
}

export interface AdminConfig {
  readonly host: string
  readonly port: number
  readonly token: string | null
}

export const cutoverModes = ['ordered', 'unordered'] as const
export type CutoverMode = (typeof cutoverModes)[number]

export interface PlannedTopic {
  readonly source: string
  readonly target: string
  readonly mode: CutoverMode
  readonly carry: boolean
}

export type JournalPlace =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'topic'; readonly name: string }

export interface CutoverConfig {
  readonly mode: CutoverMode
  /** The plan; `null` is every topic. */
  readonly topics: readonly PlannedTopic[] | null
  readonly journal: JournalPlace
  readonly fenceDeadlineMs: number
  /** Copies what a compacted source topic holds, inside the fence. */
  readonly carry: boolean
  /** Makes stragglers impossible by refusing writes at the source. */
  readonly seal: boolean
}

export interface Limits {
  /** `null`: derived from the limit on file descriptors. */
  readonly connectionsMax: number | null
  readonly requestBytesMax: number
  readonly rewrittenResponseBytesMax: number
  /** All connections together. */
  readonly bufferedBytesMax: number
  /** Per connection. */
  readonly inFlightRequestsMax: number
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly unfinishedRequestTimeoutMs: number
  readonly unreadAnswerTimeoutMs: number
  readonly topologyAgeMsMax: number
  readonly splitFetchWaitMs: number
  readonly shutdownTimeoutMs: number
}
