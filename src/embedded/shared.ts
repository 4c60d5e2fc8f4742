import type { LocalUsers } from '../security/index.ts'
import type { Clock } from './clock.ts'
import type { Coordinators, Groups } from './coordinators.ts'
import type { FetchSessions } from './fetch-sessions.ts'
import type { Limits } from './limits.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { ClusterState } from './state.ts'
import type { Transactions } from './transactions.ts'
import type { OfferedVersions } from './versions.ts'

/** What the request handlers of all brokers of one cluster share. */
export interface Shared {
  readonly state: ClusterState
  readonly groups: Groups
  readonly coordinators: Coordinators
  readonly transactions: Transactions
  readonly producerIds: ProducerIds
  readonly clock: Clock
  readonly limits: Limits
  readonly versions: OfferedVersions
  readonly users: LocalUsers | undefined
  readonly autoCreateTopics: boolean
  readonly defaultPartitions: number
  readonly defaultReplicas: number
  /** A new topic id, or the random part of a member id: base64url of 16 bytes. */
  readonly newUuid: () => string
}

/** One request, beside its body: who asks whom. */
export interface Call {
  readonly shared: Shared
  /** The broker that was asked. */
  readonly nodeId: number
  readonly sessions: FetchSessions
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientHost: string
  /** Aborted when the connection has gone: nobody waits for the answer any more. */
  readonly gone: AbortSignal
}

/** A handler returns this where the broker closes the connection instead of answering. */
export const closeConnection = Symbol('close the connection')
/** A handler returns this where there is no answer (acks=0). */
export const noAnswer = Symbol('no answer')
