import { apis } from '../../protocol/index.ts'
import type { CoordinatorLookup, Decision, RequestFrame } from '../decision.ts'
import type { RoutingTable } from '../table.ts'
import { translateListOffsets } from './02-list-offsets.ts'
import { translateMetadata } from './03-metadata.ts'
import { translateOffsetCommit } from './08-offset-commit.ts'
import { translateOffsetFetch } from './09-offset-fetch.ts'
import { translateFindCoordinator } from './10-find-coordinator.ts'
import { translateJoinGroup } from './11-join-group.ts'
import { translateSyncGroup } from './14-sync-group.ts'
import { translateDescribeGroups, translateDeleteGroups } from './15-describe-groups.ts'
import { translateListGroups } from './16-list-groups.ts'
import { translateCreateTopics } from './19-create-topics.ts'
import { translateDeleteTopics } from './20-delete-topics.ts'
import { translateDeleteRecords } from './21-delete-records.ts'
import { translateInitProducerId } from './22-init-producer-id.ts'
import { translateOffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { translateAddPartitionsToTxn } from './24-add-partitions-to-txn.ts'
import { translateWriteTxnMarkers } from './27-write-txn-markers.ts'
import { translateTxnOffsetCommit } from './28-txn-offset-commit.ts'
import { translateDescribeAcls, translateCreateAcls, translateDeleteAcls } from './29-acls.ts'
import {
  translateDescribeConfigs,
  translateAlterConfigs,
  translateIncrementalAlterConfigs,
} from './32-configs.ts'
import { translateAlterReplicaLogDirs, translateDescribeLogDirs } from './34-log-dirs.ts'
import { translateCreatePartitions } from './37-create-partitions.ts'
import { translateElectLeaders } from './43-elect-leaders.ts'
import {
  translateAlterPartitionReassignments,
  translateListPartitionReassignments,
} from './45-partition-reassignments.ts'
import { translateOffsetDelete } from './47-offset-delete.ts'
import { translateDescribeCluster } from './60-describe-cluster.ts'
import { translateDescribeProducers } from './61-describe-producers.ts'
import { translateDescribeTransactions, translateListTransactions } from './65-transactions.ts'
import { translateListConfigResources } from './74-list-config-resources.ts'
import { translateDescribeTopicPartitions } from './75-describe-topic-partitions.ts'
import type { Translation } from './translation.ts'

const translations: ReadonlyMap<number, Translation> = new Map([
  [apis.listOffsets.key, translateListOffsets],
  [apis.metadata.key, translateMetadata],
  [apis.offsetCommit.key, translateOffsetCommit],
  [apis.offsetFetch.key, translateOffsetFetch],
  [apis.findCoordinator.key, translateFindCoordinator],
  [apis.joinGroup.key, translateJoinGroup],
  [apis.syncGroup.key, translateSyncGroup],
  [apis.describeGroups.key, translateDescribeGroups],
  [apis.listGroups.key, translateListGroups],
  [apis.createTopics.key, translateCreateTopics],
  [apis.deleteTopics.key, translateDeleteTopics],
  [apis.deleteRecords.key, translateDeleteRecords],
  [apis.initProducerId.key, translateInitProducerId],
  [apis.offsetForLeaderEpoch.key, translateOffsetForLeaderEpoch],
  [apis.addPartitionsToTxn.key, translateAddPartitionsToTxn],
  [apis.writeTxnMarkers.key, translateWriteTxnMarkers],
  [apis.txnOffsetCommit.key, translateTxnOffsetCommit],
  [apis.describeAcls.key, translateDescribeAcls],
  [apis.createAcls.key, translateCreateAcls],
  [apis.deleteAcls.key, translateDeleteAcls],
  [apis.describeConfigs.key, translateDescribeConfigs],
  [apis.alterConfigs.key, translateAlterConfigs],
  [apis.alterReplicaLogDirs.key, translateAlterReplicaLogDirs],
  [apis.describeLogDirs.key, translateDescribeLogDirs],
  [apis.createPartitions.key, translateCreatePartitions],
  [apis.deleteGroups.key, translateDeleteGroups],
  [apis.electLeaders.key, translateElectLeaders],
  [apis.incrementalAlterConfigs.key, translateIncrementalAlterConfigs],
  [apis.alterPartitionReassignments.key, translateAlterPartitionReassignments],
  [apis.listPartitionReassignments.key, translateListPartitionReassignments],
  [apis.offsetDelete.key, translateOffsetDelete],
  [apis.describeCluster.key, translateDescribeCluster],
  [apis.describeProducers.key, translateDescribeProducers],
  [apis.describeTransactions.key, translateDescribeTransactions],
  [apis.listTransactions.key, translateListTransactions],
  [apis.listConfigResources.key, translateListConfigResources],
  [apis.describeTopicPartitions.key, translateDescribeTopicPartitions],
])

/**
 * The request in the words of the two clusters, and what they answer in the client's: every API but
 * Produce and Fetch, which stream. Undefined where nothing needs translating; then it goes the ordinary
 * way. Bytes that do not decode throw `DecodeError`.
 */
export function translate(
  table: RoutingTable,
  request: RequestFrame,
  coordinators: CoordinatorLookup,
): Decision | undefined {
  return translations.get(request.api.key)?.(table, request, coordinators)
}
