import { assert } from '../../assert.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { byTargetName, renames, translated, type Translation } from './translation.ts'

/** AddPartitionsToTxn, as clients send it (v0-v3): by the target's names, if those differ. */
export const translateAddPartitionsToTxn: Translation = ({ view }, request, coordinators) => {
  const api = apis.addPartitionsToTxn
  if (!view.spliced || !renames(view)) return undefined
  const asked = bodyOf(api, request)
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
