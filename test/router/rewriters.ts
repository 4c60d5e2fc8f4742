import { expect } from 'vitest'
import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type Api,
  type Decoded,
  type Fields,
} from '../../src/protocol/index.ts'
import { rewriters, routedVersions, type RoutingTable } from '../../src/router/index.ts'
import type { Values } from '../protocol/arbitrary.ts'
import {
  bootstrapPort,
  correlationId,
  realHost,
  realPort,
  requestOf,
  tableOf,
  versionsOf,
  virtualHost,
} from './given.ts'

/** Answers as clients see them: every broker has its virtual address, and no real one is left. */
export const all = tableOf()
/** Broker 3 is known and has no virtual broker yet; 9 is not known. */
export const some = tableOf({ brokers: [1, 2, 3], virtual: [1, 2] })
export const real = (id: number) => ({ host: realHost(id), port: realPort })
export const virtual = (slot: number) => ({ host: virtualHost, port: bootstrapPort + slot })

const requests: Readonly<Record<number, Values>> = {
  [apis.produce.key]: { acks: 1, timeoutMs: 1, topicData: [] },
  [apis.metadata.key]: { topics: [] },
  [apis.describeConfigs.key]: { resources: [] },
  [apis.describeCluster.key]: {},
  [apis.shareFetch.key]: { topics: [], forgottenTopicsData: [] },
  [apis.shareAcknowledge.key]: { topics: [] },
}

/** Rewrites an answer; what it tells, and what it becomes, as bytes and decoded. */
export function rewritten<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  body: Values,
  table: RoutingTable = all,
  asked: Values = {},
) {
  const rewrite = rewriters.get(api.key)
  if (rewrite === undefined) throw new Error(`${api.name} has no rewriter`)
  const lookup = version >= 4 ? { coordinatorKeys: ['billing'] } : { key: 'billing' }
  const known = api.key === apis.findCoordinator.key ? lookup : requests[api.key]
  const request = requestOf<Fields, Fields>(api, version, { ...known, ...asked })
  const frame = encodeResponse<Fields, Fields>(api, version, correlationId, body).subarray(4)
  const naming = rewrite(request, frame)
  const { facts, nodeIds } = naming
  const bytes = naming.encode(table)
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
  const header = decodeResponseHeader(api, version, bytes, 4)
  expect(header.correlationId).toBe(correlationId)
  const decoded: Decoded<S> = decodeResponse(api, version, bytes, header.bodyOffset)
  return { facts, nodeIds, bytes, body: decoded }
}

export const offered = (api: Api): number[] =>
  versionsOf(api, routedVersions(api.key, api.versions, false)?.max)
