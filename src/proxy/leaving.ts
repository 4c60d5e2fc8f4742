import { CutoverError } from '../errors.ts'
import { apis, decodeRequest, encodeResponse, errorCodes } from '../protocol/index.ts'
import { placeOf, type RequestFrame } from '../router/index.ts'
import { withCoordinator, type JoinOwner } from './membership.ts'

/**
 * Takes a member that owns nothing out of its group, so that another one leads it, and answers its heartbeat as in
 * any rebalance: UNKNOWN_MEMBER_ID it would tell its application, where to a JoinGroup it does without. One that
 * cannot be taken out hears nothing of it, and stays what it is.
 *
 * @returns the answer's frame, or undefined when the client is gone
 */
export async function leaveUnasked(
  owner: JoinOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, frame, bodyOffset, correlationId } = request
  const { groupId, memberId } = decodeRequest(apis.heartbeat, version, frame, bodyOffset)
  const hasLeft = await leave(owner, groupId, memberId)
  if (owner.gone) return undefined
  const errorCode = hasLeft ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
  return encodeResponse(apis.heartbeat, version, correlationId, { errorCode })
}

/** Over the client's own connection: behind what it has asked before, and with its rights. */
async function leave(owner: JoinOwner, groupId: string, memberId: string): Promise<boolean> {
  const cluster = placeOf(owner.context.table().view, groupId) === 'target' ? 'target' : 'source'
  const version = owner.context.cluster(cluster).version(apis.leaveGroup.key, 3)
  const body = version >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId }
  let hasLeft = false
  try {
    await withCoordinator(owner, cluster, groupId, async (coordinator) => {
      const { errorCode, members } = await coordinator.request(apis.leaveGroup, version, body)
      const refusal = errorCode === errorCodes.NONE ? (members[0]?.errorCode ?? 0) : errorCode
      // Gone already is as good.
      hasLeft = refusal === errorCodes.NONE || refusal === errorCodes.UNKNOWN_MEMBER_ID
      return hasLeft ? errorCodes.NONE : refusal
    })
  } catch (error) {
    if (!(error instanceof CutoverError)) throw error
  }
  return hasLeft
}
