import {
  decodeAssignment,
  DecodeError,
  decodeStickyUserData,
  decodeSubscription,
  encodeAssignment,
  encodeStickyUserData,
  type ConsumerAssignment,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type SyncGroupRequest,
} from '../../protocol/index.ts'
import { shownPartition, type Parallel } from '../timeline/index.ts'
import { placeOf, type View } from '../view.ts'

/** Whom the leader of a group is to deal partitions to. */
export interface Subscribers {
  readonly groupId: string
  readonly generationId: number
  /** By member, the topics that it subscribes to. */
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>
}

/** Whether a leader's deal is looked at: that of consumers which have moved, while some topic is unordered. */
export const isRedealt = (view: View, { groupId, protocolType }: JoinGroupRequest): boolean =>
  protocolType === 'consumer' &&
  placeOf(view, groupId) === 'target' &&
  parallelTopics(view).length > 0

/**
 * What a leader is told of the members of its group. Undefined where it deals as it likes: some member keeps
 * partitions through the rebalance (KIP-429), and nobody else may be given them before it has lost them.
 *
 * @param answer by the names and numbers that clients know
 */
export function subscribersOf(
  { groupId }: JoinGroupRequest,
  { generationId, members }: JoinGroupResponse,
): Subscribers | undefined {
  if (members.length === 0) return undefined
  return readable(() => {
    const told = members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeSubscription(metadata).message,
    }))
    const keeps = told.some(({ ownedPartitions }) =>
      ownedPartitions.some(({ partitions }) => partitions.length > 0),
    )
    if (keeps) return undefined
    const topics = new Map(told.map((each) => [each.memberId, new Set(each.topics)]))
    return { groupId, generationId, topics }
  })
}

/**
 * Gives of each unordered topic as many of the target's partitions to each of its subscribers: a leader counts
 * those of the source, too, which are dropped on the way to the target, and some members might be left with
 * nothing. Topic by topic, so that topics of the same shape stay together as the range assignor has them.
 *
 * @param asked by the names and numbers that clients know
 */
export function redealt(
  view: View,
  { groupId, generationId, topics }: Subscribers,
  asked: SyncGroupRequest,
): SyncGroupRequest {
  if (asked.groupId !== groupId || asked.generationId !== generationId) return asked
  const given = readable(() => assignmentsOf(asked, topics.keys()))
  if (given === undefined) return asked
  let dealt = given
  for (const { name, parallel } of parallelTopics(view)) {
    const subscribers = [...topics].filter(([, of]) => of.has(name)).map(([memberId]) => memberId)
    if (subscribers.length > 0) dealt = dealTopic(dealt, name, parallel, subscribers)
  }
  const changed = [...dealt].filter(([memberId, now]) => now !== given.get(memberId))
  if (changed.length === 0) return asked
  const assignments = new Map(asked.assignments.map((each) => [each.memberId, each]))
  for (const [memberId, { version, message, rest }] of changed) {
    const assignment = encodeAssignment(version, message, rest)
    assignments.set(memberId, { ...assignments.get(memberId), memberId, assignment })
  }
  return { ...asked, assignments: [...assignments.values()] }
}

type Assignment = ReturnType<typeof decodeAssignment>
type Assignments = ReadonlyMap<string, Assignment>

/** What everybody is given, those to whom the leader gives nothing included. */
function assignmentsOf({ assignments }: SyncGroupRequest, members: Iterable<string>): Assignments {
  const given = new Map<string, Assignment>()
  for (const { memberId, assignment } of assignments) {
    if (assignment.length > 0) given.set(memberId, decodeAssignment(assignment))
  }
  const [first] = given.values()
  const message = { assignedPartitions: [], userData: null }
  const nothing = { version: first?.version ?? 0, message, rest: Buffer.alloc(0) }
  for (const memberId of members) if (!given.has(memberId)) given.set(memberId, nothing)
  return given
}

function dealTopic(
  given: Assignments,
  topic: string,
  parallel: Parallel,
  subscribers: readonly string[],
): Assignments {
  const first = shownPartition(parallel, 0)
  // A leader gets none that it does not know of: Java 4.3.1 then failed at every rebalance.
  const all = [...given.values()]
    .flatMap((assigned) => partitionsOf(assigned, topic))
    .filter((partition) => partition >= first)
  const held = subscribers.map((memberId) => {
    const assigned = given.get(memberId)
    return [memberId, assigned === undefined ? [] : partitionsOf(assigned, topic)] as const
  })
  const dealt = deal(new Map(held), all)
  const changed = [...given].map(([memberId, assigned]) => {
    const has = partitionsOf(assigned, topic)
    const ofSource = has.filter((partition) => partition < first)
    const gets = [...ofSource, ...(dealt.get(memberId) ?? [])]
    return [memberId, sameSet(has, gets) ? assigned : withTopic(assigned, topic, gets)] as const
  })
  return new Map(changed)
}

/**
 * Deals partitions, each once: shares differ by one at the most, and whoever has no more than its share keeps
 * what it has.
 *
 * @param held by member, what it has already; who has none gets some, too
 */
export function deal(
  held: ReadonlyMap<string, readonly number[]>,
  all: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const left = new Set(all)
  const count = left.size
  const members = [...held]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    // What two of them have is the first one's.
    .map(([memberId, has]) => ({ memberId, has: has.filter((each) => left.delete(each)) }))
    // Where not all shares are the same, the larger ones are for those who have more already.
    .toSorted((a, b) => b.has.length - a.has.length)
  const share = Math.floor(count / members.length)
  const larger = count % members.length
  const kept = members.map(({ memberId, has }, i) => {
    const size = i < larger ? share + 1 : share
    for (const spare of has.slice(size)) left.add(spare)
    return { memberId, has: has.slice(0, size), size }
  })
  const spare = [...left].toSorted((a, b) => a - b)
  return new Map(
    kept.map(({ memberId, has, size }) => [
      memberId,
      [...has, ...spare.splice(0, size - has.length)],
    ]),
  )
}

const partitionsOf = ({ message }: Assignment, topic: string): readonly number[] =>
  message.assignedPartitions.filter((of) => of.topic === topic).flatMap((of) => of.partitions)

function withTopic(
  { version, message, rest }: Assignment,
  topic: string,
  partitions: readonly number[],
): Assignment {
  const others = message.assignedPartitions.filter((of) => of.topic !== topic)
  const assignedPartitions = partitions.length === 0 ? others : [...others, { topic, partitions }]
  return { version, message: remembered(message, assignedPartitions), rest }
}

/** sarama tells its members in user data, too, what they are given. */
function remembered(
  { userData }: ConsumerAssignment,
  assignedPartitions: ConsumerAssignment['assignedPartitions'],
): ConsumerAssignment {
  const sticky = userData === null ? undefined : decodeStickyUserData(userData)
  if (sticky?.version !== 1) return { assignedPartitions, userData }
  const message = { ...sticky.message, previousAssignment: assignedPartitions }
  return { assignedPartitions, userData: encodeStickyUserData({ version: 1, message }) }
}

const sameSet = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((each) => b.includes(each))

const parallelTopics = (view: View): readonly { name: string; parallel: Parallel }[] =>
  [...view.topics.values()].flatMap(({ name, parallel }) =>
    parallel === undefined ? [] : [{ name, parallel }],
  )

/** Members of a group may say what they agree on. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
