import { emptyTopology, type Topology } from '../../src/cluster/index.ts'
import { nodeId, type ClusterName } from '../../src/ids.ts'
import {
  apis,
  decodeRequestHeader,
  errorCodes,
  zeroUuid,
  type FetchRequest,
  type MetadataRequest,
  type ProduceRequest,
} from '../../src/protocol/index.ts'
import { FakeCluster } from '../migrator/groups/fake-cluster.ts'
import { Link, type LinkEnd } from './link.ts'
import { SimPartition, valuesOf } from './partition.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimTopic } from './topics.ts'
import { SimTransactions } from './transactions.ts'

export const nodes = [1, 2] as const
/** Whoever leads the partition: clients here have one connection to a cluster that they reach directly. */
export const anyNode = 0

/** How a broker treats what it had received when a connection ended. */
export interface BrokerHabits {
  /** Up to how long after the end it may still append it, in ms; 0: at once or never. */
  readonly zombieMs: number
}

/** Two brokers over real bytes: replicated logs, and the groups of `FakeCluster`, all on broker 1. */
export class SimCluster extends FakeCluster {
  /** By the name that this cluster has for the topic. */
  readonly parts = new Map<string, readonly SimPartition[]>()
  readonly links = new Set<BrokerLink>()
  readonly scheduler: Scheduler
  readonly habits: BrokerHabits
  /** Values that were appended long after their connection had ended. */
  readonly zombies = new Set<string>()
  /** Switched off for good. */
  off = false
  /** How often somebody connected while it was off. */
  sought = 0
  /** How many such requests are still to come. */
  stalled = 0
  readonly #topics: readonly SimTopic[]
  readonly #transactions: SimTransactions
  /** Who is asked, while a request is taken up. */
  #asked = 1
  #isZombie = false

  constructor(
    name: ClusterName,
    topics: readonly SimTopic[],
    scheduler: Scheduler,
    habits: BrokerHabits,
  ) {
    super(name, scheduler.now)
    this.scheduler = scheduler
    this.habits = habits
    this.#topics = topics
    for (const topic of topics) {
      const label = topic.mode === 'ordered' ? name : `${name} ${topic.names[name]}`
      const partitions = Array.from(
        { length: topic.partitions[name] },
        (_, i) => new SimPartition(`${label} ${i}`, scheduler),
      )
      this.parts.set(topic.names[name], partitions)
    }
    this.on(apis.produce, (request) => this.#produce(request, this.#isZombie))
    this.on(apis.fetch, (request) => this.#fetch(request))
    this.on(apis.apiVersions, () => ({ errorCode: 0, apiKeys: [] }))
    this.on(apis.metadata, (request) => this.#metadata(request))
    this.#answerOffsets()
    this.#transactions = new SimTransactions(this)
  }

  override get topology(): Topology {
    const brokers = nodes.map((id) => {
      return [nodeId(id), { nodeId: nodeId(id), host: this.name, port: id, rack: null }] as const
    })
    const topics = this.#topics.map(({ names, topicIds }) => {
      const name = names[this.name]
      const partitions = this.partitionsOf(name).map(({ leader, epoch: leaderEpoch }) => {
        return { leader: nodeId(leader), leaderEpoch, replicas: nodes.map(nodeId) }
      })
      return { name, topicId: topicIds[this.name], partitions }
    })
    return {
      ...emptyTopology,
      clusterId: this.name,
      brokers: new Map(brokers),
      topics: new Map(topics.map((topic) => [topic.name, topic])),
      topicNames: new Map(topics.map(({ topicId, name }) => [topicId, name])),
    }
  }

  /** @param topic as this cluster calls it */
  partitionsOf(topic: string): readonly SimPartition[] {
    return this.parts.get(topic) ?? []
  }

  /** Of all topics. */
  get everyPartition(): readonly SimPartition[] {
    return [...this.parts.values()].flat()
  }

  /** One request to one broker; its answer, or undefined where there is none (acks=0). */
  async serve(node: number, frame: Buffer, isZombie = false): Promise<Buffer | undefined> {
    this.#asked = node
    this.#isZombie = isZombie
    const { apiKey, apiVersion, bodyOffset } = decodeRequestHeader(frame, 0)
    const answered = this.handle(frame)
    // Behind the transactional id, which is null: a compact one takes one byte (v9).
    const acksAt = bodyOffset + (apiVersion >= 9 ? 1 : 2)
    const wantsNone = apiKey === apis.produce.key && frame.readInt16BE(acksAt) === 0
    return wantsNone ? answered.then(() => undefined) : answered
  }

  /** Asks for itself, as the migrator does. */
  askedAs(node: number): void {
    this.#asked = node
    this.#isZombie = false
  }

  connect(node: number, client: LinkEnd): BrokerLink {
    const link = new BrokerLink(this, node, client)
    this.links.add(link)
    if (this.off) {
      this.sought++
      link.end()
    }
    return link
  }

  switchOff(): void {
    this.off = true
    for (const link of [...this.links]) link.end()
  }

  #led(topic: string, index: number): SimPartition | undefined {
    const partition = this.partitionsOf(topic)[index]
    const isAny = this.#asked === anyNode && partition !== undefined && partition.leader > 0
    return isAny || partition?.leader === this.#asked ? partition : undefined
  }

  #metadata({ topics }: MetadataRequest) {
    const known = this.topology.topics
    const asked = topics?.map(({ name }) => name ?? '') ?? [...known.keys()]
    return {
      brokers: [],
      clusterId: this.name,
      topics: asked.map((name) => {
        const topic = known.get(name)
        if (topic === undefined) return { name, ...noTopic }
        const partitions = topic.partitions.map((partition, partitionIndex) => {
          const { leader = -1, leaderEpoch = -1 } = partition ?? {}
          const errorCode = leader < 0 ? errorCodes.LEADER_NOT_AVAILABLE : 0
          const replicas = { replicaNodes: nodes, isrNodes: nodes, offlineReplicas: [] }
          return { partitionIndex, errorCode, leaderId: leader, leaderEpoch, ...replicas }
        })
        return { name, topicId: topic.topicId ?? zeroUuid, errorCode: 0, partitions }
      }),
    }
  }

  async #produce({ acks, topicData, transactionalId }: ProduceRequest, isZombie: boolean) {
    // All is appended before anything is waited for: brokers append first.
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      waits: partitionData.map(({ index, records }) => {
        const partition = this.#led(name, index)
        if (partition === undefined || records === null) {
          return { index, errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER, baseOffset: -1n, done: 0 }
        }
        if (transactionalId !== null) {
          const errorCode = this.#transactions.produce(name, index, records)
          return { index, errorCode, baseOffset: -1n, done: 0 }
        }
        const values = valuesOf(records)
        if (isZombie) for (const value of values) this.zombies.add(value)
        const appended = partition.append(records)
        const { errorCode, baseOffset, end } = appended
        const sequence = records.readInt32BE(53)
        const told = errorCode === 0 ? `@${baseOffset}` : `error ${errorCode}`
        this.scheduler.note(`${partition.name}: ${values.join(' ')} (${sequence}) -> ${told}`)
        const done = errorCode === 0 && acks === -1 ? partition.replicated(end) : 0
        return { index, errorCode, baseOffset, done }
      }),
    }))
    const answered = []
    for (const { name, waits } of responses) {
      const partitionResponses = []
      for (const { index, errorCode, baseOffset, done } of waits) {
        const late = await done
        const isLate = errorCode === 0 && late !== 0
        partitionResponses.push({
          index,
          errorCode: isLate ? late : errorCode,
          baseOffset: isLate ? -1n : baseOffset,
        })
      }
      answered.push({ name, partitionResponses })
    }
    return { responses: answered }
  }

  async #fetch({ topics, maxWaitMs }: FetchRequest) {
    const node = this.#asked
    const read = () => {
      this.#asked = node
      return topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition: partitionIndex, fetchOffset, ...asked }) => {
          const partition = this.#led(topic, partitionIndex)
          if (partition === undefined) return failed(partitionIndex, 6)
          const { highWatermark } = partition
          if (fetchOffset > partition.end || fetchOffset < 0n) return failed(partitionIndex, 1)
          const records = partition.read(fetchOffset, asked.partitionMaxBytes > 100_000 ? 1_000 : 2)
          return {
            partitionIndex,
            errorCode: 0,
            highWatermark,
            lastStableOffset: highWatermark,
            logStartOffset: 0n,
            records,
          }
        }),
      }))
    }
    let responses = read()
    const deadline = this.scheduler.now() + maxWaitMs
    const isWorthIt = () =>
      responses.some(({ partitions }) =>
        partitions.some(({ errorCode, records }) => errorCode !== 0 || records.length > 0),
      )
    while (!isWorthIt() && this.scheduler.now() < deadline) {
      await this.#news(deadline - this.scheduler.now())
      responses = read()
    }
    return { responses }
  }

  /** Something was replicated, or elected, or the time is over. */
  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.scheduler.after(ms, done)
      const partitions = this.everyPartition
      function done() {
        cancel()
        for (const { readers } of partitions) readers.delete(done)
        resolve()
      }
      for (const { readers } of partitions) readers.add(done)
    })
  }

  #answerOffsets(): void {
    this.on(apis.listOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const partition = this.#led(name, partitionIndex)
          if (partition === undefined) return { partitionIndex, errorCode: 6, offset: -1n }
          const { highWatermark, batches } = partition
          const later = batches.find((each) => each.timestamp >= timestamp)?.baseOffset ?? -1n
          const offset = timestamp === -1n ? highWatermark : timestamp === -2n ? 0n : later
          return { partitionIndex, errorCode: 0, offset }
        }),
      })),
    }))
    this.on(apis.offsetForLeaderEpoch, ({ topics }) => ({
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
          const partition = this.#led(topic, index)
          if (partition === undefined) return { partition: index, errorCode: 6, endOffset: -1n }
          if (currentLeaderEpoch !== -1 && currentLeaderEpoch !== partition.epoch) {
            const errorCode = errorCodes.FENCED_LEADER_EPOCH
            return { partition: index, errorCode, endOffset: -1n }
          }
          const endOffset = leaderEpoch === partition.epoch ? partition.end : -1n
          return { partition: index, errorCode: 0, leaderEpoch, endOffset }
        }),
      })),
    }))
  }
}

const failed = (partitionIndex: number, errorCode: number) => ({
  partitionIndex,
  errorCode,
  highWatermark: -1n,
  lastStableOffset: -1n,
  logStartOffset: -1n,
  records: Buffer.alloc(0),
})

const noTopic = { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, partitions: [] }

/** A connection to a broker, which takes up one request after the other. */
export class BrokerLink implements LinkEnd {
  readonly #cluster: SimCluster
  readonly #node: number
  readonly #link: Link
  #waiting: Buffer[] = []
  #isBusy = false

  constructor(cluster: SimCluster, node: number, client: LinkEnd) {
    this.#cluster = cluster
    this.#node = node
    this.#link = new Link(cluster.scheduler, client, this)
  }

  get open(): boolean {
    return this.#link.open
  }

  /** Whether the broker has to do with it still. */
  get isBusy(): boolean {
    return this.#isBusy || this.#link.unsent.length > 0
  }

  send(frame: Buffer): void {
    this.#link.send(frame)
  }

  received(frame: Buffer): void {
    this.#waiting.push(frame)
    void this.#serve()
  }

  closed(): void {}

  /** The broker may still have received, and handles, some of what was on its way: a prefix. */
  end(): void {
    if (!this.#link.open) return
    const { random } = this.#cluster.scheduler
    const { zombieMs } = this.#cluster.habits
    const sent = [...this.#waiting, ...this.#link.unsent]
    this.#waiting = []
    this.#link.end()
    this.#cluster.links.delete(this)
    const handled = sent.slice(0, random.between(0, sent.length))
    const handle = (isZombie: boolean) => {
      for (const frame of handled) this.#cluster.serve(this.#node, frame, isZombie).catch(() => {})
    }
    if (zombieMs === 0 || handled.length === 0 || random.chance(0.5)) return handle(false)
    this.#cluster.stalled++
    this.#cluster.scheduler.after(random.next() * zombieMs, () => {
      this.#cluster.stalled--
      handle(true)
    })
  }

  async #serve(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      const answer = await this.#cluster.serve(this.#node, frame)
      if (answer === undefined || !this.#link.open) continue
      const size = Buffer.alloc(4)
      size.writeInt32BE(answer.length)
      this.#link.reply(Buffer.concat([size, answer]))
    }
    this.#isBusy = false
  }
}
