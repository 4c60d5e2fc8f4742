import {
  decodeAssignment,
  DecodeError,
  decodeStickyUserData,
  decodeSubscription,
  encodeAssignment,
  encodeStickyUserData,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type SyncGroupRequest,
} from '../../protocol/index.ts'
import { shownPartition } from '../timeline/index.ts'
import { placeOf, type View } from '../view.ts'

/** Whom the leader of a group is to deal partitions to. */
export interface Subscribers {
  readonly groupId: string
  readonly generationId: number
  /** The name of the assignor. */
  readonly protocolName: string | null
  /** By member, the topics that it subscribes to. */
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>
  /** By member, what it keeps through the rebalance (KIP-429); empty where nobody keeps anything. */
  readonly owned: ReadonlyMap<string, Assigned>
}

/** By topic, the partitions of one member. */
type Assigned = ReadonlyMap<string, readonly number[]>

/** Whether a leader's deal is looked at: that of consumers which have moved, while some topic is unordered. */
export const isRedealt = (view: View, { groupId, protocolType }: JoinGroupRequest): boolean =>
  protocolType === 'consumer' && placeOf(view, groupId) === 'target' && unordered(view).length > 0

/**
 * What a leader is told of the members of its group; undefined where that cannot be read.
 *
 * @param answer by the names and numbers that clients know
 */
export function subscribersOf(
  { groupId }: JoinGroupRequest,
  { generationId, protocolName, members }: JoinGroupResponse,
): Subscribers | undefined {
  if (members.length === 0) return undefined
  return readable(() => {
    const told = members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeSubscription(metadata).message,
    }))
    const topics = new Map(told.map((each) => [each.memberId, new Set(each.topics)]))
    const keeping = told.filter(({ ownedPartitions }) =>
      ownedPartitions.some(({ partitions }) => partitions.length > 0),
    )
    const owned = new Map(
      keeping.map(({ memberId, ownedPartitions }) => [memberId, byTopic(ownedPartitions)]),
    )
    return { groupId, generationId, protocolName, topics, owned }
  })
}

/**
 * Gives of each unordered topic as many of the target's partitions to each of its subscribers: a leader counts
 * those of the source, too, which are dropped on the way to the target, and some members might be left with
 * nothing.
 *
 * Where members keep partitions through the rebalance, it deals as it likes, unless it leaves somebody with nothing. What
 * another one keeps is then given to nobody: who loses it joins anew, as ever (KIP-429), and the next deal has it.
 *
 * @param asked by the names and numbers that clients know
 */
export function redealt(
  view: View,
  subscribers: Subscribers,
  asked: SyncGroupRequest,
): SyncGroupRequest {
  const { groupId, generationId, topics } = subscribers
  if (asked.groupId !== groupId || asked.generationId !== generationId) return asked
  const payloads = readable(() => payloadsOf(asked, topics.keys()))
  if (payloads === undefined) return asked
  const given = new Map(
    [...payloads].map(([id, { message }]) => [id, byTopic(message.assignedPartitions)]),
  )
  const changed = dealTopics(view, subscribers, given)
  if (changed.size === 0) return asked
  const assignments = new Map(asked.assignments.map((each) => [each.memberId, each]))
  for (const [memberId, payload] of payloads) {
    const assigned = changed.get(memberId)
    if (assigned === undefined) continue
    const assignment = encoded(payload, assigned)
    assignments.set(memberId, { ...assignments.get(memberId), memberId, assignment })
  }
  return { ...asked, assignments: [...assignments.values()] }
}

/** These deal partition by partition; range, and who knows what else, keeps like topics together. */
const acrossTopics: ReadonlySet<string | null> = new Set([
  'roundrobin',
  'RoundRobinAssigner',
  'sticky',
  'cooperative-sticky',
])

/** @returns what those get for whom something changes, by member */
function dealTopics(
  view: View,
  { protocolName, topics, owned }: Subscribers,
  given: ReadonlyMap<string, Assigned>,
): ReadonlyMap<string, Assigned> {
  const changed = new Map<string, Map<string, readonly number[]>>()
  const all = unordered(view)
  const loads = acrossTopics.has(protocolName) ? loadsOf(given, all) : undefined
  for (const { name, first } of all) {
    const subscribers = [...topics].filter(([, of]) => of.has(name)).map(([memberId]) => memberId)
    if (subscribers.length === 0) continue
    const has = (memberId: string) => given.get(memberId)?.get(name) ?? []
    // A leader gets none that it does not know of: Java 4.3.1 then failed at every rebalance.
    const known = [...given.keys()].flatMap(has).filter((partition) => partition >= first)
    const kept = keptOf(owned, name)
    // What a member keeps is taken from it last.
    const held = subscribers.map((id) => [id, kept.first(id, has(id))] as const)
    if (owned.size > 0 && !isSomebodyIdle(held, first)) continue
    const shares = deal(new Map(held), known, loads)
    for (const memberId of given.keys()) {
      const share = (shares.get(memberId) ?? []).filter(
        (each) => has(memberId).includes(each) || !kept.byOthers(memberId, each),
      )
      loads?.set(memberId, (loads.get(memberId) ?? 0) + share.length)
      const ofSource = has(memberId).filter((partition) => partition < first)
      const gets = [...ofSource, ...share]
      if (sameSet(gets, has(memberId))) continue
      const assigned = changed.get(memberId) ?? new Map(given.get(memberId))
      changed.set(memberId, assigned.set(name, gets))
    }
  }
  return changed
}

/** Whether one has none of the target's partitions, and another more than one. */
function isSomebodyIdle(
  held: readonly (readonly [memberId: string, partitions: readonly number[]])[],
  first: number,
): boolean {
  const counts = held.map(([, has]) => has.filter((each) => each >= first).length)
  return counts.includes(0) && counts.some((count) => count > 1)
}

/** Who keeps what of a topic through the rebalance. */
function keptOf(owned: Subscribers['owned'], topic: string) {
  const keeps = (memberId: string, partition: number): boolean =>
    owned.get(memberId)?.get(topic)?.includes(partition) === true
  return {
    first: (memberId: string, partitions: readonly number[]): readonly number[] =>
      partitions.toSorted((a, b) => Number(keeps(memberId, b)) - Number(keeps(memberId, a))),
    byOthers: (memberId: string, partition: number): boolean =>
      [...owned.keys()].some((other) => other !== memberId && keeps(other, partition)),
  }
}

/** How many partitions of other topics each member has. */
const loadsOf = (
  given: ReadonlyMap<string, Assigned>,
  unlike: readonly { readonly name: string }[],
): Map<string, number> =>
  new Map(
    [...given].map(([memberId, assigned]) => {
      const others = new Map(assigned)
      for (const { name } of unlike) others.delete(name)
      return [memberId, [...others.values()].flat().length]
    }),
  )

/**
 * Deals partitions, each once: shares differ by one at the most, and whoever has no more than its share keeps
 * what it has.
 *
 * @param held by member, what it has already; who has none gets some, too
 * @param loads by member, how much it has of other topics: the larger shares are for those who have least
 */
export function deal(
  held: ReadonlyMap<string, readonly number[]>,
  all: readonly number[],
  loads: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, readonly number[]> {
  const left = new Set(all)
  const count = left.size
  const load = (memberId: string): number => loads.get(memberId) ?? 0
  const members = [...held]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    // What two of them have is the first one's.
    .map(([memberId, has]) => ({ memberId, has: has.filter((each) => left.delete(each)) }))
    // Else, the larger shares are for those who have more already.
    .toSorted((a, b) => load(a.memberId) - load(b.memberId) || b.has.length - a.has.length)
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

type Payload = ReturnType<typeof decodeAssignment>

/** What everybody is given, those to whom the leader gives nothing included. */
function payloadsOf(
  { assignments }: SyncGroupRequest,
  members: Iterable<string>,
): ReadonlyMap<string, Payload> {
  const payloads = new Map<string, Payload>()
  for (const { memberId, assignment } of assignments) {
    if (assignment.length > 0) payloads.set(memberId, decodeAssignment(assignment))
  }
  const [first] = payloads.values()
  const message = { assignedPartitions: [], userData: null }
  const nothing = { version: first?.version ?? 0, message, rest: Buffer.alloc(0) }
  for (const memberId of members) if (!payloads.has(memberId)) payloads.set(memberId, nothing)
  return payloads
}

function byTopic(
  list: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): Assigned {
  const assigned = new Map<string, readonly number[]>()
  for (const { topic, partitions } of list) {
    assigned.set(topic, [...(assigned.get(topic) ?? []), ...partitions])
  }
  return assigned
}

/** sarama tells its members in user data, too, what they are given. */
function encoded({ version, message, rest }: Payload, assigned: Assigned): Buffer {
  const { userData } = message
  const assignedPartitions = [...assigned]
    .filter(([, partitions]) => partitions.length > 0)
    .map(([topic, partitions]) => ({ topic, partitions }))
  const sticky = userData === null ? undefined : decodeStickyUserData(userData)
  if (sticky?.version !== 1) {
    return encodeAssignment(version, { assignedPartitions, userData }, rest)
  }
  const remembered = { ...sticky.message, previousAssignment: assignedPartitions }
  const made = encodeStickyUserData({ version: 1, message: remembered })
  return encodeAssignment(version, { assignedPartitions, userData: made }, rest)
}

const sameSet = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((each) => b.includes(each))

/** The unordered topics, and the first of the target's partitions in them. */
const unordered = (view: View): readonly { readonly name: string; readonly first: number }[] =>
  [...view.topics.values()].flatMap(({ name, parallel }) =>
    parallel === undefined ? [] : [{ name, first: shownPartition(parallel, 0) }],
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
