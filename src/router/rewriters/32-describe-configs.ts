import { clusterNames } from '../../ids.ts'
import { apis, type DescribeConfigsResponse } from '../../protocol/index.ts'
import type { RoutingTable } from '../table.ts'
import { decodeAnswer, encodeAnswer, virtualBroker, type Rewriter } from './rewriter.ts'

const brokerResource = 4

/**
 * DescribeConfigs of a broker shows its listeners: an operator's tool would learn the real address from
 * there. Every known broker's `host:port` in a broker's configuration is shown as the virtual one.
 */
export const rewriteDescribeConfigs: Rewriter = (request, frame) => {
  const api = apis.describeConfigs
  const answer = decodeAnswer(api, request, frame)
  return {
    facts: [],
    nodeIds: [],
    encode: (table) =>
      encodeAnswer(api, request, { ...answer, results: showAddresses(table, answer.results) }),
  }
}

type Result = DescribeConfigsResponse['results'][number]

/** The configurations of brokers with virtual addresses in them; all others as they are. */
export function showAddresses(table: RoutingTable, results: readonly Result[]): Result[] {
  const show = virtualText(table)
  return results.map((result) =>
    result.resourceType !== brokerResource
      ? result
      : {
          ...result,
          configs: result.configs.map((config) => ({
            ...config,
            value: show(config.value),
            synonyms: config.synonyms.map((synonym) => ({
              ...synonym,
              value: show(synonym.value),
            })),
          })),
        },
  )
}

/** Shows every known broker's address in a text as the virtual one: whole addresses only, and each once. */
function virtualText(table: RoutingTable): (text: string | null) => string | null {
  const shown = new Map<string, string>()
  for (const cluster of clusterNames) {
    for (const { nodeId, host, port } of table[cluster].brokers.values()) {
      const address = virtualBroker(table, cluster, nodeId)
      if (address === undefined) continue
      const name = host.includes(':') ? `[${host}]` : host
      shown.set(`${name}:${port}`, `${address.host}:${address.port}`)
    }
  }
  if (shown.size === 0) return (text) => text
  const escaped = [...shown.keys()].map((each) => each.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  const addresses = new RegExp(`(?<![\\w.-])(?:${escaped.join('|')})(?!\\d)`, 'g')
  return (text) => text?.replace(addresses, (real) => shown.get(real) ?? real) ?? null
}
