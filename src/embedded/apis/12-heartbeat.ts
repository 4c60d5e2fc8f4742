import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refuseGroup } from './coordination.ts'

/** Heartbeat, versions 0-4. v3: static members. REBALANCE_IN_PROGRESS asks a member to join again. */
export const heartbeat = handler(apis.heartbeat, { min: 0, max: 4 }, (request, call) => {
  const { groups } = call.shared
  const refused = refuseGroup(call, request.groupId)
  if (refused !== errorCodes.NONE) return { errorCode: refused }
  const group = groups.get(request.groupId)
  if (group === undefined) return { errorCode: errorCodes.UNKNOWN_MEMBER_ID }
  const { memberId, groupInstanceId: instanceId, generationId } = request
  const claim = { memberId, instanceId, generationId }
  return { errorCode: groups.act(group, (now) => group.heartbeat(claim, now)) }
})
