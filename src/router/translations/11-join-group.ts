import { assert } from '../../assert.ts'
import { apis, type JoinGroupRequest, type JoinGroupResponse } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { placeOf, type View } from '../view.ts'
import { rewords, rewordSubscription, toShownWords, toTargetWords } from './consumer-payloads.ts'
import { groupCoordinators } from './groups.ts'
import { translated, type Translation } from './translation.ts'

const consumer = 'consumer'

/** JoinGroup of a group that has moved: subscriptions in the target's words, where those differ. */
export const translateJoinGroup: Translation = ({ view }, request, coordinators) => {
  const api = apis.joinGroup
  if (!rewords(view)) return undefined
  const asked = bodyOf(api, request)
  if (asked.protocolType !== consumer || placeOf(view, asked.groupId) !== 'target') return undefined
  const to = groupCoordinators(coordinators, asked.groupId, ['target'])
  if ('kind' in to) return to
  const body = joinWithTargetNames(view, asked)
  const parts = [...to.values()].map((destination) => ({ to: destination, body }))
  return translated(api, request, parts, ([answer], now) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    return joinedWithShownNames(now.view, asked, answer)
  })
}

/** What a member tells of itself, by the target's names of topics and numbers of partitions. */
export function joinWithTargetNames(view: View, asked: JoinGroupRequest): JoinGroupRequest {
  if (!rewords(view) || asked.protocolType !== consumer) return asked
  const words = toTargetWords(view)
  return {
    ...asked,
    protocols: asked.protocols.map((protocol) => ({
      ...protocol,
      metadata: rewordSubscription(protocol.metadata, words),
    })),
  }
}

/** What a group's leader is told of its members, by the names and numbers that clients know. */
export function joinedWithShownNames(
  view: View,
  asked: JoinGroupRequest,
  answer: JoinGroupResponse,
): JoinGroupResponse {
  if (!rewords(view) || asked.protocolType !== consumer) return answer
  const words = toShownWords(view)
  return {
    ...answer,
    members: answer.members.map((member) => ({
      ...member,
      metadata: rewordSubscription(member.metadata, words),
    })),
  }
}
