import type { ClusterName } from '../../ids.ts'
import { apis, type ListConfigResourcesResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { anyOf, type RoutingTable } from '../table.ts'
import { visibleNames } from './by-cluster.ts'
import { shownNode } from './nodes.ts'
import { clustersInUse, firstError, translated, type Translation } from './translation.ts'

type Resource = ListConfigResourcesResponse['configResources'][number]

/** Kafka's ConfigResource types. */
const topicResource = 2
const brokerResource = 4
const brokerLoggerResource = 8

/** ListConfigResources (KIP-1142), every version: topics of the cluster that has them, all others of the home. */
export const translateListConfigResources: Translation = ({ view }, request) => {
  if (!view.spliced) return undefined
  const api = apis.listConfigResources
  const body = bodyOf(api, request)
  const clusters = clustersInUse(view)
  const parts = clusters.map((cluster) => ({ to: anyOf(cluster), body }))
  return translated(api, request, parts, (answers, now) => {
    const show = shownResource(now)
    return {
      throttleTimeMs: throttle(answers),
      errorCode: firstError(answers),
      configResources: answers.flatMap(({ configResources }, i) =>
        configResources.flatMap((resource) => show(clusters[i] ?? view.home, resource) ?? []),
      ),
    }
  })
}

/** Undefined for what is not the clients' to see, and for a broker that has no virtual one. */
function shownResource(
  table: RoutingTable,
): (cluster: ClusterName, resource: Resource) => Resource | undefined {
  const visible = visibleNames(table)
  return (cluster, resource) => {
    const { resourceType, resourceName: native } = resource
    if (resourceType === topicResource) {
      const resourceName = visible(cluster, native)
      return resourceName === undefined ? undefined : { ...resource, resourceName }
    }
    if (cluster !== table.view.home) return undefined
    const isBroker = resourceType === brokerResource || resourceType === brokerLoggerResource
    // The brokers' common defaults have no name.
    if (!isBroker || cluster === 'source' || native === '') return resource
    const shown = shownNode(table, cluster, Number(native))
    return shown < 0 ? undefined : { ...resource, resourceName: String(shown) }
  }
}
