import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { fencedAs } from './24-add-partitions-to-txn.ts'
import { refuseTransaction } from './coordination.ts'

/** EndTxn, versions 0-4. Markers are written before the answer. v5 (KIP-890 part 2) is not handled. */
export const endTxn = handler(apis.endTxn, { min: 0, max: 4 }, (request, call) => {
  const refused = refuseTransaction(call, request.transactionalId)
  if (refused !== errorCodes.NONE) return { throttleTimeMs: 0, errorCode: refused }
  const errorCode = call.shared.transactions.end(request, request.committed)
  return { throttleTimeMs: 0, errorCode: fencedAs(errorCode, call.apiVersion, 2) }
})
