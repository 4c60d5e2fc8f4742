import { setTimeout as sleep } from 'node:timers/promises'
import {
  apis,
  decodeRequest,
  encodeResponse,
  errorCodes,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from '../protocol/index.ts'
import {
  joinedCommits,
  partedCommit,
  placeOf,
  shownCommits,
  type RequestFrame,
} from '../router/index.ts'
import { withCoordinator, type JoinOwner } from './membership.ts'
import type { Upstream } from './upstream.ts'

type Topic = OffsetCommitRequest['topics'][number]
type Answered = OffsetCommitResponse['topics'][number]

/** While a group moves, its placeholder joins and leaves: how long a commit waits for it to be known, in ms. */
const placeholderWaitMsMax = 5_000
const retryMs = 50
/** How often the source hears of the member meanwhile, in ms: its heartbeats wait behind the commit. */
const memberCheckMs = 1_000

/** What concerns the member, not the partition: who may not commit here may not commit there. */
const refusesMember: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.REBALANCE_IN_PROGRESS,
  errorCodes.FENCED_INSTANCE_ID,
  errorCodes.INVALID_GROUP_ID,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorCodes.GROUP_ID_NOT_FOUND,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
])

/** Somebody else's coordinator answers these: it is looked for anew. */
const isElsewhere = (errorCode: number): boolean =>
  errorCode === errorCodes.COORDINATOR_LOAD_IN_PROGRESS ||
  errorCode === errorCodes.COORDINATOR_NOT_AVAILABLE ||
  errorCode === errorCodes.NOT_COORDINATOR

/**
 * OffsetCommit of a group on the source that reads unordered topics: what it reads of the source is committed
 * there, and what it reads of the target in the target's group of the same name, as by nobody (generation -1).
 * Only the source knows whether the member is one. So it goes first, and is asked about the member if it keeps
 * nothing of this commit; what it says of the member holds for the target's partitions, too.
 *
 * @returns the answer's frame, or undefined when the client is gone
 */
export async function commitInBoth(
  owner: JoinOwner,
  request: RequestFrame,
): Promise<Buffer | undefined> {
  const { version, correlationId, frame, bodyOffset } = request
  const asked = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
  const table = owner.context.table()
  const parts = partedCommit(table, asked) ?? { source: asked.topics, target: [] }
  const onSource =
    parts.source.length > 0
      ? await commit(owner, 'source', version, { ...asked, topics: parts.source })
      : []
  const refusal =
    parts.source.length > 0 ? refusalOf(onSource) : await refusalOfMember(owner, asked)
  const onTarget =
    refusal === 0
      ? await commitOnTarget(owner, version, asked, parts.target)
      : failed(parts.target, refusal)
  if (owner.gone) return undefined
  return encodeResponse(apis.offsetCommit, version, correlationId, {
    topics: joinedCommits(table, [...onSource, ...shownCommits(table, onTarget)]),
  })
}

/** What the source's coordinator says of who commits nothing there. */
async function refusalOfMember(owner: JoinOwner, asked: OffsetCommitRequest): Promise<number> {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = asked
  if (generationId < 0) return refusalOfNobody(owner, groupId)
  const version = owner.context.cluster('source').version(apis.heartbeat.key, 3)
  const body = { groupId, memberId, groupInstanceId, generationId }
  return askSource(owner, groupId, async (coordinator) => {
    const { errorCode } = await coordinator.request(apis.heartbeat, version, body)
    // In the middle of a rebalance members commit what they have read until then.
    return errorCode === errorCodes.REBALANCE_IN_PROGRESS ? 0 : errorCode
  })
}

/** Who is no member may commit for a group without members only. */
async function refusalOfNobody(owner: JoinOwner, groupId: string): Promise<number> {
  const version = owner.context.cluster('source').version(apis.describeGroups.key, 4)
  return askSource(owner, groupId, async (coordinator) => {
    const { groups } = await coordinator.request(apis.describeGroups, version, {
      groups: [groupId],
    })
    const [group] = groups
    if (group === undefined || group.members.length === 0) return group?.errorCode ?? 0
    return errorCodes.UNKNOWN_MEMBER_ID
  })
}

/** @param ask tells the error code that the source's coordinator has for it */
async function askSource(
  owner: JoinOwner,
  groupId: string,
  ask: (coordinator: Upstream) => Promise<number>,
): Promise<number> {
  let refusal: number = errorCodes.COORDINATOR_NOT_AVAILABLE
  await withCoordinator(owner, 'source', groupId, async (coordinator) => {
    refusal = await ask(coordinator)
    return isElsewhere(refusal) ? refusal : 0
  })
  return refusal
}

/**
 * The target's group has no members until it moves. While it does, the placeholder is its only one, as whom
 * everybody commits; UNKNOWN_MEMBER_ID, which others get meanwhile, would take a client its partitions. Who
 * waits for it stays a member on the source, or is told that it is none any more.
 */
async function commitOnTarget(
  owner: JoinOwner,
  version: number,
  asked: OffsetCommitRequest,
  topics: readonly Topic[],
): Promise<readonly Answered[]> {
  const { groupId } = asked
  const untilMs = performance.now() + placeholderWaitMsMax
  let checkAtMs = performance.now() + memberCheckMs
  for (;;) {
    const { view } = owner.context.table()
    const member = view.placeholders.get(groupId)
    const answered = await commit(owner, 'target', version, {
      ...asked,
      memberId: member?.memberId ?? '',
      generationIdOrMemberEpoch: member?.generationId ?? -1,
      groupInstanceId: null,
      topics,
    })
    const refusal = refusalOf(answered)
    const isPlaceholders =
      refusal === errorCodes.UNKNOWN_MEMBER_ID ||
      refusal === errorCodes.ILLEGAL_GENERATION ||
      refusal === errorCodes.REBALANCE_IN_PROGRESS
    if (!isPlaceholders || owner.gone) return answered
    // The group has moved under this commit, which waits in vain: as one behind a rebalance.
    if (placeOf(owner.context.table().view, groupId) === 'target') {
      return failed(topics, errorCodes.ILLEGAL_GENERATION)
    }
    if (performance.now() > untilMs) return failed(topics, errorCodes.REBALANCE_IN_PROGRESS)
    if (performance.now() > checkAtMs) {
      checkAtMs = performance.now() + memberCheckMs
      const refusal = await refusalOfMember(owner, asked)
      if (refusal !== 0) return failed(topics, refusal)
    }
    await sleep(retryMs)
  }
}

async function commit(
  owner: JoinOwner,
  cluster: 'source' | 'target',
  version: number,
  asked: OffsetCommitRequest,
): Promise<readonly Answered[]> {
  let answered = failed(asked.topics, errorCodes.COORDINATOR_NOT_AVAILABLE)
  await withCoordinator(owner, cluster, asked.groupId, async (coordinator) => {
    answered = (await coordinator.request(apis.offsetCommit, version, asked)).topics
    const refusal = refusalOf(answered)
    return isElsewhere(refusal) ? refusal : 0
  })
  return answered
}

/** What an answer says of the member; 0 where it says nothing against it. */
const refusalOf = (topics: readonly Answered[]): number =>
  topics
    .flatMap(({ partitions }) => partitions)
    .find(({ errorCode }) => refusesMember.has(errorCode))?.errorCode ?? 0

const failed = (topics: readonly Topic[], errorCode: number): readonly Answered[] =>
  topics.map(({ name, topicId, partitions }) => ({
    ...{ name, topicId },
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
