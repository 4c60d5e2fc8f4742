import { apis, errorCodes, type AddPartitionsToTxnRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { refuseTransaction } from './coordination.ts'

/**
 * AddPartitionsToTxn, versions 0-3, all that clients send; v4 and later are for brokers. All partitions
 * of a request are added, or none: beside an unknown one the others are OPERATION_NOT_ATTEMPTED.
 */
export const addPartitionsToTxn = handler(
  apis.addPartitionsToTxn,
  { min: 0, max: 3 },
  (request, call) => {
    const topics = request.v3AndBelowTopics
    const isUnknown = (name: string, index: number) =>
      call.shared.state.partition(name, index) === undefined
    const anyUnknown = topics.some(({ name, partitions }) =>
      partitions.some((index) => isUnknown(name, index)),
    )
    const forAll = anyUnknown ? errorCodes.OPERATION_NOT_ATTEMPTED : add(request, call)
    const errorOf = (name: string, index: number) =>
      isUnknown(name, index) ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : forAll
    return {
      throttleTimeMs: 0,
      resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: errorOf(name, partitionIndex),
        })),
      })),
    }
  },
)

function add(request: AddPartitionsToTxnRequest, call: Call): number {
  const { transactions, clock } = call.shared
  const claim = {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
  }
  const refused = refuseTransaction(call, claim.transactionalId)
  if (refused !== errorCodes.NONE) return refused
  const partitions = request.v3AndBelowTopics.flatMap(({ name, partitions: indexes }) =>
    indexes.map((index) => [name, index] as const),
  )
  const errorCode = transactions.addPartitions(claim, partitions, clock.now())
  return fencedAs(errorCode, call.apiVersion, 2)
}

/** PRODUCER_FENCED is younger than these APIs: older versions have INVALID_PRODUCER_EPOCH for it. */
export function fencedAs(errorCode: number, apiVersion: number, since: number): number {
  return errorCode === errorCodes.PRODUCER_FENCED && apiVersion < since
    ? errorCodes.INVALID_PRODUCER_EPOCH
    : errorCode
}
