import { assert } from '../../assert.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { placeOf } from '../view.ts'
import { rewordAssignment, rewords, toShownWords, toTargetWords } from './consumer-payloads.ts'
import { groupCoordinators } from './groups.ts'
import { translated, type Translation } from './translation.ts'

/**
 * SyncGroup of a group that has moved: assignments in the target's words, where those differ. Before v5
 * the protocol's type is not told; what is no consumer's assignment stays as it is.
 */
export const translateSyncGroup: Translation = ({ view }, request, coordinators) => {
  const api = apis.syncGroup
  if (!rewords(view)) return undefined
  const asked = bodyOf(api, request)
  if ((asked.protocolType ?? 'consumer') !== 'consumer') return undefined
  if (placeOf(view, asked.groupId) !== 'target') return undefined
  const to = groupCoordinators(coordinators, asked.groupId, ['target'])
  if ('kind' in to) return to
  const words = toTargetWords(view)
  const assignments = asked.assignments.map((each) => ({
    ...each,
    assignment: rewordAssignment(each.assignment, words),
  }))
  const parts = [...to.values()].map((destination) => ({
    to: destination,
    body: { ...asked, assignments },
  }))
  return translated(api, request, parts, ([answer], now) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    return { ...answer, assignment: rewordAssignment(answer.assignment, toShownWords(now.view)) }
  })
}
