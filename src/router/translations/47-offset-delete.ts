import type { ClusterName } from '../../ids.ts'
import { apis, errorCodes, zeroUuid, type OffsetDeleteRequest } from '../../protocol/index.ts'
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

/**
 * OffsetDelete (KIP-496): of a group that has moved, where the offsets of each topic are kept. Refused of topics
 * that are read from both clusters: partitions have other numbers there.
 */
export const translateOffsetDelete: Translation = (table, request, coordinators) => {
  const api = apis.offsetDelete
  const asked = bodyOf(api, request)
  if (placeOf(table.view, asked.groupId) !== 'target') return undefined
  const dealt = new Map<ClusterName, OffsetDeleteRequest['topics'][number][]>()
  const refused = asked.topics.filter(({ name }) => table.view.topics.get(name)?.parallel)
  for (const topic of asked.topics) {
    if (refused.includes(topic)) continue
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
      topics: [
        ...answers.flatMap(({ topics }, i) =>
          topics.map((topic) => ({
            ...topic,
            name:
              (clusters[i] === 'target' ? planned.get(topic.name)?.name : undefined) ?? topic.name,
          })),
        ),
        ...refused.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: errorCodes.INVALID_REQUEST,
          })),
        })),
      ],
    }
  })
}
