import { nodeId } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Rewriter } from './rewriter.ts'

/** DescribeCluster (KIP-700): the brokers by their virtual addresses. */
export const rewriteDescribeCluster: Rewriter = (request, frame) => {
  const api = apis.describeCluster
  const answer = decodeAnswer(api, request, frame)
  return {
    facts: [],
    nodeIds: answer.brokers.map((broker) => nodeId(broker.brokerId)),
    encode: (table) =>
      encodeAnswer(api, request, {
        ...answer,
        brokers: answer.brokers.flatMap((broker) => {
          const address = virtualAddress(table, nodeId(broker.brokerId))
          return address === undefined ? [] : [{ ...broker, ...address }]
        }),
      }),
  }
}
