import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refuseGroup } from './coordination.ts'

/**
 * LeaveGroup, versions 0-5. v3: several members, each with its own error; a static one may be named by
 * its instance id alone (KIP-345).
 */
export const leaveGroup = handler(apis.leaveGroup, { min: 0, max: 5 }, (request, call) => {
  const { groups } = call.shared
  const refused = refuseGroup(call, request.groupId)
  if (refused !== errorCodes.NONE) return { errorCode: refused, members: [] }
  const group = groups.get(request.groupId)
  const leave = (memberId: string, instanceId: string | null) =>
    group === undefined
      ? errorCodes.UNKNOWN_MEMBER_ID
      : groups.act(group, (now) => group.leave(memberId, instanceId, now))
  if (call.apiVersion < 3) return { errorCode: leave(request.memberId, null), members: [] }
  const members = request.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: leave(memberId, groupInstanceId),
  }))
  return { errorCode: errorCodes.NONE, members }
})
