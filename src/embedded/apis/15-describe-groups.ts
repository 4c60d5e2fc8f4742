import { apis, errorCodes } from '../../protocol/index.ts'
import type { Group } from '../group.ts'
import { handler } from '../handler.ts'
import { metadataOf, nothing } from '../members.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'
import { operations } from './operations.ts'

/**
 * DescribeGroups, versions 0-6. An unknown group is `Dead`, without an error before v6 and
 * GROUP_ID_NOT_FOUND from then on (KIP-1043). What members said and got shows in a stable group only.
 */
export const describeGroups = handler(apis.describeGroups, { min: 0, max: 6 }, (request, call) => ({
  groups: request.groups.map((groupId) => ({
    groupId,
    ...describe(call, groupId),
    ...(request.includeAuthorizedOperations ? { authorizedOperations: operations.group } : {}),
  })),
}))

const without = (errorCode: number, groupState = '') => ({
  errorCode,
  groupState,
  protocolType: '',
  protocolData: '',
  members: [],
})

function describe(call: Call, groupId: string) {
  const refused = refuseGroup(call, groupId)
  if (refused !== errorCodes.NONE) return without(refused)
  const group = call.shared.groups.get(groupId)
  if (group !== undefined) return described(group)
  if (call.apiVersion < 6) return without(errorCodes.NONE, 'Dead')
  const errorMessage = `Group ${groupId} not found.`
  return { ...without(errorCodes.GROUP_ID_NOT_FOUND, 'Dead'), errorMessage }
}

function described(group: Group) {
  const isStable = group.phase === 'Stable'
  return {
    errorCode: errorCodes.NONE,
    groupState: group.phase,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocol ?? '') : '',
    members: group.members.map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataOf(member, group.protocol) : nothing,
      memberAssignment: isStable ? member.assignment : nothing,
    })),
  }
}
