import { assert } from '../../assert.ts'
import { apis, decodeRequest } from '../../protocol/index.ts'
import { placeOf } from '../view.ts'
import { renameSubscription, toShownNames, toTargetNames } from './consumer-payloads.ts'
import { groupCoordinators } from './groups.ts'
import { renames, translated, type Translation } from './translation.ts'

const consumer = 'consumer'

/** JoinGroup of a group that has moved: subscriptions by the target's names, where those differ. */
export const translateJoinGroup: Translation = ({ view }, request, coordinators) => {
  const api = apis.joinGroup
  if (!renames(view)) return undefined
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  if (asked.protocolType !== consumer || placeOf(view, asked.groupId) !== 'target') return undefined
  const to = groupCoordinators(coordinators, asked.groupId, ['target'])
  if ('kind' in to) return to
  const rename = toTargetNames(view)
  const protocols = asked.protocols.map((protocol) => ({
    ...protocol,
    metadata: renameSubscription(protocol.metadata, rename),
  }))
  const parts = [...to.values()].map((destination) => ({
    to: destination,
    body: { ...asked, protocols },
  }))
  return translated(api, request, parts, ([answer], now) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    const show = toShownNames(now.view)
    return {
      ...answer,
      members: answer.members.map((member) => ({
        ...member,
        metadata: renameSubscription(member.metadata, show),
      })),
    }
  })
}
