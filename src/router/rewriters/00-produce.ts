import { nodeId } from '../../ids.ts'
import { apis, errorCodes, type ProduceResponse } from '../../protocol/index.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Rewriter } from './rewriter.ts'

/**
 * Produce v10 and later: on NOT_LEADER_OR_FOLLOWER the broker hints at the leader and its address
 * (KIP-951). The hint stays, with the virtual address; one that has none yet is dropped.
 */
export const rewriteProduce: Rewriter = (request, frame) => {
  const answer = decodeAnswer(apis.produce, request, frame)
  const moved = answer.responses.some((topic) =>
    topic.partitionResponses.some(
      (partition) => partition.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER,
    ),
  )
  return {
    facts: moved ? [{ kind: 'leaders-moved' }] : [],
    nodeIds: [],
    encode: (table) => {
      const nodeEndpoints: ProduceResponse['nodeEndpoints'][number][] = []
      for (const endpoint of answer.nodeEndpoints) {
        const address = virtualAddress(table, nodeId(endpoint.nodeId))
        if (address !== undefined) nodeEndpoints.push({ ...endpoint, ...address })
      }
      const known = new Set(nodeEndpoints.map((endpoint) => endpoint.nodeId))
      const responses = answer.responses.map((topic) => ({
        ...topic,
        partitionResponses: topic.partitionResponses.map((partition) =>
          known.has(partition.currentLeader.leaderId)
            ? partition
            : { ...partition, currentLeader: { leaderId: -1, leaderEpoch: -1 } },
        ),
      }))
      return encodeAnswer(apis.produce, request, { ...answer, responses, nodeEndpoints })
    },
  }
}
