import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'

/** DeleteGroups, versions 0-2: groups without members, and with them their offsets. */
export const deleteGroups = handler(apis.deleteGroups, { min: 0, max: 2 }, (request, call) => ({
  throttleTimeMs: 0,
  results: request.groupsNames.map((groupId) => ({ groupId, errorCode: remove(call, groupId) })),
}))

function remove(call: Call, groupId: string): number {
  const { groups } = call.shared
  const refused = refuseGroup(call, groupId)
  if (refused !== errorCodes.NONE) return refused
  const group = groups.get(groupId)
  if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
  if (group.phase !== 'Empty') return errorCodes.NON_EMPTY_GROUP
  groups.delete(groupId)
  return errorCodes.NONE
}
