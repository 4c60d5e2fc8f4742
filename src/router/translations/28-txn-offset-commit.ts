import { assert } from '../../assert.ts'
import { apis, zeroUuid, type TxnOffsetCommitRequest } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { placeOf } from '../view.ts'
import { groupCoordinators, nativeCommit, offsetsPlace } from './groups.ts'
import { byTargetName, translated, type Translation } from './translation.ts'

/**
 * TxnOffsetCommit: without leader epochs, like OffsetCommit, and native once the group has moved. A
 * transaction is of one cluster: what a moved group commits of other topics goes with it.
 */
export const translateTxnOffsetCommit: Translation = (table, request, coordinators) => {
  const api = apis.txnOffsetCommit
  const asked = bodyOf(api, request)
  const isMoved = placeOf(table.view, asked.groupId) === 'target'
  if (!isMoved && !tellsEpochs(asked)) return undefined
  const cluster = isMoved ? 'target' : 'source'
  const to = groupCoordinators(coordinators, asked.groupId, [cluster])
  if ('kind' in to) return to
  const topics = asked.topics.map((topic) => {
    const { planned } = offsetsPlace(table, { ...topic, topicId: zeroUuid })
    const moves = isMoved ? planned : undefined
    return {
      ...topic,
      name: moves?.targetName ?? topic.name,
      partitions: topic.partitions.map((partition) => ({
        ...partition,
        committedLeaderEpoch: -1,
        committedOffset:
          moves === undefined
            ? partition.committedOffset
            : nativeCommit(moves, partition.partitionIndex, partition.committedOffset),
      })),
    }
  })
  const parts = [...to.values()].map((destination) => ({
    to: destination,
    body: { ...asked, topics },
  }))
  return translated(api, request, parts, ([answer], now) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    if (!isMoved) return answer
    const planned = byTargetName(now.view)
    return {
      ...answer,
      topics: answer.topics.map((topic) => ({
        ...topic,
        name: planned.get(topic.name)?.name ?? topic.name,
      })),
    }
  })
}

const tellsEpochs = ({ topics }: TxnOffsetCommitRequest): boolean =>
  topics.some(({ partitions }) =>
    partitions.some(({ committedLeaderEpoch }) => committedLeaderEpoch >= 0),
  )
