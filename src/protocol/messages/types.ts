export type { ProduceRequest, ProduceResponse } from './00-produce.ts'
export type { FetchRequest, FetchResponse } from './01-fetch.ts'
export type { ListOffsetsRequest, ListOffsetsResponse } from './02-list-offsets.ts'
export type { MetadataRequest, MetadataResponse } from './03-metadata.ts'
export type { OffsetCommitRequest, OffsetCommitResponse } from './08-offset-commit.ts'
export type { OffsetFetchRequest, OffsetFetchResponse } from './09-offset-fetch.ts'
export type { FindCoordinatorRequest, FindCoordinatorResponse } from './10-find-coordinator.ts'
export type { JoinGroupRequest, JoinGroupResponse } from './11-join-group.ts'
export type { HeartbeatRequest, HeartbeatResponse } from './12-heartbeat.ts'
export type { LeaveGroupRequest, LeaveGroupResponse } from './13-leave-group.ts'
export type { SyncGroupRequest, SyncGroupResponse } from './14-sync-group.ts'
export type { DescribeGroupsRequest, DescribeGroupsResponse } from './15-describe-groups.ts'
export type { ListGroupsRequest, ListGroupsResponse } from './16-list-groups.ts'
export type { SaslHandshakeRequest, SaslHandshakeResponse } from './17-sasl-handshake.ts'
export type { ApiVersionsRequest, ApiVersionsResponse } from './18-api-versions.ts'
export type { CreateTopicsRequest, CreateTopicsResponse } from './19-create-topics.ts'
export type { DeleteTopicsRequest, DeleteTopicsResponse } from './20-delete-topics.ts'
export type { DeleteRecordsRequest, DeleteRecordsResponse } from './21-delete-records.ts'
export type { InitProducerIdRequest, InitProducerIdResponse } from './22-init-producer-id.ts'
export type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './23-offset-for-leader-epoch.ts'
export type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './24-add-partitions-to-txn.ts'
export type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from './25-add-offsets-to-txn.ts'
export type { EndTxnRequest, EndTxnResponse } from './26-end-txn.ts'
export type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from './27-write-txn-markers.ts'
export type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './28-txn-offset-commit.ts'
export type { DescribeAclsRequest, DescribeAclsResponse } from './29-describe-acls.ts'
export type { CreateAclsRequest, CreateAclsResponse } from './30-create-acls.ts'
export type { DeleteAclsRequest, DeleteAclsResponse } from './31-delete-acls.ts'
export type { DescribeConfigsRequest, DescribeConfigsResponse } from './32-describe-configs.ts'
export type { AlterConfigsRequest, AlterConfigsResponse } from './33-alter-configs.ts'
export type {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './34-alter-replica-log-dirs.ts'
export type { DescribeLogDirsRequest, DescribeLogDirsResponse } from './35-describe-log-dirs.ts'
export type { SaslAuthenticateRequest, SaslAuthenticateResponse } from './36-sasl-authenticate.ts'
export type { CreatePartitionsRequest, CreatePartitionsResponse } from './37-create-partitions.ts'
export type {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from './38-create-delegation-token.ts'
export type {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from './39-renew-delegation-token.ts'
export type {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from './40-expire-delegation-token.ts'
export type {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from './41-describe-delegation-token.ts'
export type { DeleteGroupsRequest, DeleteGroupsResponse } from './42-delete-groups.ts'
export type { ElectLeadersRequest, ElectLeadersResponse } from './43-elect-leaders.ts'
export type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './44-incremental-alter-configs.ts'
export type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './45-alter-partition-reassignments.ts'
export type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './46-list-partition-reassignments.ts'
export type { OffsetDeleteRequest, OffsetDeleteResponse } from './47-offset-delete.ts'
export type {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './48-describe-client-quotas.ts'
export type {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from './49-alter-client-quotas.ts'
export type {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './50-describe-user-scram-credentials.ts'
export type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './51-alter-user-scram-credentials.ts'
export type { DescribeQuorumRequest, DescribeQuorumResponse } from './55-describe-quorum.ts'
export type { UpdateFeaturesRequest, UpdateFeaturesResponse } from './57-update-features.ts'
export type { DescribeClusterRequest, DescribeClusterResponse } from './60-describe-cluster.ts'
export type {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from './61-describe-producers.ts'
export type { UnregisterBrokerRequest, UnregisterBrokerResponse } from './64-unregister-broker.ts'
export type {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './65-describe-transactions.ts'
export type { ListTransactionsRequest, ListTransactionsResponse } from './66-list-transactions.ts'
export type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './68-consumer-group-heartbeat.ts'
export type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './69-consumer-group-describe.ts'
export type {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './71-get-telemetry-subscriptions.ts'
export type { PushTelemetryRequest, PushTelemetryResponse } from './72-push-telemetry.ts'
export type {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './74-list-config-resources.ts'
export type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './75-describe-topic-partitions.ts'
export type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from './76-share-group-heartbeat.ts'
export type {
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from './77-share-group-describe.ts'
export type { ShareFetchRequest, ShareFetchResponse } from './78-share-fetch.ts'
export type { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from './79-share-acknowledge.ts'
export type { AddRaftVoterRequest, AddRaftVoterResponse } from './80-add-raft-voter.ts'
export type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from './81-remove-raft-voter.ts'
export type {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from './88-streams-group-heartbeat.ts'
export type {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from './89-streams-group-describe.ts'
export type {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from './90-describe-share-group-offsets.ts'
export type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from './91-alter-share-group-offsets.ts'
export type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from './92-delete-share-group-offsets.ts'
