import { randomBytes } from 'node:crypto'
import { assert } from '../assert.ts'
import type { Api, Fields } from '../protocol/index.ts'
import { localUsers, type Credentials, type SaslMechanism } from '../security/index.ts'
import { handlers } from './apis/index.ts'
import { coordinatorKeys } from './apis/coordination.ts'
import { Broker } from './broker.ts'
import { systemClock, type Clock, type Timer } from './clock.ts'
import { Controls, type ControlHandler } from './control.ts'
import { Coordinators, Groups } from './coordinators.ts'
import { defaultLimits, type Limits } from './limits.ts'
import type { PartitionLog, StoredRecord } from './log.ts'
import { ProducerIds } from './producer-ids.ts'
import type { Shared } from './shared.ts'
import { ClusterState, wake, type Partition } from './state.ts'
import { Transactions, type Completion } from './transactions.ts'
import { offeredVersions, type VersionCaps } from './versions.ts'

export interface TopicOptions {
  readonly name: string
  readonly partitions: number
  /** Default: as many as there are brokers, at most 3. */
  readonly replicas?: number
  readonly configs?: Readonly<Record<string, string>>
}

export interface EmbeddedClusterOptions {
  /** How many; their node ids begin at `firstNodeId`. Default 1. */
  readonly brokers?: number
  readonly firstNodeId?: number
  readonly topics?: readonly TopicOptions[]
  readonly clusterId?: string
  readonly host?: string
  /** One per broker; 0 or none for a free one. */
  readonly ports?: readonly number[]
  /** What is offered, where less than all that is handled: an older broker. See `releases`. */
  readonly versions?: VersionCaps
  readonly sasl?: {
    readonly users: readonly Credentials[]
    readonly mechanisms?: readonly SaslMechanism[]
  }
  readonly autoCreateTopics?: boolean
  /** `num.partitions`, of topics that do not say how many. */
  readonly defaultPartitions?: number
  readonly limits?: Partial<Limits>
  readonly clock?: Clock
}

export interface EmbeddedBroker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly isUp: boolean
}

/** Kafka in this process, over real sockets. */
export interface EmbeddedCluster {
  readonly clusterId: string
  /** Of all brokers, also of those that are down. */
  readonly bootstrapServers: string
  readonly brokers: readonly EmbeddedBroker[]
  /**
   * Decides what becomes of requests of this API before the brokers see them.
   * @param options `keep`: for all of them; otherwise for the first that meets an outcome
   * @returns takes the control away
   */
  control<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    handler: ControlHandler<Q, S>,
    options?: { readonly keep?: boolean },
  ): () => void
  /** The epoch rises; a broker that is no replica takes the old leader's place among them. */
  moveLeader(topic: string, partition: number, nodeId: number): void
  moveCoordinator(group: string, nodeId: number): void
  moveTransactionCoordinator(transactionalId: string, nodeId: number): void
  /** Its port refuses, its connections end, other replicas lead. */
  stopBroker(nodeId: number): Promise<void>
  startBroker(nodeId: number): Promise<void>
  addBroker(): Promise<EmbeddedBroker>
  createTopic(topic: TopicOptions): void
  leader(topic: string, partition: number): { readonly nodeId: number; readonly epoch: number }
  coordinator(group: string): number
  /** -1 without a commit. */
  committed(group: string, topic: string, partition: number): bigint
  /** The records as stored, control records left out. */
  log(topic: string, partition: number): readonly StoredRecord[]
  partitionLog(topic: string, partition: number): PartitionLog
  stop(): Promise<void>
}

/** 16 random bytes as Kafka writes them: base64url; never one that begins with `-`, as in Kafka. */
function newUuid(): string {
  for (;;) {
    const uuid = randomBytes(16).toString('base64url')
    if (!uuid.startsWith('-')) return uuid
  }
}

const replicasMax = 3

export async function startEmbeddedCluster(
  options: EmbeddedClusterOptions = {},
): Promise<EmbeddedCluster> {
  const count = options.brokers ?? 1
  assert(count > 0, 'a cluster needs a broker')
  const limits = { ...defaultLimits, ...options.limits }
  const state = new ClusterState(options.clusterId ?? newUuid(), limits)
  const shared = await makeShared(options, state, limits, Math.min(count, replicasMax))
  const cluster = new Cluster(shared)
  try {
    for (let index = 0; index < count; index++)
      await cluster.add(
        (options.firstNodeId ?? 1) + index,
        options.host ?? '127.0.0.1',
        options.ports?.[index] ?? 0,
      )
  } catch (error) {
    await cluster.stop()
    throw error
  }
  for (const topic of options.topics ?? []) cluster.createTopic(topic)
  return cluster
}

async function makeShared(
  options: EmbeddedClusterOptions,
  state: ClusterState,
  limits: Limits,
  defaultReplicas: number,
): Promise<Shared & { stopTimers(): void }> {
  const clock = options.clock ?? systemClock
  const groups = new Groups(clock, limits.initialRebalanceDelayMs)
  const { sasl } = options
  const users = sasl === undefined ? undefined : await localUsers(sasl.users, sasl.mechanisms)
  let timer: Timer | undefined
  const arm = () => {
    const deadline = transactions.nextDeadline()
    timer?.cancel()
    timer = undefined
    if (deadline === Infinity) return
    timer = clock.setTimeout(
      () => {
        transactions.expire(clock.now())
        arm()
      },
      Math.max(0, deadline - clock.now()),
    )
  }
  const begun = () => {
    if (timer === undefined) arm()
  }
  const transactions = new Transactions(
    (completion) => writeMarkers(state, groups, clock, completion),
    begun,
  )
  return {
    state,
    groups,
    coordinators: new Coordinators(state),
    transactions,
    producerIds: new ProducerIds(),
    clock,
    limits,
    versions: offeredVersions(handlers.values(), options.versions ?? {}),
    users,
    autoCreateTopics: options.autoCreateTopics ?? false,
    defaultPartitions: options.defaultPartitions ?? 1,
    defaultReplicas,
    newUuid,
    stopTimers() {
      timer?.cancel()
      groups.stop()
    },
  }
}

function writeMarkers(
  state: ClusterState,
  groups: Groups,
  clock: Clock,
  { producer, isCommit, partitions, groups: groupIds }: Completion,
): void {
  for (const [topic, indexes] of partitions)
    for (const index of indexes) {
      const partition = state.partition(topic, index)
      if (partition === undefined) continue
      partition.log.appendMarker(producer, isCommit, partition.leaderEpoch, clock.now())
      wake(partition)
    }
  for (const id of groupIds) groups.get(id)?.offsets.endTransaction(producer.id, isCommit)
}

class Cluster implements EmbeddedCluster {
  readonly #shared: Shared & { stopTimers(): void }
  readonly #controls = new Controls()
  readonly #listeners = new Map<number, Broker>()
  #connections = 0

  constructor(shared: Shared & { stopTimers(): void }) {
    this.#shared = shared
  }

  get clusterId(): string {
    return this.#shared.state.clusterId
  }

  get brokers(): readonly EmbeddedBroker[] {
    return [...this.#shared.state.brokers.values()].map(({ nodeId, host, port, up }) => ({
      nodeId,
      host,
      port,
      isUp: up,
    }))
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ host, port }) => `${host}:${port}`).join(',')
  }

  async add(nodeId: number, host: string, port: number): Promise<EmbeddedBroker> {
    const { state } = this.#shared
    assert(!state.brokers.has(nodeId), `there is a broker ${nodeId} already`)
    const broker = { nodeId, host, port, up: false }
    const nextConnectionId = () => ++this.#connections
    const listener = new Broker(broker, this.#shared, this.#controls, nextConnectionId)
    await listener.start()
    state.brokers.set(nodeId, broker)
    this.#listeners.set(nodeId, listener)
    state.brokerUp(nodeId)
    return { nodeId, host, port: broker.port, isUp: true }
  }

  addBroker(): Promise<EmbeddedBroker> {
    const nodeIds = this.brokers.map(({ nodeId }) => nodeId)
    return this.add(Math.max(...nodeIds) + 1, this.brokers[0]?.host ?? '127.0.0.1', 0)
  }

  async stopBroker(nodeId: number): Promise<void> {
    const { state, groups, coordinators } = this.#shared
    assert(state.isUp(nodeId), `broker ${nodeId} is not up`)
    const moved = groups
      .all()
      .filter(({ id }) => coordinators.of(coordinatorKeys.group(id)) === nodeId)
    state.brokerDown(nodeId)
    await this.#listeners.get(nodeId)?.stop()
    for (const group of moved) groups.act(group, (now) => group.move(now))
  }

  async startBroker(nodeId: number): Promise<void> {
    assert(!this.#shared.state.isUp(nodeId), `broker ${nodeId} is up`)
    await this.#listeners.get(nodeId)?.start()
    this.#shared.state.brokerUp(nodeId)
  }

  control<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    handler: ControlHandler<Q, S>,
    options: { readonly keep?: boolean } = {},
  ): () => void {
    return this.#controls.add(api, handler, options.keep === true)
  }

  #partition(topic: string, index: number): Partition {
    const partition = this.#shared.state.partition(topic, index)
    assert(partition !== undefined, `there is no partition ${index} of ${topic}`)
    return partition
  }

  moveLeader(topic: string, index: number, nodeId: number): void {
    const { state } = this.#shared
    assert(state.isUp(nodeId), `broker ${nodeId} is not up`)
    const partition = this.#partition(topic, index)
    if (!partition.replicas.includes(nodeId)) {
      const replace = (replica: number) => (replica === partition.leader ? nodeId : replica)
      partition.replicas = partition.replicas.map(replace)
      partition.inSync = partition.inSync.map(replace)
    }
    if (!partition.inSync.includes(nodeId)) partition.inSync.push(nodeId)
    state.lead(partition, nodeId)
  }

  moveCoordinator(groupId: string, nodeId: number): void {
    const { groups, coordinators } = this.#shared
    coordinators.move(coordinatorKeys.group(groupId), nodeId)
    const group = groups.get(groupId)
    if (group !== undefined) groups.act(group, (now) => group.move(now))
  }

  moveTransactionCoordinator(transactionalId: string, nodeId: number): void {
    this.#shared.coordinators.move(coordinatorKeys.transaction(transactionalId), nodeId)
  }

  createTopic({ name, partitions, replicas, configs }: TopicOptions): void {
    const { state, defaultReplicas } = this.#shared
    const wanted = {
      name,
      partitions,
      replicas: replicas ?? defaultReplicas,
      configs: new Map(Object.entries(configs ?? {})),
    }
    const refused = state.refuseTopic(wanted)
    assert(refused === undefined, `topic ${name}: ${refused?.message ?? ''}`)
    state.createTopic({ ...wanted, id: newUuid() })
  }

  leader(topic: string, index: number): { nodeId: number; epoch: number } {
    const { leader, leaderEpoch } = this.#partition(topic, index)
    return { nodeId: leader, epoch: leaderEpoch }
  }

  coordinator(group: string): number {
    return this.#shared.coordinators.of(coordinatorKeys.group(group))
  }

  committed(group: string, topic: string, index: number): bigint {
    return this.#shared.groups.get(group)?.offsets.get(topic, index)?.offset ?? -1n
  }

  log(topic: string, index: number): readonly StoredRecord[] {
    return this.partitionLog(topic, index).records()
  }

  partitionLog(topic: string, index: number): PartitionLog {
    return this.#partition(topic, index).log
  }

  async stop(): Promise<void> {
    this.#shared.stopTimers()
    await Promise.all([...this.#listeners.values()].map((listener) => listener.stop()))
  }
}
