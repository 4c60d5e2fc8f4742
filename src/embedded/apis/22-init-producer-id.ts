import { apis, errorCodes, type InitProducerIdRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import type { InitResult } from '../transactions.ts'
import { refuseTransaction } from './coordination.ts'

/**
 * InitProducerId, versions 0-5. Without a transactional id: a new id with epoch 0, at any broker,
 * whatever the request says of an older one. With one: `transactions.ts`. v3: the current id and epoch
 * (KIP-360). v4: a fenced producer is PRODUCER_FENCED, before INVALID_PRODUCER_EPOCH.
 */
export const initProducerId = handler(apis.initProducerId, { min: 0, max: 5 }, (request, call) => ({
  throttleTimeMs: 0,
  ...init(request, call),
}))

const failed = (errorCode: number): InitResult => ({
  errorCode,
  producerId: -1n,
  producerEpoch: -1,
})

function init(request: InitProducerIdRequest, call: Call): InitResult {
  const { shared, nodeId, apiVersion } = call
  const { transactionalId, transactionTimeoutMs: timeoutMs } = request
  const newProducerId = () => shared.producerIds.next(nodeId)
  if (transactionalId === null)
    return { errorCode: errorCodes.NONE, producerId: newProducerId(), producerEpoch: 0 }
  const refused = refuseTransaction(call, transactionalId)
  if (refused !== errorCodes.NONE) return failed(refused)
  if (timeoutMs <= 0 || timeoutMs > shared.limits.transactionTimeoutMsMax)
    return failed(errorCodes.INVALID_TRANSACTION_TIMEOUT)
  const { producerId, producerEpoch } = request
  const claim = { transactionalId, producerId, producerEpoch, timeoutMs }
  const result = shared.transactions.init(claim, newProducerId)
  const isOld = apiVersion < 4 && result.errorCode === errorCodes.PRODUCER_FENCED
  return isOld ? failed(errorCodes.INVALID_PRODUCER_EPOCH) : result
}
