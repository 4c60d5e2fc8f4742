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
    encode: (table) =>
      encodeAnswer(api, request, {
        ...answer,
        results: answer.results.map((result) =>
          result.resourceType !== brokerResource
            ? result
            : {
                ...result,
                configs: result.configs.map((config) => ({
                  ...config,
                  value: virtualText(table, config.value),
                  synonyms: config.synonyms.map((synonym) => ({
                    ...synonym,
                    value: virtualText(table, synonym.value),
                  })),
                })),
              },
        ),
      }),
  }
}

function virtualText(table: RoutingTable, text: string | null): string | null {
  if (text === null) return null
  let shown = text
  for (const { nodeId, host, port } of table.source.brokers.values()) {
    const address = virtualAddress(table, nodeId)
    if (address === undefined) continue
    shown = shown.replaceAll(`${host}:${port}`, `${address.host}:${address.port}`)
  }
  return shown
}
