import { nodeId, type ClusterName } from '../../ids.ts'
import { apis, errorCodes, type FindCoordinatorResponse } from '../../protocol/index.ts'
import { bodyOf, throttle, type CoordinatorKind } from '../decision.ts'
import { virtualBroker, type ClusterFact } from '../rewriters/rewriter.ts'
import { anyOf, type RoutingTable } from '../table.ts'
import { placeOf, type View } from '../view.ts'
import { clusterOfTransactions, translated, type Translation } from './translation.ts'

type Found = FindCoordinatorResponse['coordinators'][number]
const kinds: Readonly<Record<number, CoordinatorKind>> = { 0: 'group', 1: 'transaction' }

/**
 * FindCoordinator, every version: groups where they live, transactional ids on the target behind the
 * splice. From v4 on several keys are asked for at once (KIP-699), each in its own cluster.
 */
export const translateFindCoordinator: Translation = (table, request) => {
  const api = apis.findCoordinator
  const { version } = request
  const asked = bodyOf(api, request)
  const of = kinds[asked.keyType]
  const keysOf = new Map<ClusterName, string[]>()
  for (const key of version >= 4 ? asked.coordinatorKeys : [asked.key]) {
    const cluster = clusterOfKey(table.view, of, key)
    if (!keysOf.get(cluster)?.push(key)) keysOf.set(cluster, [key])
  }
  const clusters = [...keysOf.keys()]
  if (clusters.every((cluster) => cluster === 'source') && table.view.home === 'source') {
    return undefined
  }
  const found = (answers: readonly FindCoordinatorResponse[]) =>
    answers.flatMap((answer, i) =>
      (version >= 4 ? answer.coordinators : [{ ...answer, key: asked.key }]).map((each) => ({
        cluster: clusters[i] ?? 'source',
        each,
      })),
    )
  return translated(
    api,
    request,
    clusters.map((cluster) => ({
      to: anyOf(cluster),
      body: version >= 4 ? { ...asked, coordinatorKeys: keysOf.get(cluster) ?? [] } : asked,
    })),
    (answers, now) => {
      const coordinators = found(answers).map(({ cluster, each }) => show(now, cluster, each))
      const [only] = coordinators
      const throttleTimeMs = throttle(answers)
      return version >= 4
        ? { throttleTimeMs, coordinators }
        : { ...answers[0], ...only, throttleTimeMs, coordinators: [] }
    },
    (answers) => {
      const known = found(answers).filter(({ each }) => each.errorCode === 0)
      return {
        facts: known.flatMap(({ cluster, each }): ClusterFact[] =>
          of === undefined
            ? []
            : [{ kind: 'coordinator', of, key: each.key, nodeId: nodeId(each.nodeId), cluster }],
        ),
        nodeIds: known
          .filter(({ cluster }) => cluster === 'source')
          .map(({ each }) => nodeId(each.nodeId)),
      }
    },
  )
}

/** Shares have no place of their own: they are where everything else is. */
function clusterOfKey(view: View, of: CoordinatorKind | undefined, key: string): ClusterName {
  if (of === 'transaction') return clusterOfTransactions(view)
  if (of === undefined) return view.home
  return placeOf(view, key) === 'target' ? 'target' : 'source'
}

/** With the virtual address; retriable COORDINATOR_NOT_AVAILABLE while the broker has none. */
function show(table: RoutingTable, cluster: ClusterName, found: Found): Found {
  const nowhere = { ...found, nodeId: -1, host: '', port: -1 }
  if (found.errorCode !== 0) return nowhere
  const shown = virtualBroker(table, cluster, nodeId(found.nodeId))
  if (shown === undefined) return { ...nowhere, errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE }
  return { ...found, ...shown }
}
