import { apis, errorCodes, type JoinGroupRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { failedJoin, type JoinResult } from '../members.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'

/**
 * JoinGroup, versions 0-9. v1: rebalance timeout. v4: MEMBER_ID_REQUIRED for a new member (KIP-394).
 * v5: static members (KIP-345). v7: the protocol may be null in a failure. v9: `skipAssignment`.
 *
 * The answer waits for the other members; the connection with it.
 */
export const joinGroup = handler(apis.joinGroup, { min: 0, max: 9 }, async (request, call) => {
  const result = await join(request, call)
  // Before v7 the protocol is never null.
  const protocolName = result.protocolName ?? (call.apiVersion >= 7 ? null : '')
  return { ...result, protocolName }
})

async function join(request: JoinGroupRequest, call: Call): Promise<JoinResult> {
  const { groups, limits, newUuid } = call.shared
  const { groupId, memberId, groupInstanceId: instanceId, sessionTimeoutMs } = request
  const refused = refuseGroup(call, groupId)
  if (refused !== errorCodes.NONE) return failedJoin(refused, memberId)
  if (
    sessionTimeoutMs < limits.sessionTimeoutMsMin ||
    sessionTimeoutMs > limits.sessionTimeoutMsMax
  )
    return failedJoin(errorCodes.INVALID_SESSION_TIMEOUT, memberId)
  if (memberId !== '' && groups.get(groupId) === undefined)
    return failedJoin(errorCodes.UNKNOWN_MEMBER_ID, memberId)
  const group = groups.make(groupId)
  const ask = {
    memberId,
    instanceId,
    clientId: call.clientId ?? '',
    clientHost: `/${call.clientHost}`,
    sessionTimeoutMs,
    rebalanceTimeoutMs: call.apiVersion >= 1 ? request.rebalanceTimeoutMs : sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    mustKnowMemberId: call.apiVersion >= 4,
    canSkipAssignment: call.apiVersion >= 9,
    newMemberId: `${instanceId ?? call.clientId ?? ''}-${newUuid()}`,
  }
  return new Promise((resolve) => groups.act(group, (now) => group.join(ask, now, resolve)))
}
