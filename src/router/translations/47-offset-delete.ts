import type { ClusterName } from '../../ids.ts'
import { apis, zeroUuid, type OffsetDeleteRequest } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { placeOf } from '../view.ts'
import { groupCoordinators, offsetsPlace } from './groups.ts'
import {
  byTargetName,
  firstError,
  nativeName,
  translated,
  type Translation,
} from './translation.ts'

/** OffsetDelete (KIP-496): of a group that has moved, where the offsets of each topic are kept. */
export const translateOffsetDelete: Translation = (table, request, coordinators) => {
  const api = apis.offsetDelete
  const asked = bodyOf(api, request)
  if (placeOf(table.view, asked.groupId) !== 'target') return undefined
  const dealt = new Map<ClusterName, OffsetDeleteRequest['topics'][number][]>()
  for (const topic of asked.topics) {
    const { cluster, planned } = offsetsPlace(table, { ...topic, topicId: zeroUuid })
    const mine = planned === undefined ? topic : { ...topic, name: nativeName(planned, cluster) }
    if (!dealt.get(cluster)?.push(mine)) dealt.set(cluster, [mine])
  }
  if (dealt.size === 0) dealt.set('target', [])
  const to = groupCoordinators(coordinators, asked.groupId, dealt.keys())
  if ('kind' in to) return to
  const clusters = [...to.keys()]
  const parts = [...to].map(([cluster, destination]) => ({
    to: destination,
    body: { ...asked, topics: dealt.get(cluster) ?? [] },
  }))
  return translated(api, request, parts, (answers, now) => {
    const planned = byTargetName(now.view)
    return {
      errorCode: firstError(answers),
      throttleTimeMs: throttle(answers),
      topics: answers.flatMap(({ topics }, i) =>
        topics.map((topic) => ({
          ...topic,
          name:
            (clusters[i] === 'target' ? planned.get(topic.name)?.name : undefined) ?? topic.name,
        })),
      ),
    }
  })
}
