import { nodeId } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Rewriter } from './rewriter.ts'

/**
 * Metadata, every version: each broker appears with its virtual address. Node ids, cluster id, topic ids
 * and epochs are the source's. What a client may see is not all there is: a topic missing from its answer
 * is not gone for that, only one that the broker says it does not know.
 */
export const rewriteMetadata: Rewriter = (request, frame) => {
  const api = apis.metadata
  const answer = decodeAnswer(api, request, frame)
  return {
    facts: [{ kind: 'metadata', answer, scope: 'asked-topics' }],
    nodeIds: answer.brokers.map((broker) => nodeId(broker.nodeId)),
    encode: (table) =>
      encodeAnswer(api, request, {
        ...answer,
        brokers: answer.brokers.flatMap((broker) => {
          const address = virtualAddress(table, nodeId(broker.nodeId))
          return address === undefined ? [] : [{ ...broker, ...address }]
        }),
      }),
  }
}
