import { nodeId, type ClusterName } from '../../ids.ts'
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
