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
import { ClientConnection, type Connect } from './client.ts'
import { topicOf } from './cluster.ts'
import type { Ledger } from './ledger.ts'
import type { Scheduler } from './scheduler.ts'

const topic = topicOf.source
const sessionTimeoutMs = 3_000
const rebalanceTimeoutMs = 5_000
const heartbeatMs = 150
/** The version of Fetch that clients use. */
const fetchVersion = 12

export interface ConsumerScript {
  readonly name: string
  /** Several may have the same one. */
  readonly clientId: string
  /** Null: it assigns itself every partition, and keeps its positions. */
  readonly group: string | null
  readonly partitions: number
  readonly maxWaitMs: number
  readonly commitMs: number
}

/** An application that reads: a member of a group (eager), or one by itself. */
export class SimConsumer {
  readonly #script: ConsumerScript
  readonly #scheduler: Scheduler
  readonly #connect: Connect
  readonly #ledger: Ledger
  #positions = new Map<number, bigint>()
  #memberId = ''
  #generationId = -1
  #fetching: ClientConnection | undefined
  #coordinating: ClientConnection | undefined

  constructor(script: ConsumerScript, scheduler: Scheduler, connect: Connect, ledger: Ledger) {
    this.#script = script
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
        if (this.#script.group === null) await this.#readAlone()
        else await this.#member(this.#script.group)
      } catch {
        await this.#scheduler.sleep(this.#scheduler.random.between(10, 100))
      }
    }
  }

  #connected(): void {
    const { clientId } = this.#script
    if (this.#fetching?.open !== true)
      this.#fetching = new ClientConnection(this.#connect, clientId)
    if (this.#script.group === null || this.#coordinating?.open === true) return
    this.#coordinating = new ClientConnection(this.#connect, clientId)
  }

  async #readAlone(): Promise<void> {
    if (this.#positions.size === 0) {
      for (let p = 0; p < this.#script.partitions; p++) this.#positions.set(p, 0n)
    }
    await this.#fetch()
  }

  async #member(group: string): Promise<void> {
    if (!(await this.#join(group))) return
    await this.#startAt(group)
    let heartbeatAt = this.#scheduler.now() + heartbeatMs
    let commitAt = this.#scheduler.now() + this.#script.commitMs
    for (;;) {
      if (this.#scheduler.now() >= heartbeatAt) {
        heartbeatAt = this.#scheduler.now() + heartbeatMs
        const errorCode = await this.#heartbeat(group)
        if (errorCode === errorCodes.REBALANCE_IN_PROGRESS) return this.#commit(group)
        if (errorCode !== 0) {
          this.#memberId = ''
          return
        }
      }
      if (this.#scheduler.now() >= commitAt) {
        commitAt = this.#scheduler.now() + this.#script.commitMs
        await this.#commit(group)
      }
      await this.#fetch()
    }
  }

  /** @returns whether it is a member with an assignment */
  async #join(group: string): Promise<boolean> {
    this.#positions = new Map()
    const protocols = [{ name: 'range', metadata: encodeSubscription(0, { topics: [topic] }) }]
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
    const shares = this.#shares(joined.members)
    const { generationId, memberId } = joined
    const sync = { groupId: group, generationId, memberId, assignments: shares }
    const synced = await this.#coordinator(apis.syncGroup, 3, sync)
    if (synced.errorCode === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
    if (synced.errorCode !== 0) return false
    if (synced.assignment.length === 0) return true
    const { assignedPartitions } = decodeAssignment(synced.assignment).message
    for (const { topic: name, partitions } of assignedPartitions) {
      if (name !== topic) this.#ledger.broke(`${this.#script.name} was assigned ${name}`)
      for (const partition of partitions) this.#positions.set(partition, -1n)
    }
    return true
  }

  #shares(members: readonly { readonly memberId: string; readonly metadata: Buffer }[]) {
    return members.map(({ memberId, metadata }, i) => {
      const { topics } = decodeSubscription(metadata).message
      if (topics[0] !== topic) this.#ledger.broke(`a member subscribes to ${topics.join()}`)
      const mine = []
      for (let p = i; p < this.#script.partitions; p += members.length) mine.push(p)
      const assignedPartitions = [{ topic, partitions: mine }]
      return { memberId, assignment: encodeAssignment(0, { assignedPartitions }) }
    })
  }

  /** Where the group has committed, or at the beginning (`auto.offset.reset=earliest`). */
  async #startAt(group: string): Promise<void> {
    const partitionIndexes = [...this.#positions.keys()]
    if (partitionIndexes.length === 0) return
    const asked = { groupId: group, topics: [{ name: topic, partitionIndexes }] }
    const answer = await this.#coordinator(apis.offsetFetch, 5, asked)
    for (const partition of partitionIndexes) {
      const found = answer.topics
        .find(({ name }) => name === topic)
        ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
      const committed = found?.committedOffset ?? -1n
      const start = committed >= 0n ? committed : await this.#earliest(partition)
      this.#ledger.began(group, partition, start)
      this.#scheduler.note(`${this.#script.name}: begins ${partition} @${start} (${committed})`)
      this.#positions.set(partition, start)
    }
  }

  async #earliest(partitionIndex: number): Promise<bigint> {
    const partitions = [{ partitionIndex, currentLeaderEpoch: -1, timestamp: -2n }]
    const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] }
    const answer = await this.#fetching?.ask(apis.listOffsets, 5, body)
    const found = answer?.topics[0]?.partitions[0]
    if (found?.errorCode !== 0) throw new Error('the beginning is not known')
    return found.offset
  }

  async #heartbeat(groupId: string): Promise<number> {
    const body = { groupId, generationId: this.#generationId, memberId: this.#memberId }
    return (await this.#coordinator(apis.heartbeat, 3, body)).errorCode
  }

  async #commit(groupId: string): Promise<void> {
    const partitions = [...this.#positions].map(([partitionIndex, committedOffset]) => ({
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: 0,
      committedMetadata: '',
    }))
    if (partitions.length === 0) return
    const by = { generationIdOrMemberEpoch: this.#generationId, memberId: this.#memberId }
    const body = { groupId, ...by, topics: [{ name: topic, partitions }] }
    const answer = await this.#coordinator(apis.offsetCommit, 7, body)
    const failed = answer.topics[0]?.partitions.find(({ errorCode }) => errorCode !== 0)
    if (failed === undefined) {
      const told = partitions.map((each) => `${each.partitionIndex} @${each.committedOffset}`)
      return this.#scheduler.note(`${this.#script.name}: has committed ${told.join(', ')}`)
    }
    this.#scheduler.note(`${this.#script.name}: a commit failed with ${failed.errorCode}`)
    this.#ledger.disturbed = true
  }

  #coordinator: ClientConnection['ask'] = (api, version, body) => {
    if (this.#coordinating === undefined) throw new Error('there is no connection')
    return this.#coordinating.ask(api, version, body)
  }

  async #fetch(): Promise<void> {
    if (this.#positions.size === 0) return this.#scheduler.sleep(100)
    const { maxWaitMs } = this.#script
    // Clients fetch at most one or two batches at once here: positions lie everywhere.
    const partitions = [...this.#positions].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      currentLeaderEpoch: -1,
      partitionMaxBytes: 1_000,
    }))
    const sessionless = { sessionId: 0, sessionEpoch: -1 }
    const body = { maxWaitMs, minBytes: 1, maxBytes: 50_000, isolationLevel: 0, ...sessionless }
    const topics = [{ topic, partitions }]
    const answer = await this.#fetching?.ask(apis.fetch, fetchVersion, { ...body, topics })
    if (answer !== undefined && !this.#take(answer)) await this.#scheduler.sleep(20)
  }

  /** @returns whether every partition could be read */
  #take(answer: FetchResponse): boolean {
    const { name, group } = this.#script
    let isFine = answer.errorCode === 0
    for (const { topic: answered, partitions } of answer.responses) {
      if (answered !== topic) this.#ledger.broke(`${name} was given records of ${answered}`)
      for (const { partitionIndex, errorCode, records, highWatermark } of partitions) {
        const position = this.#positions.get(partitionIndex)
        if (position === undefined) continue
        if (errorCode === 1)
          this.#ledger.broke(`${name}: ${partitionIndex} @${position} is out of range`)
        if (errorCode !== 0) isFine = false
        if (records === null || errorCode !== 0) continue
        let next = position
        for (const entry of entries(records)) {
          if (entry.kind !== 'batch') continue
          for (const { offset, value } of decodeRecords(records, entry)) {
            if (offset < next) continue
            if (offset !== next)
              this.#ledger.broke(`${name}: ${partitionIndex} @${next}, given ${offset}`)
            this.#ledger.delivered(group ?? name, partitionIndex, offset, String(value))
            next = offset + 1n
          }
        }
        if (next > position) {
          const line = `${name}: ${partitionIndex} @${position} to ${next} of ${highWatermark}`
          this.#scheduler.note(line)
        }
        if (next > highWatermark)
          this.#ledger.broke(
            `${name}: ${partitionIndex} @${next} is above the end ${highWatermark}`,
          )
        this.#positions.set(partitionIndex, next)
      }
    }
    return isFine
  }
}
