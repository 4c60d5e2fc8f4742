import { assert } from '../assert.ts'
import type { Api, Fields } from '../protocol/index.ts'
import { coordinatorKeys } from './apis/coordination.ts'
import {
  assemble,
  newUuid,
  type AssembledShared,
  type EmbeddedClusterOptions,
  type TopicOptions,
} from './assemble.ts'
import { Broker } from './broker.ts'
import { Controls, type ControlHandler } from './control.ts'
import { defaultLimits } from './limits.ts'
import type { PartitionLog, StoredRecord } from './log.ts'
import { ClusterState, type Partition } from './state.ts'

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

const replicasMax = 3

export async function startEmbeddedCluster(
  options: EmbeddedClusterOptions = {},
): Promise<EmbeddedCluster> {
  const count = options.brokers ?? 1
  assert(count > 0, 'a cluster needs a broker')
  const limits = { ...defaultLimits, ...options.limits }
  const state = new ClusterState(options.clusterId ?? newUuid(), limits)
  const shared = await assemble(options, state, limits, Math.min(count, replicasMax))
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

class Cluster implements EmbeddedCluster {
  readonly #shared: AssembledShared
  readonly #controls = new Controls()
  readonly #listeners = new Map<number, Broker>()
  #connections = 0

  constructor(shared: AssembledShared) {
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
