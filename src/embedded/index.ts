/** Kafka in this process, over real sockets, with scripted faults: for the demo and for tests. */
export { systemClock, type Clock, type Timer } from './clock.ts'
export {
  startEmbeddedCluster,
  type EmbeddedBroker,
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  type TopicOptions,
} from './cluster.ts'
export type { ControlHandler, ControlledConnection, ControlOutcome } from './control.ts'
export { Group, type GroupPhase } from './group.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { JoinAsk, JoinResult, SyncResult } from './members.ts'
export type { MemberClaim } from './roster.ts'
export { PartitionLog, type AppendResult, type StoredRecord } from './log.ts'
export { releases, type ApiName, type VersionCaps } from './versions.ts'
