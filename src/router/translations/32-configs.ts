import { nodeId, type ClusterName } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { showAddresses } from '../rewriters/32-describe-configs.ts'
import { anyOf, destination, type Destination, type RoutingTable } from '../table.ts'
import { byCluster, nameIn, shownNames } from './by-cluster.ts'
import { nativeNode, shownNode } from './nodes.ts'
import { clusterOfTopic, controllerOf, type Translation } from './translation.ts'

/** Kafka's ConfigResource types. */
const topicResource = 2
const brokerResource = 4
const brokerLoggerResource = 8

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

/** A broker by its id; the name of the brokers' common defaults is empty. */
const isBroker = ({ resourceType, resourceName }: Resource): boolean =>
  (resourceType === brokerResource || resourceType === brokerLoggerResource) &&
  /^\d{1,10}$/.test(resourceName)

/** Topics where they are, brokers where everything else is, each at itself. */
function placeOfResource(
  table: RoutingTable,
  resource: Resource,
  others: (cluster: ClusterName) => Destination,
): Destination {
  const { home } = table.view
  if (resource.resourceType === topicResource) {
    return others(clusterOfTopic(table, resource.resourceName))
  }
  if (!isBroker(resource)) return others(home)
  const id = nodeId(nativeNode(table, home, Number(resource.resourceName)))
  return table[home].brokers.has(id) ? destination(home, id) : others(home)
}

function nativeResource<R extends Resource>(
  table: RoutingTable,
  resource: R,
  cluster: ClusterName,
): R {
  const { resourceType, resourceName } = resource
  if (resourceType === topicResource) {
    return { ...resource, resourceName: nameIn(table, cluster, resourceName) }
  }
  if (!isBroker(resource)) return resource
  return { ...resource, resourceName: String(nativeNode(table, cluster, Number(resourceName))) }
}

function shownResource(
  table: RoutingTable,
): <R extends Resource>(resource: R, cluster: ClusterName) => R {
  const shown = shownNames(table)
  return (resource, cluster) => {
    const { resourceType, resourceName } = resource
    if (resourceType === topicResource) {
      return { ...resource, resourceName: shown(cluster, resourceName) }
    }
    if (cluster === 'source' || !isBroker(resource)) return resource
    return { ...resource, resourceName: String(shownNode(table, cluster, Number(resourceName))) }
  }
}

/** DescribeConfigs, every version. A broker's listeners are shown as those of the virtual one. */
export const translateDescribeConfigs: Translation = (table, request) => {
  const api = apis.describeConfigs
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.resources,
    to: (resource) => placeOfResource(table, resource, anyOf),
    native: (resource, cluster) => nativeResource(table, resource, cluster),
    body: (resources) => ({ ...asked, resources }),
    show: (answers, now) => {
      const shown = shownResource(now)
      const results = answers.flatMap(({ cluster, answer }) =>
        answer.results.map((result) => shown(result, cluster)),
      )
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        results: showAddresses(now, results),
      }
    },
  })
}

/** Who alters a resource: the controller, but for what brokers keep themselves. */
const alteredBy = (table: RoutingTable, resource: Resource): Destination =>
  placeOfResource(table, resource, (cluster) => controllerOf(table, cluster))

/** What AlterConfigs and IncrementalAlterConfigs answer. */
function showAltered<R extends Resource>(
  answers: readonly {
    readonly cluster: ClusterName
    readonly answer: { readonly throttleTimeMs: number; readonly responses: readonly R[] }
  }[],
  table: RoutingTable,
) {
  const shown = shownResource(table)
  return {
    throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
    responses: answers.flatMap(({ cluster, answer }) =>
      answer.responses.map((response) => shown(response, cluster)),
    ),
  }
}

/** AlterConfigs, every version. */
export const translateAlterConfigs: Translation = (table, request) => {
  const api = apis.alterConfigs
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.resources,
    to: (resource) => alteredBy(table, resource),
    native: (resource, cluster) => nativeResource(table, resource, cluster),
    body: (resources) => ({ ...asked, resources }),
    show: showAltered,
  })
}

/** IncrementalAlterConfigs (KIP-339). */
export const translateIncrementalAlterConfigs: Translation = (table, request) => {
  const api = apis.incrementalAlterConfigs
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.resources,
    to: (resource) => alteredBy(table, resource),
    native: (resource, cluster) => nativeResource(table, resource, cluster),
    body: (resources) => ({ ...asked, resources }),
    show: showAltered,
  })
}
