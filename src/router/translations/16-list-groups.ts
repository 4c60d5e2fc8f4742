import { apis } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { homeOf } from '../table.ts'
import { placeOf } from '../view.ts'
import { clustersInUse, firstError, translated, type Translation } from './translation.ts'

/** ListGroups, every version: what both homes of the virtual broker coordinate, each group where it lives. */
export const translateListGroups: Translation = ({ view }, request) => {
  const api = apis.listGroups
  if (!view.spliced && view.home === 'source') return undefined
  const body = bodyOf(api, request)
  const clusters = clustersInUse(view)
  const parts = clusters.map((cluster) => ({ to: homeOf(cluster), body }))
  return translated(api, request, parts, (answers, now) => ({
    throttleTimeMs: throttle(answers),
    errorCode: firstError(answers),
    groups: answers.flatMap(({ groups }, i) =>
      groups.filter(
        ({ groupId }) => (placeOf(now.view, groupId) === 'target') === (clusters[i] === 'target'),
      ),
    ),
  }))
}
