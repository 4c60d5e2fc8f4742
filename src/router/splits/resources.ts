import { nodeId } from '../../ids.ts'
import {
  apis,
  decodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../protocol/index.ts'
import { split, throttle, type Decision, type RequestFrame } from '../decision.ts'
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

function byResource<Q extends Fields, S extends Fields, T extends Resource>(
  api: Api<Q, S>,
  table: RoutingTable,
  request: RequestFrame,
  others: 'any' | Destination,
  resources: readonly T[],
  body: (resources: readonly T[]) => Encodable<Q>,
  merge: (answers: readonly Decoded<S>[]) => Encodable<S>,
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

type Row = (table: RoutingTable, request: RequestFrame) => Decision

const describeConfigs: Row = (table, request) => {
  const api = apis.describeConfigs
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byResource(
    api,
    table,
    request,
    'any',
    asked.resources,
    (resources) => ({ ...asked, resources }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      results: answers.flatMap((answer) => answer.results),
    }),
  )
}

/** The controller of the cluster that answers what concerns no topic and no group. */
function controller(table: RoutingTable): Destination | 'any' {
  const { home } = table.view
  const { brokers, controllerId } = table[home]
  return brokers.has(controllerId) ? destination(home, controllerId) : 'any'
}

const alterConfigs: Row = (table, request) => {
  const api = apis.alterConfigs
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byResource(
    api,
    table,
    request,
    controller(table),
    asked.resources,
    (resources) => ({ ...asked, resources }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      responses: answers.flatMap((answer) => answer.responses),
    }),
  )
}

const incrementalAlterConfigs: Row = (table, request) => {
  const api = apis.incrementalAlterConfigs
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byResource(
    api,
    table,
    request,
    controller(table),
    asked.resources,
    (resources) => ({ ...asked, resources }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      responses: answers.flatMap((answer) => answer.responses),
    }),
  )
}

export const resourceSplits: ReadonlyMap<number, Row> = new Map([
  [apis.describeConfigs.key, describeConfigs],
  [apis.alterConfigs.key, alterConfigs],
  [apis.incrementalAlterConfigs.key, incrementalAlterConfigs],
])

export { controller }
