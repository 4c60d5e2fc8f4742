import { nodeId } from '../../ids.ts'
import { apis, type Api, type Decoded, type Encodable, type Fields } from '../../protocol/index.ts'
import { bodyOf, split, throttle, type Decision, type RequestFrame } from '../decision.ts'
import { destination, type Destination, type RoutingTable } from '../table.ts'

/** Kafka's ConfigResource types: a broker answers for itself only. */
const brokerResource = 4
const brokerLoggerResource = 8

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

function at(
  table: RoutingTable,
  resource: Resource,
  others: 'any' | Destination,
): Destination | 'any' {
  const isBroker =
    resource.resourceType === brokerResource || resource.resourceType === brokerLoggerResource
  if (!isBroker || !/^\d{1,10}$/.test(resource.resourceName)) return others
  const id = nodeId(Number(resource.resourceName))
  return table.source.brokers.has(id) ? destination('source', id) : others
}

/** How one API lists resources. */
interface ResourcesApi<Q extends Fields, S extends Fields, T extends Resource> {
  readonly api: Api<Q, S>
  /** Who answers for what is no broker. */
  readonly others: 'any' | Destination
  readonly resources: readonly T[]
  readonly body: (resources: readonly T[]) => Encodable<Q>
  readonly merge: (answers: readonly Decoded<S>[]) => Encodable<S>
}

function byResource<Q extends Fields, S extends Fields, T extends Resource>(
  table: RoutingTable,
  request: RequestFrame,
  { api, others, resources, body, merge }: ResourcesApi<Q, S, T>,
): Decision {
  const mine = new Map<Destination | 'any', T[]>()
  for (const resource of resources) {
    const to = at(table, resource, others)
    if (!mine.get(to)?.push(resource)) mine.set(to, [resource])
  }
  const [only] = mine.keys()
  if (only === undefined) return { kind: 'forward', to: others }
  if (mine.size === 1) return { kind: 'forward', to: only }
  return split(api, request, new Map([...mine].map(([to, part]) => [to, body(part)])), merge)
}

/** The controller of the cluster that answers what concerns no topic and no group. */
export function controller(table: RoutingTable): Destination | 'any' {
  const { home } = table.view
  const { brokers, controllerId } = table[home]
  return brokers.has(controllerId) ? destination(home, controllerId) : 'any'
}

type Row = (table: RoutingTable, request: RequestFrame) => Decision

const describeConfigs: Row = (table, request) => {
  const api = apis.describeConfigs
  const asked = bodyOf(api, request)
  return byResource(table, request, {
    api,
    others: 'any',
    resources: asked.resources,
    body: (resources) => ({ ...asked, resources }),
    merge: (answers) => ({
      throttleTimeMs: throttle(answers),
      results: answers.flatMap((answer) => answer.results),
    }),
  })
}

/** What AlterConfigs and IncrementalAlterConfigs answer. */
const mergeResponses = <R>(
  answers: readonly { readonly throttleTimeMs: number; readonly responses: readonly R[] }[],
) => ({
  throttleTimeMs: throttle(answers),
  responses: answers.flatMap(({ responses }) => responses),
})

const alterConfigs: Row = (table, request) => {
  const api = apis.alterConfigs
  const asked = bodyOf(api, request)
  return byResource(table, request, {
    api,
    others: controller(table),
    resources: asked.resources,
    body: (resources) => ({ ...asked, resources }),
    merge: mergeResponses,
  })
}

const incrementalAlterConfigs: Row = (table, request) => {
  const api = apis.incrementalAlterConfigs
  const asked = bodyOf(api, request)
  return byResource(table, request, {
    api,
    others: controller(table),
    resources: asked.resources,
    body: (resources) => ({ ...asked, resources }),
    merge: mergeResponses,
  })
}

export const resourceSplits: ReadonlyMap<number, Row> = new Map([
  [apis.describeConfigs.key, describeConfigs],
  [apis.alterConfigs.key, alterConfigs],
  [apis.incrementalAlterConfigs.key, incrementalAlterConfigs],
])
