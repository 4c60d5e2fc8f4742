import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import {
  apis,
  decodeRequest,
  encodeResponse,
  errorCodes,
  type JoinGroupRequest,
  type JoinGroupResponse,
} from '../protocol/index.ts'
import {
  anyOf,
  joinedWithShownNames,
  joinWithTargetNames,
  placeOf,
  type RequestFrame,
} from '../router/index.ts'
import type { Brokers } from './brokers.ts'
import type { SessionContext } from './context.ts'
import type { Upstream } from './upstream.ts'

/** How long a broker may rightly keep a member of a rebalance waiting, in ms. */
export const joinWaitMs = 15 * 60_000
const coordinatorAttemptsMax = 20
const coordinatorRetryMs = 100

/** The session, as far as joining for its client needs it. */
export interface JoinOwner {
  readonly context: SessionContext
  readonly brokers: Brokers
  readonly gone: boolean
}

/**
 * Takes one member from the source's group to the target's: its JoinGroup waits until its group has a
 * place, then goes there without the old member id, which means nothing there. MEMBER_ID_REQUIRED
 * (KIP-394) is answered here: a cooperative member that saw it would give up all its partitions.
 *
 * @returns the answer's frame, or undefined when the client is gone
 */
export async function joinMoved(
  owner: JoinOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, frame, bodyOffset, correlationId } = request
  const asked = decodeRequest(apis.joinGroup, version, frame, bodyOffset)
  const { groups, table } = owner.context
  if (groups.isMoving(asked.groupId)) await hold(owner, request, asked)
  if (owner.gone) return undefined
  const cluster = placeOf(table().view, asked.groupId) === 'target' ? 'target' : 'source'
  if (cluster === 'target') groups.joined(asked.groupId, asked.memberId)
  const { view } = table()
  const named = cluster === 'target' ? joinWithTargetNames(view, asked) : asked
  const answer = await join(owner, cluster, version, { ...named, memberId: '' })
  const shown = cluster === 'target' ? joinedWithShownNames(view, asked, answer) : answer
  return encodeResponse(apis.joinGroup, version, correlationId, shown)
}

async function hold(
  owner: JoinOwner,
  request: RequestFrame,
  asked: JoinGroupRequest,
): Promise<void> {
  const { groups, tableChanged, observer } = owner.context
  const sinceMs = performance.now()
  const done = groups.hold(asked, request.clientId ?? '', sinceMs)
  try {
    await leaveSource(owner, asked)
    while (!owner.gone && groups.isMoving(asked.groupId)) {
      await Promise.race([tableChanged(), sleep(goneCheckMs)])
    }
  } finally {
    done()
    observer.requestHeld(apis.joinGroup.key, (performance.now() - sinceMs) / 1_000)
  }
}
const goneCheckMs = 200

/** The member leaves the source's group at once, so that nobody waits for its session to expire. */
async function leaveSource(owner: JoinOwner, asked: JoinGroupRequest): Promise<void> {
  const { groupId, memberId, groupInstanceId } = asked
  if (memberId === '' && groupInstanceId === null) return
  const version = owner.context.cluster('source').version(apis.leaveGroup.key, 3)
  await withCoordinator(owner, 'source', groupId, async (coordinator) => {
    const errorCode = await leave(coordinator, version, { groupId, memberId, groupInstanceId })
    // Gone already is as good.
    return errorCode === errorCodes.UNKNOWN_MEMBER_ID ? errorCodes.NONE : errorCode
  })
}

async function leave(
  coordinator: Upstream,
  version: number,
  { groupId, ...member }: { groupId: string; memberId: string; groupInstanceId: string | null },
): Promise<number> {
  const { memberId } = member
  const body = version >= 3 ? { groupId, members: [member] } : { groupId, memberId }
  return (await coordinator.request(apis.leaveGroup, version, body)).errorCode
}

async function join(
  owner: JoinOwner,
  cluster: ClusterName,
  version: number,
  asked: JoinGroupRequest,
): Promise<JoinGroupResponse> {
  let answer: JoinGroupResponse | undefined
  await withCoordinator(owner, cluster, asked.groupId, async (coordinator) => {
    // An id that one coordinator gave means nothing to the next.
    let { memberId } = asked
    const ask = (): Promise<JoinGroupResponse> =>
      coordinator.request(apis.joinGroup, version, { ...asked, memberId }, joinWaitMs)
    answer = await ask()
    if (answer.errorCode === errorCodes.MEMBER_ID_REQUIRED) {
      memberId = answer.memberId
      const joined = ask()
      if (await isGoneBefore(owner, joined)) {
        joined.catch(() => {})
        leaveBehind(owner, cluster, asked.groupId, memberId)
      }
      answer = await joined
    }
    return answer.errorCode
  })
  if (answer === undefined) throw unreachable(cluster, asked.groupId)
  return answer
}

/** Whether the client goes away before its join is answered. */
async function isGoneBefore(owner: JoinOwner, joined: Promise<unknown>): Promise<boolean> {
  let isOver = false
  const over = joined.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  while (!owner.gone && !isOver) await Promise.race([over, sleep(goneCheckMs)])
  return owner.gone
}

/**
 * Takes out a member that nobody will be: the group would wait for it until its session has expired, and it
 * might even be the one that assigns the partitions. Over a connection of our own: the client's are closing.
 */
function leaveBehind(owner: JoinOwner, name: ClusterName, groupId: string, memberId: string): void {
  const cluster = owner.context.cluster(name)
  const coordinator = cluster.coordinator('group', groupId)
  if (coordinator === undefined) return
  const version = cluster.version(apis.leaveGroup.key, 3)
  const upstream = cluster.openOwn(coordinator)
  upstream.opened
    .then(() => leave(upstream, version, { groupId, memberId, groupInstanceId: null }))
    .catch(() => {})
    .finally(() => upstream.end())
}

/** Asked again, with a fresh look at who coordinates. */
const coordinatorMoved: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
  // The id that it gave a moment ago: the coordinator has changed in between.
  errorCodes.UNKNOWN_MEMBER_ID,
])

/** Asks a group's coordinator, as the client; looks for it again while it is not there. */
export async function withCoordinator(
  owner: JoinOwner,
  name: ClusterName,
  group: string,
  act: (coordinator: Upstream) => Promise<number>,
): Promise<void> {
  const cluster = owner.context.cluster(name)
  for (let attempt = 1; !owner.gone; attempt++) {
    try {
      if (cluster.coordinator('group', group) === undefined) {
        const any = owner.brokers.resolve(anyOf(name))
        if (any === undefined) throw unreachable(name, group)
        const through = owner.brokers.connect(any)
        await through.opened
        await cluster.askCoordinators(through, 'group', [group])
      }
      const coordinator = cluster.coordinator('group', group)
      if (coordinator === undefined) throw unreachable(name, group)
      const upstream = owner.brokers.connect(coordinator)
      await upstream.opened
      if (!coordinatorMoved.has(await act(upstream))) return
    } catch (error) {
      if (attempt >= coordinatorAttemptsMax) throw error
    }
    if (attempt >= coordinatorAttemptsMax) return
    cluster.forgetCoordinator('group', group)
    await sleep(coordinatorRetryMs)
  }
}

const unreachable = (cluster: ClusterName, group: string): CutoverError =>
  new CutoverError(
    'upstream_connect',
    `the coordinator of group ${group} on the ${cluster} is not known`,
  )
