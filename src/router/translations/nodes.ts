import { nodeId, type ClusterName } from '../../ids.ts'
import { errorCodes } from '../../protocol/index.ts'
import { virtualBroker } from '../rewriters/rewriter.ts'
import type { RoutingTable } from '../table.ts'

/** The brokers as clients see them once a second cluster answers too: every virtual one. */
export function shownBrokers(table: RoutingTable) {
  const { home } = table.view
  return table.virtualBrokers.flatMap((slot) => {
    const address = virtualBroker(table, 'source', slot.nodeId)
    const homeId = home === 'source' ? slot.nodeId : slot.target
    const rack = homeId === null ? null : (table[home].brokers.get(homeId)?.rack ?? null)
    return address === undefined ? [] : [{ ...address, rack }]
  })
}

/** As what clients know a broker; -1 while it has no virtual one. */
export const shownNode = (table: RoutingTable, cluster: ClusterName, id: number): number =>
  virtualBroker(table, cluster, nodeId(id))?.nodeId ?? -1

/** The same of a list; those without a virtual one are left out. */
export const shownNodes = (
  table: RoutingTable,
  cluster: ClusterName,
  ids: readonly number[],
): number[] => ids.map((id) => shownNode(table, cluster, id)).filter((id) => id >= 0)

/** Who has a partition, as Metadata and DescribeTopicPartitions say it. */
export interface Replicas {
  readonly errorCode: number
  readonly leaderId: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** The same by virtual brokers; retriable LEADER_NOT_AVAILABLE while the leader has none. */
export function showReplicas<P extends Replicas>(
  table: RoutingTable,
  cluster: ClusterName,
  partition: P,
): P {
  const leaderId = shownNode(table, cluster, partition.leaderId)
  return {
    ...partition,
    errorCode:
      partition.errorCode === 0 && leaderId < 0
        ? errorCodes.LEADER_NOT_AVAILABLE
        : partition.errorCode,
    leaderId,
    replicaNodes: shownNodes(table, cluster, partition.replicaNodes),
    isrNodes: shownNodes(table, cluster, partition.isrNodes),
    offlineReplicas: shownNodes(table, cluster, partition.offlineReplicas),
  }
}

/** Whom clients ask for what only the controller does: any will do, we pass it on. */
export function shownController(table: RoutingTable, answered: number): number {
  const shown = shownNode(table, table.view.home, answered)
  return shown >= 0 ? shown : (table.virtualBrokers[0]?.nodeId ?? -1)
}

/** The broker of a cluster that is meant by a virtual one; -1, which no broker is, if there is none. */
export function nativeNode(table: RoutingTable, cluster: ClusterName, shown: number): number {
  const slot = table.slotOf.get(nodeId(shown))
  if (cluster === 'source') return shown
  return slot?.target ?? -1
}

/** Replicas that a client chose, as the brokers of a cluster. */
export const nativeAssignments = <A extends { readonly brokerIds: readonly number[] }>(
  table: RoutingTable,
  cluster: ClusterName,
  assignments: readonly A[],
): A[] =>
  assignments.map((assignment) => ({
    ...assignment,
    brokerIds: assignment.brokerIds.map((id) => nativeNode(table, cluster, id)),
  }))
