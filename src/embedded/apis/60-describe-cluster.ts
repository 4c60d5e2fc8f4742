import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { operations } from './operations.ts'

/** DescribeCluster, versions 0-1. v1: only the brokers' endpoint, not the controllers', is there. */
export const describeCluster = handler(
  apis.describeCluster,
  { min: 0, max: 1 },
  (request, call) => {
    const { state } = call.shared
    const isBrokers = request.endpointType === 1
    return {
      throttleTimeMs: 0,
      errorCode: isBrokers ? errorCodes.NONE : errorCodes.UNSUPPORTED_ENDPOINT_TYPE,
      clusterId: state.clusterId,
      controllerId: state.controllerId,
      brokers: isBrokers
        ? state.live.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port }))
        : [],
      ...(request.includeClusterAuthorizedOperations
        ? { clusterAuthorizedOperations: operations.cluster }
        : {}),
    }
  },
)
