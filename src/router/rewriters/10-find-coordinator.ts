import { nodeId } from '../../ids.ts'
import { apis, errorCodes } from '../../protocol/index.ts'
import { bodyOf, type CoordinatorKind } from '../decision.ts'
import type { RoutingTable } from '../table.ts'
import { decodeAnswer, encodeAnswer, virtualAddress, type Fact, type Rewriter } from './rewriter.ts'

const kinds: Readonly<Record<number, CoordinatorKind>> = { 0: 'group', 1: 'transaction' }

interface Coordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
}

/** With the virtual address; retriable COORDINATOR_NOT_AVAILABLE while the broker has none. */
function virtual<C extends Coordinator>(table: RoutingTable, coordinator: C): C {
  if (coordinator.errorCode !== 0) return { ...coordinator, nodeId: -1, host: '', port: -1 }
  const address = virtualAddress(table, nodeId(coordinator.nodeId))
  if (address !== undefined) return { ...coordinator, ...address }
  const errorCode = errorCodes.COORDINATOR_NOT_AVAILABLE
  return { ...coordinator, nodeId: -1, host: '', port: -1, errorCode }
}

/** FindCoordinator: v0 for groups, v1 adds transactional ids (KIP-98), v4 asks for several (KIP-699). */
export const rewriteFindCoordinator: Rewriter = (request, frame) => {
  const api = apis.findCoordinator
  const asked = bodyOf(api, request)
  const answer = decodeAnswer(api, request, frame)
  const found = request.version >= 4 ? answer.coordinators : [{ ...answer, key: asked.key }]
  const of = kinds[asked.keyType]
  const facts: Fact[] = []
  for (const coordinator of found) {
    if (of === undefined || coordinator.errorCode !== 0) continue
    facts.push({
      kind: 'coordinator',
      of,
      key: coordinator.key,
      nodeId: nodeId(coordinator.nodeId),
    })
  }
  return {
    facts,
    nodeIds: found.filter((c) => c.errorCode === 0).map((c) => nodeId(c.nodeId)),
    encode: (table) =>
      encodeAnswer(api, request, {
        ...(request.version >= 4 ? answer : virtual(table, answer)),
        coordinators: answer.coordinators.map((coordinator) => virtual(table, coordinator)),
      }),
  }
}
