import { CutoverError } from '../../errors.ts'
import { DecodeError, decodeAssignment, decodeSubscription } from '../../protocol/index.ts'
import {
  segmentIn,
  virtualEnd,
  type PlannedTopic,
  type Segment,
  type Timeline,
} from '../../router/index.ts'
import type { Cluster } from '../cluster.ts'
import {
  describeGroup,
  fetchOffsets,
  type CommittedOffset,
  type CommittedOffsets,
  type DescribedGroup,
  type DescribedMember,
} from './group-requests.ts'
import type { Tail } from './tail.ts'

export type PlannedTopics = ReadonlyMap<string, PlannedTopic>

/**
 * The virtual offset at which the sessions of a group fetch a partition, the lowest of them; undefined where
 * none does.
 */
export type Positions = (group: string, topic: string, partition: number) => bigint | undefined

/** How far a group is in one partition of the plan. Offsets are virtual. */
export interface PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** The source's closed segment; of an unordered topic, as if it were closed where it ends now. */
  readonly source: Segment
  readonly committed: CommittedOffset | undefined
  /** Where the group goes on: at its commit, or at where it reads; undefined while neither is known. */
  readonly position: bigint | undefined
  /** Offsets until the end, of which some may hold no record; 0 when it is drained. */
  readonly remaining: bigint
  readonly drained: boolean
}

export interface GroupProgress {
  readonly group: string
  readonly members: number
  /** Kafka's name. */
  readonly state: string
  /**
   * Whether the group reads topics of the plan. While it rebalances, that is not told: `unknown`, unless it
   * has committed there.
   */
  readonly concern: 'planned' | 'none' | 'unknown'
  readonly partitions: readonly PartitionProgress[]
  readonly remaining: bigint
  readonly drained: boolean
  readonly memberIds: readonly string[]
  readonly clientHosts: readonly string[]
  readonly clientIds: readonly string[]
}

/** What progress is read from. */
export interface ProgressSource {
  readonly source: Cluster
  readonly tail: Tail
  readonly positions: Positions
}

/**
 * How far a group on the source is, in the partitions of the plan whose source segment is closed, and in
 * those of unordered topics, whose ends `tail.ends` has looked at.
 * @param before what was found last: of topics that it reads without a commit, only members tell, and only
 * while they do not rebalance
 */
export async function groupProgress(
  from: ProgressSource,
  group: string,
  topics: PlannedTopics,
  nowMs: number,
  before?: GroupProgress,
): Promise<GroupProgress> {
  const [described, committed] = await Promise.all([
    describeGroup(from.source, group),
    fetchOffsets(from.source, group),
  ])
  const { members, groupState: state } = described
  const tells = members.length > 0 && state === 'Stable'
  const names = new Set(topicsOf(described, committed))
  const remembered = tells ? [] : (before?.partitions ?? [])
  for (const { topic } of remembered) names.add(topic)
  const planned = [...names].flatMap((name) => topics.get(name) ?? [])
  const partitions: PartitionProgress[] = []
  for (const { name: topic, timelines, parallel } of planned) {
    for (const [partition, timeline] of timelines.entries()) {
      const isOpen = parallel !== undefined
      const source = isOpen ? openSource(from.tail, topic, timeline) : closedSource(timeline)
      if (source === undefined) continue
      const isThis = (each: PartitionProgress) =>
        each.topic === topic && each.partition === partition
      const stored = committed.get(topic)?.get(partition)
      // A group with policy `latest` commits nothing on an idle partition: where it reads counts.
      const position =
        stored?.offset ??
        from.positions(group, topic, partition) ??
        remembered.find(isThis)?.position
      const isRead = await from.tail.isExhausted(source, position ?? null, nowMs)
      const remaining = isRead ? 0n : left(source, position)
      const drained = isRead && (!isOpen || from.tail.ends.isQuiet(topic, partition, nowMs))
      partitions.push({ topic, partition, source, committed: stored, position, remaining, drained })
    }
  }
  const isTold = tells || members.length === 0
  return {
    group,
    members: members.length,
    state,
    concern: planned.length > 0 ? 'planned' : isTold ? 'none' : 'unknown',
    partitions,
    remaining: partitions.reduce((sum, { remaining }) => sum + remaining, 0n),
    drained: isTold && partitions.every(({ drained }) => drained),
    memberIds: members.map(({ memberId }) => memberId),
    clientHosts: members.map(whoIs),
    clientIds: [...new Set(members.map(({ clientId }) => clientId))],
  }
}

function closedSource(timeline: Timeline): Segment | undefined {
  const source = segmentIn(timeline, 'source')
  return source?.end == null ? undefined : source
}

/** @throws where it was not looked at */
function openSource(tail: Tail, topic: string, [source]: Timeline): Segment | undefined {
  if (source.cluster !== 'source') return undefined
  const seen = tail.ends.of(topic, source.partition)
  if (seen !== undefined) return { ...source, end: seen.end }
  const message = `the end of ${topic}-${source.partition} on the source is not known yet`
  throw new CutoverError('upstream_invalid', message)
}

function left(source: Segment, position: bigint | undefined): bigint {
  const start =
    position === undefined || position < source.virtualStart ? source.virtualStart : position
  return (virtualEnd(source) ?? start) - start
}

/** The topics that a group has committed on, subscribes to, or was assigned. */
export function topicsOf(
  { members }: DescribedGroup,
  committed: CommittedOffsets,
): ReadonlySet<string> {
  const names = new Set(committed.keys())
  for (const { memberMetadata, memberAssignment } of members) {
    const { topics } = read(memberMetadata, decodeSubscription) ?? { topics: [] }
    const { assignedPartitions } = read(memberAssignment, decodeAssignment) ?? {
      assignedPartitions: [],
    }
    for (const topic of topics) names.add(topic)
    for (const { topic } of assignedPartitions) names.add(topic)
  }
  return names
}

/** What members tell each other is theirs: what cannot be read, or is not there, tells nothing. */
function read<T>(
  payload: Buffer,
  decode: (payload: Buffer) => { readonly message: T },
): T | undefined {
  if (payload.length === 0) return undefined
  try {
    return decode(payload).message
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** A member as an operator finds it. */
export const whoIs = ({ clientId, clientHost }: Pick<DescribedMember, 'clientId' | 'clientHost'>) =>
  `${clientId === '' ? 'a member' : clientId} at ${clientHost.replace(/^\//, '')}`
