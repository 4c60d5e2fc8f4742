import { apis, errorCodes, type TxnOffsetCommitRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { refuseGroup } from './coordination.ts'

/**
 * TxnOffsetCommit, versions 0-4: offsets that become the group's when the transaction commits. v3: the
 * member's claim is checked (KIP-447); without any claim everybody may commit.
 *
 * As with real brokers before KIP-890, nothing checks that the group was added to the transaction.
 */
export const txnOffsetCommit = handler(
  apis.txnOffsetCommit,
  { min: 0, max: 4 },
  (request, call) => {
    const { shared } = call
    const forAll = judge(request, call)
    return {
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((committed) => {
          const { partitionIndex } = committed
          if (forAll !== errorCodes.NONE) return { partitionIndex, errorCode: forAll }
          if (shared.state.partition(name, partitionIndex) === undefined)
            return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
          const { offsets } = shared.groups.make(request.groupId)
          offsets.commitInTransaction(request.producerId, name, partitionIndex, {
            offset: committed.committedOffset,
            leaderEpoch: committed.committedLeaderEpoch,
            metadata: committed.committedMetadata ?? '',
          })
          return { partitionIndex, errorCode: errorCodes.NONE }
        }),
      })),
    }
  },
)

function judge(request: TxnOffsetCommitRequest, call: Call): number {
  const { groups } = call.shared
  const refused = refuseGroup(call, request.groupId)
  if (refused !== errorCodes.NONE) return refused
  const { memberId, groupInstanceId: instanceId, generationId } = request
  const group = groups.get(request.groupId)
  if (group === undefined)
    return generationId >= 0 ? errorCodes.ILLEGAL_GENERATION : errorCodes.NONE
  const claim = { memberId, instanceId, generationId }
  return groups.act(group, (now) => group.judgeCommit(claim, now, true))
}
