import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../../errors.ts'
import { nodeId } from '../../ids.ts'
import {
  apis,
  errorCodes,
  errorName,
  type DescribeGroupsResponse,
  type ListGroupsResponse,
} from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'

/** Versions: those before topic ids, lists of groups and GROUP_ID_NOT_FOUND, which every broker offers. */
const known = { describe: 5, list: 5, offsetFetch: 7, offsetCommit: 7, leave: 3 } as const

/** The coordinator is looked for again this often, this long apart: it loads for seconds after a move. */
const attemptsMax = 20
const retryMs = 100

const passing: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
  errorCodes.UNSTABLE_OFFSET_COMMIT,
])

/**
 * Asks a group's coordinator, and again while it is elsewhere or loading.
 * @param act asks, and tells the error codes that the answer holds
 */
export async function withCoordinator<T>(
  cluster: Cluster,
  group: string,
  act: () => Promise<{ readonly answer: T; readonly errors: readonly number[] }>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { answer, errors } = await act()
    const failed = errors.find((errorCode) => passing.has(errorCode))
    if (failed === undefined) return answer
    if (attempt >= attemptsMax) throw refused(cluster, group, failed)
    cluster.forgetCoordinator('group', group)
    await sleep(retryMs)
  }
}

export const refused = (cluster: Cluster, group: string, errorCode: number): CutoverError =>
  new CutoverError(
    'upstream_invalid',
    `the ${cluster.name} answered ${errorName(errorCode)} for group ${group}`,
  )

export interface ListedGroup {
  readonly group: string
  /** Whether it has members of the protocol of KIP-848, which no JoinGroup or Heartbeat (12) can move. */
  readonly isModern: boolean
}

/** The consumer groups of a cluster. */
export async function listGroups(cluster: Cluster): Promise<readonly ListedGroup[]> {
  return (await listEveryGroup(cluster))
    .filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
    .map(({ groupId, groupType, groupState }) => {
      const isModern = groupType.toLowerCase() === 'consumer' && groupState !== 'Empty'
      return { group: groupId, isModern }
    })
}

export type GroupOfAnyKind = ListGroupsResponse['groups'][number]

/** Groups of every kind and protocol: of all brokers, each coordinates its own. */
export async function listEveryGroup(cluster: Cluster): Promise<readonly GroupOfAnyKind[]> {
  const found = new Map<string, GroupOfAnyKind>()
  const ask = async (id: number): Promise<void> => {
    const answer = await cluster.ask(apis.listGroups, known.list, {}, { nodeId: nodeId(id) })
    if (answer.errorCode !== errorCodes.NONE) {
      throw new CutoverError(
        'upstream_invalid',
        `broker ${id} of the ${cluster.name} answered ListGroups with ${errorName(answer.errorCode)}`,
      )
    }
    for (const group of answer.groups) found.set(group.groupId, group)
  }
  await Promise.all([...cluster.topology.brokers.keys()].map(ask))
  return [...found.values()]
}

export type DescribedGroup = DescribeGroupsResponse['groups'][number]
export type DescribedMember = DescribedGroup['members'][number]

/** A group that does not exist is `Dead`, without members. */
export function describeGroup(cluster: Cluster, group: string): Promise<DescribedGroup> {
  return withCoordinator(cluster, group, async () => {
    const body = { groups: [group] }
    const { groups } = await cluster.ask(apis.describeGroups, known.describe, body, { group })
    const answer = groups[0]
    if (answer === undefined) throw refused(cluster, group, errorCodes.UNKNOWN_SERVER_ERROR)
    return { answer, errors: [answer.errorCode] }
  }).then((answer) => {
    if (answer.errorCode === errorCodes.NONE) return answer
    throw refused(cluster, group, answer.errorCode)
  })
}

/** Takes a member out of its group, whoever it is. One that is not there (any more) is as good. */
export async function leaveGroup(cluster: Cluster, group: string, memberId: string): Promise<void> {
  const version = cluster.version(apis.leaveGroup.key, known.leave) ?? known.leave
  const groupId = group
  const body = version >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId }
  await withCoordinator(cluster, group, async () => {
    const answer = await cluster.ask(apis.leaveGroup, version, body, { group })
    return { answer, errors: [answer.errorCode] }
  })
}

/** No members, and none that are about to come. */
export const isEmpty = ({ groupState }: DescribedGroup): boolean =>
  groupState === 'Empty' || groupState === 'Dead'

/** What a group has committed, by topic and partition. */
export interface CommittedOffset {
  readonly offset: bigint
  readonly metadata: string | null
}
export type CommittedOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>

/**
 * What a group has committed; offsets as they are stored. One that an open transaction may change is refused
 * (KIP-447), but only where it is named: of all, it is left out while it is the first of its partition.
 *
 * @param of null is everything
 */
export async function fetchOffsets(
  cluster: Cluster,
  group: string,
  of: { readonly topic: string; readonly partition: number } | null = null,
): Promise<CommittedOffsets> {
  const version = cluster.version(apis.offsetFetch.key, known.offsetFetch) ?? known.offsetFetch
  const topics = of === null ? null : [{ name: of.topic, partitionIndexes: [of.partition] }]
  const body = { groupId: group, topics, ...(version >= 7 ? { requireStable: true } : {}) }
  const answer = await withCoordinator(cluster, group, async () => {
    const answer = await cluster.ask(apis.offsetFetch, version, body, { group })
    return { answer, errors: [answer.errorCode, ...errorsOf(answer.topics)] }
  })
  const failed = [answer.errorCode, ...errorsOf(answer.topics)].find(isFailure)
  if (failed !== undefined) throw refused(cluster, group, failed)
  const committed = new Map<string, Map<number, CommittedOffset>>()
  for (const { name, partitions } of answer.topics) {
    const stored = partitions.filter(({ committedOffset }) => committedOffset >= 0n)
    if (stored.length === 0) continue
    const offsets = stored.map(({ partitionIndex, committedOffset: offset, metadata }) => {
      return [partitionIndex, { offset, metadata }] as const
    })
    committed.set(name, new Map(offsets))
  }
  return committed
}

/** Who commits: a member of a generation; without one, it is an administrator's commit. */
export interface Committer {
  readonly memberId: string
  readonly generationId: number
}
export const administrator: Committer = { memberId: '', generationId: -1 }

/** Stores offsets, without leader epochs: they would be another cluster's. */
export async function commitOffsets(
  cluster: Cluster,
  group: string,
  offsets: CommittedOffsets,
  { memberId, generationId }: Committer,
): Promise<void> {
  const topics = [...offsets].map(([name, partitions]) => ({
    name,
    partitions: [...partitions].map(([partitionIndex, { offset, metadata }]) => ({
      partitionIndex,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
  if (topics.length === 0) return
  const body = { groupId: group, generationIdOrMemberEpoch: generationId, memberId, topics }
  const answer = await withCoordinator(cluster, group, async () => {
    const answer = await cluster.ask(apis.offsetCommit, known.offsetCommit, body, { group })
    return { answer, errors: errorsOf(answer.topics) }
  })
  const failed = errorsOf(answer.topics).find(isFailure)
  if (failed !== undefined) throw refused(cluster, group, failed)
}

const isFailure = (errorCode: number): boolean => errorCode !== errorCodes.NONE

const errorsOf = (
  topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[],
): number[] => topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
