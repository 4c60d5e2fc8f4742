import { assert } from '../../assert.ts'
import {
  apis,
  encodeResponse,
  errorCodes,
  type AddPartitionsToTxnRequest,
} from '../../protocol/index.ts'
import { bodyOf, type Decision, type RequestFrame } from '../decision.ts'
import type { View } from '../view.ts'
import {
  byTargetName,
  clusterOfTransactions,
  renames,
  translated,
  type Translation,
} from './translation.ts'

/**
 * AddPartitionsToTxn, as clients send it (v0-v3): by the target's names, if those differ. Where transactions
 * stay on the source, they cannot have what has moved: nobody would write its markers.
 */
export const translateAddPartitionsToTxn: Translation = ({ view }, request, coordinators) => {
  const api = apis.addPartitionsToTxn
  if (!view.spliced) return undefined
  const asked = bodyOf(api, request)
  if (clusterOfTransactions(view) === 'source') return refused(view, request, asked)
  if (!renames(view)) return undefined
  const keys = [asked.v3AndBelowTransactionalId]
  const to = coordinators('transaction', keys[0] ?? '', 'target')
  if (to === undefined) {
    return {
      kind: 'ask',
      question: { kind: 'coordinator', of: 'transaction', keys, cluster: 'target' },
    }
  }
  const v3AndBelowTopics = asked.v3AndBelowTopics.map((topic) => ({
    ...topic,
    name: view.topics.get(topic.name)?.targetName ?? topic.name,
  }))
  const body = { ...asked, v3AndBelowTopics }
  return translated(api, request, [{ to, body }], ([answer], now) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    const planned = byTargetName(now.view)
    return {
      ...answer,
      resultsByTopicV3AndBelow: answer.resultsByTopicV3AndBelow.map((topic) => ({
        ...topic,
        name: planned.get(topic.name)?.name ?? topic.name,
      })),
    }
  })
}

/** As for a topic that the application may not write: it is told which. */
function refused(
  view: View,
  { version, correlationId }: RequestFrame,
  { v3AndBelowTopics }: AddPartitionsToTxnRequest,
): Decision | undefined {
  if (!v3AndBelowTopics.some(({ name }) => view.topics.has(name))) return undefined
  const frame = encodeResponse(apis.addPartitionsToTxn, version, correlationId, {
    throttleTimeMs: 0,
    resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: view.topics.has(name)
          ? errorCodes.TOPIC_AUTHORIZATION_FAILED
          : errorCodes.OPERATION_NOT_ATTEMPTED,
      })),
    })),
  })
  return { kind: 'answer', frame }
}
