import { apis, errorCodes, type SyncGroupRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { failedSync, type SyncResult } from '../members.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'

/**
 * SyncGroup, versions 0-5. The answer waits for the leader's assignments. v3: static members. v5: the
 * protocol is checked.
 */
export const syncGroup = handler(apis.syncGroup, { min: 0, max: 5 }, sync)

async function sync(request: SyncGroupRequest, call: Call): Promise<SyncResult> {
  const { groups } = call.shared
  const refused = refuseGroup(call, request.groupId)
  if (refused !== errorCodes.NONE) return failedSync(refused)
  const group = groups.get(request.groupId)
  if (group === undefined) return failedSync(errorCodes.UNKNOWN_MEMBER_ID)
  const {
    memberId,
    groupInstanceId: instanceId,
    generationId,
    protocolType,
    protocolName,
  } = request
  const claim = { memberId, instanceId, generationId, protocolType, protocolName }
  const assignments = new Map(
    // Copied: they outlive the frame that they came in.
    request.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)]),
  )
  return new Promise((resolve) =>
    groups.act(group, (now) => group.sync(claim, assignments, now, resolve)),
  )
}
