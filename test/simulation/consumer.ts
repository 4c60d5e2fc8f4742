import {
  apis,
  decodeAssignment,
  decodeRecords,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  entries,
  errorCodes,
  type FetchResponse,
} from '../../src/protocol/index.ts'
import { ClientConnection, lost, type Connect } from './client.ts'
import type { Ledger } from './ledger.ts'
import { lookUp } from './metadata.ts'
import type { Scheduler } from './scheduler.ts'
import { isUnordered, shownName, type SimTopic } from './topics.ts'

const sessionTimeoutMs = 3_000
const rebalanceTimeoutMs = 5_000
const heartbeatMs = 150
/** The version of Fetch that clients use. */
const fetchVersion = 12
/** Clients look for new partitions this often by themselves; five minutes, in the haste of a simulation. */
const metadataAgeMs = 60_000
/**
 * Who has been given nothing for so long, in ms, pauses: groups of unordered topics move when nobody has written to
 * the source for 10 s. When they do, everybody is back at its own rhythm.
 */
const idle = { fromMs: 500, toMs: 8_500, pauseMs: 500 } as const
const earliest = -2n
const latest = -1n

export interface ConsumerScript {
  readonly name: string
  /** Several may have the same one. */
  readonly clientId: string
  /** Null: it assigns itself every partition, and keeps its positions. */
  readonly group: string | null
  readonly topics: readonly SimTopic[]
  readonly maxWaitMs: number
  readonly commitMs: number
  /** Where it begins without a commit (`auto.offset.reset`). */
  readonly reset: 'earliest' | 'latest'
  /** As what clients of the sidecar know a partition; undefined of one of them. */
  readonly shownAs?: (partition: number) => { readonly topic: string; readonly partition: number }
  /** Whether the leader joins anew when it learns of more partitions, as Java; else only when it is told to. */
  readonly rejoinsForPartitions: boolean
}

/** An application that reads: a member of a group (eager), or one by itself. */
export class SimConsumer {
  readonly #script: ConsumerScript
  readonly #names: readonly string[]
  readonly #scheduler: Scheduler
  readonly #connect: Connect
  readonly #ledger: Ledger
  readonly #positions = new Map<string, Map<number, bigint>>()
  /** By topic, how many partitions it knows of, and of how many it has known when it assigned them. */
  readonly #known: Map<string, number>
  #assigned: ReadonlyMap<string, number> = new Map()
  #mustLookUp = false
  #lookedUpAt = 0
  /** What it knows is so old that it has looked for more by itself. */
  #isOld = false
  #isLeader = false
  #memberId = ''
  #generationId = -1
  #heartbeatAt = 0
  /** When it was given something last. */
  #givenAt = 0
  #commitAt = 0
  /** What it was last told to have committed. */
  #noted = ''
  #fetching: ClientConnection | undefined
  #coordinating: ClientConnection | undefined

  constructor(script: ConsumerScript, scheduler: Scheduler, connect: Connect, ledger: Ledger) {
    this.#script = script
    this.#names = script.topics.map(shownName)
    this.#known = new Map(script.topics.map((topic) => [shownName(topic), topic.partitions.source]))
    this.#scheduler = scheduler
    this.#connect = connect
    this.#ledger = ledger
    void this.#live()
  }

  drop(): void {
    if (this.#scheduler.random.chance(0.5)) this.#fetching?.end()
    else this.#coordinating?.end()
  }

  async #live(): Promise<never> {
    for (;;) {
      try {
        this.#connected()
        if (this.#mustLookUp) await this.#lookUp()
        if (this.#script.group === null) await this.#readAlone()
        else await this.#member(this.#script.group)
      } catch {
        await this.#scheduler.sleep(this.#scheduler.random.between(10, 100))
      }
    }
  }

  /** Whether it reads topics of which the partitions become more. */
  get #isOfMany(): boolean {
    return this.#script.topics.some(isUnordered)
  }

  #connected(): void {
    if (this.#fetching?.open !== true) this.#fetching = this.#opened()
    if (this.#script.group === null || this.#coordinating?.open === true) return
    this.#coordinating = this.#opened()
  }

  /** Clients look for what may have changed whenever they connect. */
  #opened(): ClientConnection {
    this.#mustLookUp = this.#isOfMany
    return new ClientConnection(this.#connect, this.#script.clientId)
  }

  async #lookUp(): Promise<void> {
    const { name } = this.#script
    if (this.#fetching === undefined) return
    const found = await lookUp(this.#fetching, this.#names)
    this.#mustLookUp = false
    this.#lookedUpAt = this.#scheduler.now()
    for (const [topic, partitions] of found) {
      const before = this.#known.get(topic) ?? 0
      if (partitions < before) {
        this.#ledger.broke(`${name}: ${before} partitions of ${topic} became ${partitions}`)
      }
      this.#known.set(topic, partitions)
    }
  }

  /** Whether there are partitions that nobody in its group has, and it would assign them. */
  get #seesMore(): boolean {
    const looks = this.#script.rejoinsForPartitions || this.#isOld
    if (!this.#isLeader || !looks) return false
    return [...this.#known].some(([topic, count]) => count > (this.#assigned.get(topic) ?? 0))
  }

  async #readAlone(): Promise<void> {
    if (this.#positions.size === 0) {
      for (const [topic, count] of this.#known) {
        for (let p = 0; p < count; p++) this.#moveTo(topic, p, 0n)
      }
    }
    await this.#fetch()
  }

  async #member(group: string): Promise<void> {
    if (!(await this.#join(group))) return
    if (this.#mustLookUp) await this.#lookUp()
    await this.#startAt(group)
    this.#heartbeatAt = this.#scheduler.now() + heartbeatMs
    this.#commitAt = this.#scheduler.now() + this.#script.commitMs
    for (;;) {
      try {
        if (!(await this.#step(group))) return
      } catch (error) {
        if (error !== lost || !this.#isOfMany) throw error
        await this.#reconnect()
      }
    }
  }

  /** @returns whether it stays a member as it is */
  async #step(group: string): Promise<boolean> {
    if (this.#scheduler.now() >= this.#heartbeatAt) {
      this.#heartbeatAt = this.#scheduler.now() + heartbeatMs
      const errorCode = await this.#heartbeat(group)
      if (errorCode === errorCodes.REBALANCE_IN_PROGRESS) return this.#leaveOff(group)
      if (errorCode !== 0) {
        this.#memberId = ''
        return false
      }
    }
    if (this.#scheduler.now() >= this.#commitAt) {
      this.#commitAt = this.#scheduler.now() + this.#script.commitMs
      await this.#commit(group)
    }
    await this.#fetch()
    this.#isOld = this.#isOfMany && this.#scheduler.now() >= this.#lookedUpAt + metadataAgeMs
    if (this.#mustLookUp || this.#isOld) await this.#lookUp()
    return this.#seesMore ? this.#leaveOff(group) : true
  }

  /** What was read is committed, and the group joined anew. */
  async #leaveOff(group: string): Promise<false> {
    await this.#commit(group)
    return false
  }

  /** A connection that ends does not end a membership. */
  async #reconnect(): Promise<void> {
    for (;;) {
      await this.#scheduler.sleep(this.#scheduler.random.between(10, 100))
      this.#connected()
      if (this.#fetching?.open === true && this.#coordinating?.open === true) return
    }
  }

  /** @returns whether it is a member with an assignment */
  async #join(group: string): Promise<boolean> {
    this.#positions.clear()
    const metadata = encodeSubscription(0, { topics: [...this.#names] })
    const protocols = [{ name: 'range', metadata }]
    const times = { sessionTimeoutMs, rebalanceTimeoutMs, protocolType: 'consumer', protocols }
    const joined = await this.#coordinator(apis.joinGroup, 5, {
      groupId: group,
      memberId: this.#memberId,
      ...times,
    })
    if (joined.errorCode === errorCodes.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
    if (joined.errorCode === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
    if (joined.errorCode !== 0) {
      await this.#scheduler.sleep(joined.errorCode === errorCodes.MEMBER_ID_REQUIRED ? 0 : 20)
      return false
    }
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    this.#isLeader = joined.leader === joined.memberId
    const shares = this.#shares(joined.members)
    const { generationId, memberId } = joined
    const sync = { groupId: group, generationId, memberId, assignments: shares }
    const synced = await this.#coordinator(apis.syncGroup, 3, sync)
    if (synced.errorCode === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
    if (synced.errorCode !== 0) return false
    if (synced.assignment.length === 0) return true
    const { assignedPartitions } = decodeAssignment(synced.assignment).message
    for (const { topic: name, partitions } of assignedPartitions) {
      if (!this.#names.includes(name)) {
        this.#ledger.broke(`${this.#script.name} was assigned ${name}`)
      }
      for (const partition of partitions) {
        this.#moveTo(name, partition, -1n)
        // Who leads it, it must ask for.
        if (partition >= (this.#known.get(name) ?? 0)) this.#mustLookUp = true
      }
    }
    return true
  }

  #shares(members: readonly { readonly memberId: string; readonly metadata: Buffer }[]) {
    this.#assigned = new Map(this.#known)
    return members.map(({ memberId, metadata }, i) => {
      const { topics } = decodeSubscription(metadata).message
      if (topics.join() !== this.#names.join())
        this.#ledger.broke(`a member subscribes to ${topics.join()}`)
      const assignedPartitions = [...this.#known].map(([topic, count]) => {
        const mine = []
        for (let p = i; p < count; p += members.length) mine.push(p)
        return { topic, partitions: mine }
      })
      return { memberId, assignment: encodeAssignment(0, { assignedPartitions }) }
    })
  }

  /** Where the group has committed, or where its policy says. */
  async #startAt(group: string): Promise<void> {
    const asked = [...this.#positions].map(([name, positions]) => {
      return { name, partitionIndexes: [...positions.keys()] }
    })
    if (asked.length === 0) return
    const answer = await this.#coordinator(apis.offsetFetch, 5, { groupId: group, topics: asked })
    for (const { name: topic, partitionIndexes } of asked) {
      for (const partition of partitionIndexes) {
        const found = answer.topics
          .find(({ name }) => name === topic)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
        const committed = found?.committedOffset ?? -1n
        const isReset = committed < 0n
        const offset = isReset ? await this.#resetTo(topic, partition) : committed
        const atMs = this.#scheduler.now()
        this.#ledger.began({
          reader: group,
          ...this.#shown(topic, partition),
          offset,
          isReset,
          atMs,
        })
        this.#note(`begins ${this.#called(topic, partition)} @${offset} (${committed})`)
        this.#moveTo(topic, partition, offset)
      }
    }
  }

  async #resetTo(topic: string, partitionIndex: number): Promise<bigint> {
    const timestamp = this.#script.reset === 'earliest' ? earliest : latest
    const partitions = [{ partitionIndex, currentLeaderEpoch: -1, timestamp }]
    const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] }
    const answer = await this.#fetching?.ask(apis.listOffsets, 5, body)
    const found = answer?.topics[0]?.partitions[0]
    if (found?.errorCode !== 0) throw new Error('where it begins is not known')
    return found.offset
  }

  async #heartbeat(groupId: string): Promise<number> {
    const body = { groupId, generationId: this.#generationId, memberId: this.#memberId }
    return (await this.#coordinator(apis.heartbeat, 3, body)).errorCode
  }

  async #commit(groupId: string): Promise<void> {
    const topics = [...this.#positions].map(([name, positions]) => ({
      name,
      partitions: [...positions].map(([partitionIndex, committedOffset]) => ({
        partitionIndex,
        committedOffset,
        committedLeaderEpoch: 0,
        committedMetadata: '',
      })),
    }))
    if (topics.length === 0) return
    const by = { generationIdOrMemberEpoch: this.#generationId, memberId: this.#memberId }
    const answer = await this.#coordinator(apis.offsetCommit, 7, { groupId, ...by, topics })
    const answered = answer.topics.flatMap(({ partitions }) => partitions)
    const failed = answered.find(({ errorCode }) => errorCode !== 0)
    if (failed === undefined) {
      const told = topics.flatMap(({ name, partitions }) =>
        partitions.map(
          (each) => `${this.#called(name, each.partitionIndex)} @${each.committedOffset}`,
        ),
      )
      return this.#noteCommit(told.join(', '))
    }
    this.#note(`a commit failed with ${failed.errorCode}`)
    this.#ledger.disturbed = true
  }

  get #isIdle(): boolean {
    const idleMs = this.#scheduler.now() - this.#givenAt
    return this.#isOfMany && idleMs > idle.fromMs && idleMs < idle.toMs
  }

  #coordinator: ClientConnection['ask'] = (api, version, body) => {
    if (this.#coordinating === undefined) throw new Error('there is no connection')
    return this.#coordinating.ask(api, version, body)
  }

  async #fetch(): Promise<void> {
    if (this.#positions.size === 0) return this.#scheduler.sleep(100)
    const { maxWaitMs } = this.#script
    // Clients fetch at most one or two batches at once here: positions lie everywhere.
    const topics = [...this.#positions].map(([topic, positions]) => ({
      topic,
      partitions: [...positions].map(([partition, fetchOffset]) => ({
        partition,
        fetchOffset,
        currentLeaderEpoch: -1,
        partitionMaxBytes: 1_000,
      })),
    }))
    const sessionless = { sessionId: 0, sessionEpoch: -1 }
    const body = { maxWaitMs, minBytes: 1, maxBytes: 50_000, isolationLevel: 0, ...sessionless }
    const answer = await this.#fetching?.ask(apis.fetch, fetchVersion, { ...body, topics })
    if (answer !== undefined && !this.#take(answer)) await this.#scheduler.sleep(20)
    if (this.#isIdle) await this.#scheduler.sleep(idle.pauseMs)
  }

  /** @returns whether every partition could be read */
  #take(answer: FetchResponse): boolean {
    const { name } = this.#script
    let isFine = answer.errorCode === 0
    for (const { topic, partitions } of answer.responses) {
      if (!this.#names.includes(topic)) this.#ledger.broke(`${name} was given records of ${topic}`)
      for (const { partitionIndex, errorCode, records, highWatermark } of partitions) {
        const position = this.#positions.get(topic)?.get(partitionIndex)
        if (position === undefined) continue
        const at = `${this.#called(topic, partitionIndex)} @${position}`
        if (errorCode === 1) this.#ledger.broke(`${name}: ${at} is out of range`)
        if (errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER && this.#isOfMany) {
          this.#mustLookUp = true
        }
        if (errorCode !== 0) isFine = false
        if (records === null || errorCode !== 0) continue
        const next = this.#read(topic, partitionIndex, position, records)
        if (next > position) {
          this.#givenAt = this.#scheduler.now()
          this.#note(`${at} to ${next} of ${highWatermark}`)
        }
        if (next > highWatermark)
          this.#ledger.broke(`${name}: ${at} to ${next} is above the end ${highWatermark}`)
        this.#moveTo(topic, partitionIndex, next)
      }
    }
    return isFine
  }

  /** @returns the position behind what was there */
  #read(topic: string, partition: number, position: bigint, records: Buffer): bigint {
    const { name, group } = this.#script
    let next = position
    for (const entry of entries(records)) {
      if (entry.kind !== 'batch') continue
      for (const { offset, value } of decodeRecords(records, entry)) {
        if (offset < next) continue
        if (offset !== next)
          this.#ledger.broke(`${name}: ${this.#called(topic, partition)} @${next}, given ${offset}`)
        const shown = this.#shown(topic, partition)
        this.#ledger.delivered(group ?? name, shown.topic, shown.partition, offset, String(value))
        next = offset + 1n
      }
    }
    return next
  }

  #moveTo(topic: string, partition: number, position: bigint): void {
    const positions = this.#positions.get(topic) ?? new Map<number, bigint>()
    this.#positions.set(topic, positions.set(partition, position))
  }

  #shown(topic: string, partition: number) {
    return this.#script.shownAs?.(partition) ?? { topic, partition }
  }

  #called(topic: string, partition: number): string {
    return this.#names.length === 1 ? String(partition) : `${topic}-${partition}`
  }

  #noteCommit(told: string): void {
    if (told !== this.#noted) this.#note(`has committed ${told}`)
    this.#noted = told
  }

  #note(what: string): void {
    this.#scheduler.note(`${this.#script.name}: ${what}`)
  }
}
