import { assert } from '../../assert.ts'
import { apis, type JoinGroupRequest, type JoinGroupResponse } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { placeOf, type View } from '../view.ts'
import { renameSubscription, toShownNames, toTargetNames } from './consumer-payloads.ts'
import { groupCoordinators } from './groups.ts'
import { renames, translated, type Translation } from './translation.ts'

const consumer = 'consumer'

/** JoinGroup of a group that has moved: subscriptions by the target's names, where those differ. */
export const translateJoinGroup: Translation = ({ view }, request, coordinators) => {
  const api = apis.joinGroup
  if (!renames(view)) return undefined
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

/** What a member subscribes to, by the target's names. */
export function joinWithTargetNames(view: View, asked: JoinGroupRequest): JoinGroupRequest {
  if (!renames(view) || asked.protocolType !== consumer) return asked
  const rename = toTargetNames(view)
  return {
    ...asked,
    protocols: asked.protocols.map((protocol) => ({
      ...protocol,
      metadata: renameSubscription(protocol.metadata, rename),
    })),
  }
}

/** What a group's leader is told of its members, by the names that clients know. */
export function joinedWithShownNames(
  view: View,
  asked: JoinGroupRequest,
  answer: JoinGroupResponse,
): JoinGroupResponse {
  if (!renames(view) || asked.protocolType !== consumer) return answer
  const show = toShownNames(view)
  return {
    ...answer,
    members: answer.members.map((member) => ({
      ...member,
      metadata: renameSubscription(member.metadata, show),
    })),
  }
}
