import {
  apis,
  decodeAssignment,
  DecodeError,
  decodeRequest,
  decodeResponse,
  decodeResponseHeader,
  decodeSubscription,
} from '../protocol/index.ts'
import {
  Growth,
  type GrowthSignal,
  type RequestFrame,
  type RoutingTable,
  type View,
} from '../router/index.ts'

const consumer = 'consumer'
/**
 * The client whose leaders forget that they join anew: seen in kafka-python 3.0.12. Where new partitions alone are the reason,
 * and poll() returns between the answers to JoinGroup and to SyncGroup, it never looks at the second one.
 */
const forgetful = 'kafka-python'
/**
 * The client that looks up nothing when a connection of it ends: franz-go, as it calls itself. It looks when a Fetch is
 * refused, and else every 5 minutes; one that has nothing to fetch would lead its group by what it knew before.
 */
const incurious = 'kgo'
/** How long a leader may take to join anew by itself, in ms. */
const graceMs = 1_000
/** The client that never does, and looks for partitions whenever it joins: it is called at its next heartbeat. */
const unasking = 'sarama'
/**
 * The client that joins anew whenever a Fetch is refused, leader or not: kafkajs, which does not say its name. A follower
 * that does is given what it has by the broker, at once, and its application hears of one rebalance more.
 */
const nameless = ''
/**
 * For how long Fetches are short when partitions are new, in ms. Behind one that waits for records of the source, which gets
 * none any more, waits all else of its connection: sarama asks a dozen things, one after the other, before it reads a new one.
 */
const hurryMs = 10_000

/** What passes of groups and their Fetches, told to `Growth`, and what it says to them. */
export class GrowthSignals {
  readonly #table: () => RoutingTable
  /** ms from anywhere. */
  readonly #now: () => number
  readonly #growth = new Growth()
  /** The view that was looked at last, and since when topics in it have grown. */
  #view: View | undefined
  #grownAt: number | undefined

  constructor(table: () => RoutingTable, now = (): number => performance.now()) {
    this.#table = table
    this.#now = now
  }

  /** Whether clients are just hearing of new partitions: their Fetches are not to wait for long. */
  get hurries(): boolean {
    const { view } = this.#table()
    if (view !== this.#view) {
      this.#view = view
      const hasGrown = view.spliced && [...view.topics.values()].some(({ parallel }) => parallel)
      this.#grownAt = hasGrown ? (this.#grownAt ?? this.#now()) : undefined
    }
    return this.#grownAt !== undefined && this.#now() - this.#grownAt < hurryMs
  }

  /** Whether the answer to this API is looked at; without a target nothing ever grows. */
  awaits(apiKey: number): boolean {
    return apiKey === apis.joinGroup.key && this.#table().view.hasTarget
  }

  /**
   * Any request that passes to a broker.
   * @param software what the client calls itself (KIP-511); empty where it does not
   */
  judge({ api, version, frame, bodyOffset }: RequestFrame, software: string): GrowthSignal {
    const { view } = this.#table()
    if (!view.hasTarget) return 'ordinary'
    if (api.key === apis.heartbeat.key && view.spliced) {
      const asked = decodeRequest(apis.heartbeat, version, frame, bodyOffset)
      const isStatic = asked.groupInstanceId !== null
      const beating = {
        isStatic,
        looksUpWhenClosed: software !== incurious,
        graceMs: software === unasking ? 0 : graceMs,
      }
      return this.#growth.heartbeat(view, asked.groupId, asked.memberId, beating, this.#now())
    }
    if (api.key === apis.joinGroup.key) {
      const { groupId, memberId } = decodeRequest(apis.joinGroup, version, frame, bodyOffset)
      this.#growth.joining(groupId, memberId)
    }
    if (api.key === apis.syncGroup.key) {
      const asked = decodeRequest(apis.syncGroup, version, frame, bodyOffset)
      const { groupId, memberId, assignments } = asked
      if (assignments.length === 0 || (asked.protocolType ?? consumer) !== consumer) {
        return 'ordinary'
      }
      const highest = new Map(
        assignments.map((each) => [each.memberId, highestOf(each.assignment)]),
      )
      return this.#growth.assigned(view, groupId, memberId, highest, software === forgetful)
    }
    return 'ordinary'
  }

  /** The answer to a JoinGroup, without its length. What cannot be read is the client's to judge. */
  joined({ version, clientId, ...request }: RequestFrame, answer: Buffer): void {
    const api = apis.joinGroup
    readable(() => {
      const asked = decodeRequest(api, version, request.frame, request.bodyOffset)
      if (asked.protocolType !== consumer) return
      const { bodyOffset } = decodeResponseHeader(api, version, answer, 0)
      const { errorCode, memberId, leader, members } = decodeResponse(api, version, answer, bodyOffset) // prettier-ignore
      if (errorCode !== 0) return this.#growth.refused(asked.groupId, asked.memberId)
      this.#growth.joined(asked.groupId, {
        memberId,
        leaderId: leader,
        clientId: clientId ?? '',
        topics: asked.protocols.slice(0, 1).flatMap(({ metadata }) => topicsOf(metadata)),
        members: members.map((member) => member.memberId),
      })
    })
  }

  /** A Fetch asks for none of the target's partitions of these topics. @returns those to refuse once */
  fetched(
    reader: object,
    clientId: () => string,
    software: string,
    topics: readonly string[],
  ): ReadonlySet<string> | undefined {
    const fetching = { clientId, joinsWhenTold: software === nameless }
    const due = this.#growth.fetched(this.#table().view, reader, fetching, topics, this.#now())
    return due.length === 0 ? undefined : new Set(due)
  }
}

const topicsOf = (subscription: Buffer): readonly string[] =>
  readable(() => decodeSubscription(subscription).message.topics) ?? []

/** By topic, the highest partition that a member is given. */
function highestOf(assignment: Buffer): ReadonlyMap<string, number> {
  const read = (): ReadonlyMap<string, number> =>
    new Map(
      decodeAssignment(assignment).message.assignedPartitions.map(({ topic, partitions }) => [
        topic,
        partitions.reduce((highest, partition) => Math.max(highest, partition), -1),
      ]),
    )
  return assignment.length === 0 ? new Map() : (readable(read) ?? new Map())
}

/** Members of a group may say what they agree on. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
