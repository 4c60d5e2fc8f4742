import type { ClusterName } from '../../src/ids.ts'
import {
  apis,
  decodeRequest,
  encodeResponse,
  errorCodes,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type JoinGroupResponse,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from '../../src/protocol/index.ts'
import {
  joinedCommits,
  joinedWithShownNames,
  joinWithTargetNames,
  partedCommit,
  placeOf,
  shownCommits,
  type RequestFrame,
} from '../../src/router/index.ts'
import type { Incarnation } from './incarnation.ts'

/** The session, as far as it asks coordinators for its client (`JoinOwner`). */
export interface MemberOwner {
  readonly owner: Incarnation
  readonly gone: boolean
  /** Asks the coordinator there, which is broker 1 of either cluster. */
  askCoordinator<Q extends Fields, S extends Fields>(
    cluster: ClusterName,
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>>
}

/** src/proxy/membership.ts */
export async function joinMoved(
  session: MemberOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, frame, bodyOffset, correlationId, clientId } = request
  const asked = decodeRequest(apis.joinGroup, version, frame, bodyOffset)
  const { owner } = session
  const { groups } = owner
  if (groups.isMoving(asked.groupId)) {
    const done = groups.hold(asked, clientId ?? '', owner.scheduler.now())
    try {
      const { groupId, memberId, groupInstanceId } = asked
      if (memberId !== '') {
        const members = [{ memberId, groupInstanceId }]
        await session.askCoordinator('source', apis.leaveGroup, 3, { groupId, members })
      }
      while (!session.gone && groups.isMoving(groupId)) {
        await Promise.race([owner.tableChanged, owner.sleep(200)])
      }
    } finally {
      done()
    }
  }
  if (session.gone) return undefined
  const cluster = placeOf(owner.table.view, asked.groupId) === 'target' ? 'target' : 'source'
  if (cluster === 'target') groups.joined(asked.groupId, asked.memberId)
  const { view } = owner.table
  const named = cluster === 'target' ? joinWithTargetNames(view, asked) : asked
  const ask = (memberId: string): Promise<JoinGroupResponse> =>
    session.askCoordinator(cluster, apis.joinGroup, version, { ...named, memberId })
  let answer = await ask('')
  if (answer.errorCode === errorCodes.MEMBER_ID_REQUIRED) answer = await ask(answer.memberId)
  const shown = cluster === 'target' ? joinedWithShownNames(view, asked, answer) : answer
  return encodeResponse(apis.joinGroup, version, correlationId, shown)
}

/** src/proxy/leaving.ts */
export async function leaveUnasked(
  session: MemberOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, frame, bodyOffset, correlationId } = request
  const { groupId, memberId } = decodeRequest(apis.heartbeat, version, frame, bodyOffset)
  const { view } = session.owner.table
  const cluster = placeOf(view, groupId) === 'target' ? 'target' : 'source'
  const body = { groupId, members: [{ memberId }] }
  await session.askCoordinator(cluster, apis.leaveGroup, 3, body)
  if (session.gone) return undefined
  const errorCode = errorCodes.REBALANCE_IN_PROGRESS
  return encodeResponse(apis.heartbeat, version, correlationId, { errorCode })
}

type Topic = OffsetCommitRequest['topics'][number]
type Answered = OffsetCommitResponse['topics'][number]

const placeholderWaitMsMax = 5_000
const retryMs = 50
const memberCheckMs = 1_000

/** Whether it commits what its group reads in both clusters (`Requests.#isParted`). */
export function isParted({ table }: Incarnation, request: RequestFrame): boolean {
  if (request.api.key !== apis.offsetCommit.key || !table.view.spliced) return false
  const { version, frame, bodyOffset } = request
  const asked = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
  return partedCommit(table, asked) !== undefined
}

/** src/proxy/parallel-commit.ts; coordinators stay where they are here. */
export async function commitInBoth(
  session: MemberOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, correlationId, frame, bodyOffset } = request
  const asked = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
  const { table } = session.owner
  const parts = partedCommit(table, asked) ?? { source: asked.topics, target: [] }
  const commit = async (cluster: ClusterName, body: OffsetCommitRequest) =>
    (await session.askCoordinator(cluster, apis.offsetCommit, version, body)).topics
  const onSource =
    parts.source.length > 0 ? await commit('source', { ...asked, topics: parts.source }) : []
  const refusal =
    parts.source.length > 0 ? refusalOf(onSource) : await refusalOfMember(session, asked)
  const onTarget =
    refusal === 0
      ? await commitOnTarget(session, asked, parts.target, (body) => commit('target', body))
      : failed(parts.target, refusal)
  if (session.gone) return undefined
  return encodeResponse(apis.offsetCommit, version, correlationId, {
    topics: joinedCommits(table, [...onSource, ...shownCommits(table, onTarget)]),
  })
}

async function refusalOfMember(
  session: MemberOwner,
  { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch }: OffsetCommitRequest,
): Promise<number> {
  if (generationIdOrMemberEpoch < 0) return 0
  const body = { groupId, memberId, groupInstanceId, generationId: generationIdOrMemberEpoch }
  const { errorCode } = await session.askCoordinator('source', apis.heartbeat, 3, body)
  return errorCode === errorCodes.REBALANCE_IN_PROGRESS ? 0 : errorCode
}

async function commitOnTarget(
  session: MemberOwner,
  asked: OffsetCommitRequest,
  topics: readonly Topic[],
  commit: (body: OffsetCommitRequest) => Promise<readonly Answered[]>,
): Promise<readonly Answered[]> {
  const { groupId } = asked
  const { owner } = session
  const untilMs = owner.scheduler.now() + placeholderWaitMsMax
  let checkAtMs = owner.scheduler.now() + memberCheckMs
  for (;;) {
    const member = owner.table.view.placeholders.get(groupId)
    const answered = await commit({
      ...asked,
      memberId: member?.memberId ?? '',
      generationIdOrMemberEpoch: member?.generationId ?? -1,
      groupInstanceId: null,
      topics: [...topics],
    })
    const refusal = refusalOf(answered)
    const isPlaceholders =
      refusal === errorCodes.UNKNOWN_MEMBER_ID ||
      refusal === errorCodes.ILLEGAL_GENERATION ||
      refusal === errorCodes.REBALANCE_IN_PROGRESS
    if (!isPlaceholders || session.gone) return answered
    if (placeOf(owner.table.view, groupId) === 'target') {
      return failed(topics, errorCodes.ILLEGAL_GENERATION)
    }
    if (owner.scheduler.now() > untilMs) return failed(topics, errorCodes.REBALANCE_IN_PROGRESS)
    if (owner.scheduler.now() > checkAtMs) {
      checkAtMs = owner.scheduler.now() + memberCheckMs
      const refusal = await refusalOfMember(session, asked)
      if (refusal !== 0) return failed(topics, refusal)
    }
    await owner.sleep(retryMs)
  }
}

const refusesMember: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.REBALANCE_IN_PROGRESS,
])

const refusalOf = (topics: readonly Answered[]): number =>
  topics
    .flatMap(({ partitions }) => partitions)
    .find(({ errorCode }) => refusesMember.has(errorCode))?.errorCode ?? 0

const failed = (topics: readonly Topic[], errorCode: number): readonly Answered[] =>
  topics.map(({ name, topicId, partitions }) => ({
    ...{ name, topicId },
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
