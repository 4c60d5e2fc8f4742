import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { coordinatorKeys } from './coordination.ts'

/**
 * FindCoordinator, versions 0-6: of groups (key type 0) and transactional ids (1). v4: several keys.
 *
 * Share groups (key type 2, v6) are not handled: INVALID_REQUEST.
 */
export const findCoordinator = handler(
  apis.findCoordinator,
  { min: 0, max: 6 },
  (request, call) => {
    if (call.apiVersion < 4) return find(call, request.keyType, request.key)
    return {
      coordinators: request.coordinatorKeys.map((key) => ({
        key,
        ...find(call, request.keyType, key),
      })),
    }
  },
)

function find({ shared }: Call, keyType: number, key: string) {
  const nobody = { nodeId: -1, host: '', port: -1, errorMessage: null }
  if (keyType !== 0 && keyType !== 1) return { ...nobody, errorCode: errorCodes.INVALID_REQUEST }
  const name = keyType === 0 ? coordinatorKeys.group(key) : coordinatorKeys.transaction(key)
  const broker = shared.state.brokers.get(shared.coordinators.of(name))
  if (broker === undefined) return { ...nobody, errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE }
  const { nodeId, host, port } = broker
  return { nodeId, host, port, errorMessage: null, errorCode: errorCodes.NONE }
}
