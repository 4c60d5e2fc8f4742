import { errorCodes } from '../../protocol/index.ts'
import type { Call } from '../shared.ts'

/** Groups and transactional ids are coordinated apart, though their names may be the same. */
export const coordinatorKeys = {
  group: (id: string): string => `group ${id}`,
  transaction: (id: string): string => `transaction ${id}`,
} as const

/** The error that every request about this group meets at this broker, or NONE. */
export function refuseGroup({ shared, nodeId }: Call, groupId: string): number {
  if (groupId === '') return errorCodes.INVALID_GROUP_ID
  return shared.coordinators.of(coordinatorKeys.group(groupId)) === nodeId
    ? errorCodes.NONE
    : errorCodes.NOT_COORDINATOR
}

export function refuseTransaction({ shared, nodeId }: Call, transactionalId: string): number {
  if (transactionalId === '') return errorCodes.INVALID_REQUEST
  return shared.coordinators.of(coordinatorKeys.transaction(transactionalId)) === nodeId
    ? errorCodes.NONE
    : errorCodes.NOT_COORDINATOR
}
