import type { ClusterName, NodeId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import type { Retained, RoutingTable, SequenceBases } from '../router/index.ts'
import type { BufferPool } from './buffers.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { Groups } from './groups.ts'
import type { GrowthSignals } from './growth.ts'
import type { MovedReadings } from './readings.ts'
import type { LoginPolicy } from './session-login.ts'

export interface SessionLimits {
  readonly requestBytesMax: number
  readonly inFlightRequestsMax: number
  readonly answerTimeoutMs: number
  readonly unfinishedRequestTimeoutMs: number
  readonly unreadAnswerTimeoutMs: number
  readonly splitFetchWaitMs: number
  readonly rewrittenResponseBytesMax: number
}

/** What every session needs of the proxy that it belongs to. */
export interface SessionContext {
  readonly table: () => RoutingTable
  /** The cluster that answers what concerns no topic and no group. */
  readonly home: () => ClusterClient
  /** The target is there only where one is configured. */
  readonly cluster: (name: ClusterName) => ClusterClient
  /** Resolves when the routing table is replaced. */
  readonly tableChanged: () => Promise<void>
  readonly groups: Groups
  /** What makes clients see the partitions that a flip adds. */
  readonly growth: GrowthSignals
  /** Behind which offsets partitions were written, while a splice is near; by `partitionKey`. */
  readonly acked: Map<string, bigint>
  /** What is taken off sequence numbers, for targets that want each producer to begin at 0. */
  readonly bases: SequenceBases
  /** What the source holds of producers that may send it again. */
  readonly retained: Retained
  /** What is learned from Fetches about partitions that have moved. */
  readonly readings: MovedReadings
  /** Resolves when more is known of that cluster, rejects when that takes too long. */
  readonly discovered: () => Promise<void>
  /** Resolves when each of these brokers has a virtual one, as far as it can have. */
  readonly settled: (nodeIds: readonly NodeId[]) => Promise<void>
  readonly login: Omit<LoginPolicy, 'verify'>
  readonly limits: SessionLimits
  readonly pool: BufferPool
  readonly observer: Observer
  readonly log: Log
}
