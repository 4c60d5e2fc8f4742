import { apis } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { readEnds } from '../ends.ts'
import {
  describeGroup,
  fetchOffsets,
  listEveryGroup,
  topicsOf,
  type CommittedOffsets,
  type DescribedGroup,
  type GroupOfAnyKind,
} from '../groups/index.ts'
import { isUnordered, type Finding, type TopicPlan } from './finding.ts'

/** How many groups are looked at at once. */
const looksMax = 8

/** The ends of the plan's partitions on the source, by topic. */
type Ends = ReadonlyMap<string, readonly bigint[]>

/**
 * The groups of the plan's topics, as far as an operator should know of them before: those that cannot be
 * moved, those that wait for somebody, and those whose offsets are elsewhere.
 */
export async function findGroups(
  source: Cluster,
  target: Cluster,
  topics: readonly TopicPlan[],
): Promise<readonly Finding[]> {
  const left = [...(await listEveryGroup(source))]
  // Only those that are there are asked for: a cluster that never had a group would create a topic for it.
  const taken = new Set(
    (await listEveryGroup(target))
      .filter(({ groupState }) => groupState !== 'Empty' && groupState !== 'Dead')
      .map(({ groupId }) => groupId),
  )
  const ends = await endsOf(source, topics)
  const unordered = new Set(topics.filter(isUnordered).map(({ name }) => name))
  const seen = { source, target, taken, ends, unordered }
  const findings: Finding[] = []
  const worker = async (): Promise<void> => {
    for (let group = left.shift(); group !== undefined; group = left.shift()) {
      findings.push(...(await findGroup(seen, group).catch(denied(group))))
    }
  }
  await Promise.all(Array.from({ length: looksMax }, worker))
  return findings.sort((one, other) => (one.subject < other.subject ? -1 : 1))
}

async function endsOf(source: Cluster, topics: readonly TopicPlan[]): Promise<Ends> {
  const names = topics.flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const found = new Map<string, bigint[]>(topics.map(({ name }) => [name, []]))
  for (const [i, end] of (await readEnds(source, names)).entries()) {
    found.get(names[i]?.topic ?? '')?.push(end.highWatermark)
  }
  return found
}

interface Seen {
  readonly source: Cluster
  readonly target: Cluster
  /** The groups that may have members on the target. */
  readonly taken: ReadonlySet<string>
  readonly ends: Ends
  /** The topics of which both clusters are read at once. */
  readonly unordered: ReadonlySet<string>
}

async function findGroup(
  { source, target, taken, ends, unordered }: Seen,
  listed: GroupOfAnyKind,
): Promise<readonly Finding[]> {
  const { groupId: group, groupType } = listed
  const subject = `group ${group}`
  const isShare = groupType.toLowerCase() === 'share' || listed.protocolType === 'share'
  if (isShare) return listed.groupState === 'Empty' ? [] : [share(subject, listed)]
  const committed = await fetchOffsets(source, group)
  const topics = [...committed.keys()].filter((topic) => ends.has(topic))
  if (topics.length > 0 && isForeign(listed)) return [foreign(subject, listed, topics)]
  if (topics.length > 0 && isModern(listed)) {
    return [modern(subject, listed, `offsets on ${topics.join(', ')}`)]
  }
  if (unordered.size > 0 && isModern(listed)) {
    const named = (await readByModern(source, group)).filter((topic) => unordered.has(topic))
    if (named.length > 0) return [modern(subject, listed, `they read ${named.join(', ')}`)]
  }
  if (isForeign(listed) || isModern(listed)) return []
  const on = await describeGroup(source, group)
  const read = [...topicsOf(on, committed)].filter((topic) => ends.has(topic))
  if (read.length === 0) return []
  const parallel = read.filter((topic) => unordered.has(topic))
  if (parallel.length > 0 && assignsItself(listed, on)) return [selfAssigned(subject, parallel)]
  const [other] = taken.has(group) ? (await describeGroup(target, group)).members : []
  const isDormant = on.members.length === 0
  return [
    ...(other === undefined
      ? []
      : [isTaken(subject, `${other.clientId} at ${other.clientHost}`, parallel)]),
    ...(isDormant ? [dormant(subject, remaining(committed, ends), topics)] : []),
    ...(topics.length === 0 ? [uncommitted(subject, read)] : []),
  ]
}

/** What members of the protocol of KIP-848 read, whether they have committed or not. */
async function readByModern(source: Cluster, group: string): Promise<readonly string[]> {
  const version = source.version(apis.consumerGroupDescribe.key, 1)
  if (version === undefined) return []
  const body = { groupIds: [group], includeAuthorizedOperations: false }
  const { groups } = await source.ask(apis.consumerGroupDescribe, version, body, { group })
  const members = groups.flatMap((described) => described.members)
  const names = members.flatMap(({ subscribedTopicNames, assignment }) => [
    ...subscribedTopicNames,
    ...assignment.topicPartitions.map(({ topicName }) => topicName),
  ])
  return [...new Set(names)]
}

/** Records of the plan behind what the group has committed. */
function remaining(committed: CommittedOffsets, ends: Ends): bigint {
  let records = 0n
  for (const [topic, partitions] of committed) {
    for (const [partition, { offset }] of partitions) {
      const end = ends.get(topic)?.[partition] ?? 0n
      if (end > offset) records += end - offset
    }
  }
  return records
}

/** With members, and a protocol of theirs that is not ours to speak (KIP-848, KIP-1071). */
const isModern = ({ groupType, groupState }: GroupOfAnyKind): boolean =>
  groupState !== 'Empty' && ['consumer', 'streams'].includes(groupType.toLowerCase())

/**
 * Offsets without any member ever: they came from `assign()`, or from an administrator (KIP-222 calls it simple). Of
 * a group that members of the protocol of KIP-848 have left, DescribeGroups tells no more.
 */
const assignsItself = (
  { groupType }: GroupOfAnyKind,
  { protocolType, members }: DescribedGroup,
): boolean =>
  protocolType === '' && members.length === 0 && ['', 'classic'].includes(groupType.toLowerCase())

/** The members agree about something else than partitions. A group that nobody is in has no protocol. */
const isForeign = ({ protocolType }: GroupOfAnyKind): boolean =>
  !['', 'consumer', 'streams'].includes(protocolType)

const modern = (subject: string, { groupType }: GroupOfAnyKind, evidence: string): Finding => ({
  severity: 'blocking',
  subject,
  problem:
    groupType.toLowerCase() === 'consumer'
      ? 'its members use the consumer protocol of KIP-848, which cannot be moved'
      : `its members use the ${groupType.toLowerCase()} protocol, which cannot be moved`,
  evidence: `it has members, and ${evidence}`,
  remedy:
    'restart its members with group.protocol=classic, through the sidecar, or leave its topics out of the plan',
})

const foreign = (
  subject: string,
  { protocolType }: GroupOfAnyKind,
  topics: readonly string[],
): Finding => ({
  severity: 'blocking',
  subject,
  problem: 'it is no consumer group, but has offsets, which would not be moved',
  evidence: `protocol type ${protocolType}, offsets on ${topics.join(', ')}`,
  remedy: 'leave its topics out of the plan, or stop it and delete its offsets there',
})

const share = (subject: string, { groupState }: GroupOfAnyKind): Finding => ({
  severity: 'warning',
  subject,
  problem: 'it is a share group, which is neither moved nor waited for',
  evidence: `state ${groupState}`,
  remedy: 'let it read the source to its end behind the cutover, then restart it at the target',
})

const selfAssigned = (subject: string, topics: readonly string[]): Finding => ({
  severity: 'blocking',
  subject,
  problem: 'nobody has ever joined it: who reads with assign() is not given the new partitions',
  evidence: `no protocol, and offsets on ${topics.join(', ')}, which are unordered`,
  remedy:
    'let its consumers subscribe(), or use ordered for these topics; where nobody uses it any more, delete its offsets there',
})

/** Nobody but its members may commit for it: its positions on the target could not be given to it. */
const isTaken = (subject: string, who: string, unordered: readonly string[]): Finding => ({
  severity: unordered.length > 0 ? 'blocking' : 'warning',
  subject,
  problem:
    unordered.length > 0
      ? `it has members on the target already, so that it cannot be given its positions on ${unordered.join(', ')} there`
      : 'it has members on the target already: it is not moved while they are there',
  evidence: who,
  remedy: 'stop them until the group has moved, or give them another group',
})

const dormant = (subject: string, left: bigint, topics: readonly string[]): Finding =>
  left === 0n
    ? {
        severity: 'info',
        subject,
        problem: 'it is dormant: it has no members, and nothing left to read',
        evidence: `offsets on ${topics.join(', ')}`,
        remedy: 'none is needed: its offsets are copied, and it resumes on the target',
      }
    : {
        severity: 'warning',
        subject,
        problem: 'it is dormant: the cutover waits for it in phase spliced',
        evidence: `no members, ${left} records left on ${topics.join(', ')}`,
        remedy:
          'start it, or let it stay (cutover --dormant leave), or give up what it has not read (forget --group, behind the splice)',
      }

const uncommitted = (subject: string, read: readonly string[]): Finding => ({
  severity: 'info',
  subject,
  problem: 'it has committed nothing on what it reads: it may keep its offsets itself',
  evidence: `its members read ${read.join(', ')}`,
  remedy:
    'none while it goes through the sidecar; before it is pointed at the target, translate what it has stored (kafka-cutover offsets)',
})

/** What else fails may be over the next time: it is no finding. */
const denied =
  ({ groupId }: GroupOfAnyKind) =>
  (error: unknown): readonly Finding[] => {
    const evidence = error instanceof Error ? error.message : String(error)
    if (!evidence.includes('AUTHORIZATION_FAILED')) throw error
    return [
      {
        severity: 'blocking',
        subject: `group ${groupId}`,
        problem: 'it may not be looked at, and so not be moved',
        evidence,
        remedy: 'let the users of source.sasl and target.sasl describe and read the group',
      },
    ]
  }
