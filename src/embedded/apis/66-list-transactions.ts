import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { transactionStates } from '../transactions.ts'
import { refuseTransaction } from './coordination.ts'

/**
 * ListTransactions, versions 0-1 (KIP-664): those that this broker coordinates, by state and by producer
 * id. v1: those that are older (KIP-994).
 *
 * Not handled: v2, by a pattern of the transactional id.
 */
export const listTransactions = handler(
  apis.listTransactions,
  { min: 0, max: 1 },
  ({ stateFilters, producerIdFilters, durationFilter }, call) => {
    const { transactions, clock } = call.shared
    const oldest = durationFilter < 0n ? Infinity : clock.now() - Number(durationFilter)
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      unknownStateFilters: stateFilters.filter((state) => !transactionStates.includes(state)),
      transactionStates: transactions
        .all()
        .filter(
          ({ transactionalId }) => refuseTransaction(call, transactionalId) === errorCodes.NONE,
        )
        .filter(({ state }) => stateFilters.length === 0 || stateFilters.includes(state))
        .filter(
          ({ producerId }) =>
            producerIdFilters.length === 0 || producerIdFilters.includes(producerId),
        )
        .filter(({ startedAt }) => startedAt < oldest)
        .map(({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
    }
  },
)
