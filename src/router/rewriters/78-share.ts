import { nodeId } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import type { RoutingTable } from '../table.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Rewriter } from './rewriter.ts'

interface Endpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

function virtual<E extends Endpoint>(table: RoutingTable, endpoints: readonly E[]): E[] {
  return endpoints.flatMap((endpoint) => {
    const address = virtualAddress(table, nodeId(endpoint.nodeId))
    return address === undefined ? [] : [{ ...endpoint, ...address }]
  })
}

/** ShareFetch (KIP-932) always may hint at leaders with their addresses. */
export const rewriteShareFetch: Rewriter = (request, frame) => {
  const answer = decodeAnswer(apis.shareFetch, request, frame)
  return {
    facts: [],
    nodeIds: [],
    encode: (table) =>
      encodeAnswer(apis.shareFetch, request, {
        ...answer,
        nodeEndpoints: virtual(table, answer.nodeEndpoints),
      }),
  }
}

/** ShareAcknowledge (KIP-932): the same hints. */
export const rewriteShareAcknowledge: Rewriter = (request, frame) => {
  const answer = decodeAnswer(apis.shareAcknowledge, request, frame)
  return {
    facts: [],
    nodeIds: [],
    encode: (table) =>
      encodeAnswer(apis.shareAcknowledge, request, {
        ...answer,
        nodeEndpoints: virtual(table, answer.nodeEndpoints),
      }),
  }
}
