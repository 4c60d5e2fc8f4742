/** What bounds the cluster's memory and patience. A broker's own names are given where it has them. */
export interface Limits {
  /** Of one partition; above it a Produce is answered KAFKA_STORAGE_ERROR. */
  readonly logBytesMax: number
  /** `socket.request.max.bytes`: a longer frame ends the connection. */
  readonly requestBytesMax: number
  /** `max.message.bytes`, where the topic's configuration does not say otherwise. */
  readonly batchBytesMax: number
  /** `fetch.max.bytes` of the broker. */
  readonly fetchBytesMax: number
  /** `max.incremental.fetch.session.cache.slots`, per broker. */
  readonly fetchSessionsMax: number
  /** `offset.metadata.max.bytes`. */
  readonly offsetMetadataBytesMax: number
  /** Connections of one broker; one more is closed at once. */
  readonly connectionsMax: number
  /** Partitions of one topic. */
  readonly partitionsMax: number
  /** Producer ids that one partition remembers; the one unheard of for longest is forgotten. */
  readonly producersMax: number
  /** `group.min.session.timeout.ms` and `group.max.session.timeout.ms`. */
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  /** `group.initial.rebalance.delay.ms`; a broker's own default is 3000. */
  readonly initialRebalanceDelayMs: number
  /** `transaction.max.timeout.ms`. */
  readonly transactionTimeoutMsMax: number
}

export const defaultLimits: Limits = {
  logBytesMax: 256 * 1024 * 1024,
  requestBytesMax: 100 * 1024 * 1024,
  batchBytesMax: 1_048_588,
  fetchBytesMax: 55 * 1024 * 1024,
  fetchSessionsMax: 1000,
  offsetMetadataBytesMax: 4096,
  connectionsMax: 1000,
  partitionsMax: 10_000,
  producersMax: 10_000,
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  initialRebalanceDelayMs: 0,
  transactionTimeoutMsMax: 900_000,
}
