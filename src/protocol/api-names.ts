import { apiByKey } from './messages/index.ts'

/** What brokers and controllers say to each other. It is named, so that an error can name it, and never decoded. */
const interBrokerNames: ReadonlyMap<number, string> = new Map(
  Object.entries({
    4: 'LeaderAndIsr',
    5: 'StopReplica',
    6: 'UpdateMetadata',
    7: 'ControlledShutdown',
    52: 'Vote',
    53: 'BeginQuorumEpoch',
    54: 'EndQuorumEpoch',
    56: 'AlterPartition',
    58: 'Envelope',
    59: 'FetchSnapshot',
    62: 'BrokerRegistration',
    63: 'BrokerHeartbeat',
    67: 'AllocateProducerIds',
    70: 'ControllerRegistration',
    73: 'AssignReplicasToDirs',
    82: 'UpdateRaftVoter',
    83: 'InitializeShareGroupState',
    84: 'ReadShareGroupState',
    85: 'WriteShareGroupState',
    86: 'DeleteShareGroupState',
    87: 'ReadShareGroupStateSummary',
  }).map(([key, name]): [number, string] => [Number(key), name]),
)

/** Kafka's name of an API, for messages and metrics. */
export const apiName = (key: number): string =>
  apiByKey(key)?.name ?? interBrokerNames.get(key) ?? `Api${key}`
