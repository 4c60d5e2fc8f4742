import { apis } from '../../protocol/index.ts'
import type { RoutingTable } from '../table.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Rewriter } from './rewriter.ts'

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
    encode: (table) => {
      const show = virtualText(table)
      return encodeAnswer(api, request, {
        ...answer,
        results: answer.results.map((result) =>
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
        ),
      })
    },
  }
}

/** Shows every known broker's address in a text as the virtual one: whole addresses only, and each once. */
function virtualText(table: RoutingTable): (text: string | null) => string | null {
  const shown = new Map<string, string>()
  for (const { nodeId, host, port } of table.source.brokers.values()) {
    const address = virtualAddress(table, nodeId)
    if (address === undefined) continue
    const name = host.includes(':') ? `[${host}]` : host
    shown.set(`${name}:${port}`, `${address.host}:${address.port}`)
  }
  if (shown.size === 0) return (text) => text
  const escaped = [...shown.keys()].map((each) => each.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  const addresses = new RegExp(`(?<![\\w.-])(?:${escaped.join('|')})(?!\\d)`, 'g')
  return (text) => text?.replace(addresses, (real) => shown.get(real) ?? real) ?? null
}
