import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { fencedAs } from './24-add-partitions-to-txn.ts'
import { refuseTransaction } from './coordination.ts'

/** AddOffsetsToTxn, versions 0-4: the transaction will commit offsets of this group. */
export const addOffsetsToTxn = handler(
  apis.addOffsetsToTxn,
  { min: 0, max: 4 },
  (request, call) => {
    const { transactions, clock } = call.shared
    const refused = refuseTransaction(call, request.transactionalId)
    if (refused !== errorCodes.NONE) return { throttleTimeMs: 0, errorCode: refused }
    const errorCode = transactions.addGroup(request, request.groupId, clock.now())
    return { throttleTimeMs: 0, errorCode: fencedAs(errorCode, call.apiVersion, 2) }
  },
)
