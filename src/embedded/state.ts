import { assert } from '../assert.ts'
import { errorCodes } from '../protocol/index.ts'
import type { Limits } from './limits.ts'
import { PartitionLog } from './log.ts'

/**
 * What all brokers of the cluster share: who is up, the topics, who leads what. Pure: ids come from
 * the caller.
 *
 * A broker that stops leaves the in-sync replicas; where it led, the next in-sync replica does, with
 * a raised epoch, or nobody (-1). One that starts again is in sync at once: there is one copy of each log.
 */
export interface BrokerState {
  readonly nodeId: number
  readonly host: string
  port: number
  up: boolean
}

export interface Partition {
  readonly topic: string
  readonly index: number
  readonly log: PartitionLog
  replicas: readonly number[]
  inSync: number[]
  /** A node id, or -1 where no in-sync replica is up. */
  leader: number
  leaderEpoch: number
  /** Called when something changed that a waiting Fetch may want to see. */
  readonly waiters: Set<() => void>
}

export interface Topic {
  readonly name: string
  readonly id: string
  readonly partitions: Partition[]
  readonly configs: Map<string, string>
}

export interface NewTopic {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly replicas: number
  /** Node ids per partition, instead of round robin. */
  readonly assignments?: readonly (readonly number[])[]
  readonly configs?: ReadonlyMap<string, string>
}

/** An error code of Kafka's for an act that is not possible, with the words for its message. */
export interface Refused {
  readonly errorCode: number
  readonly message: string
}

export function wake(partition: Partition): void {
  for (const waiter of [...partition.waiters]) waiter()
}

const topicNameMax = 249

export class ClusterState {
  readonly brokers = new Map<number, BrokerState>()
  readonly topics = new Map<string, Topic>()
  readonly #topicNames = new Map<string, string>()
  readonly #limits: Limits
  readonly clusterId: string
  /** Configurations of brokers by node id, '' for the cluster-wide defaults. */
  readonly brokerConfigs = new Map<string, Map<string, string>>()
  #topicsMade = 0

  constructor(clusterId: string, limits: Limits) {
    this.clusterId = clusterId
    this.#limits = limits
  }

  get live(): BrokerState[] {
    return [...this.brokers.values()].filter(({ up }) => up)
  }

  /** The live broker with the lowest id; every broker answers what a controller must. */
  get controllerId(): number {
    return this.live.reduce(
      (lowest, { nodeId }) => (lowest < 0 || nodeId < lowest ? nodeId : lowest),
      -1,
    )
  }

  topicById(id: string): Topic | undefined {
    const name = this.#topicNames.get(id)
    return name === undefined ? undefined : this.topics.get(name)
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.topics.get(topic)?.partitions[index]
  }

  *partitions(): Generator<Partition, void> {
    for (const topic of this.topics.values()) yield* topic.partitions
  }

  /** @returns why the topic cannot be, or undefined */
  refuseTopic(topic: Omit<NewTopic, 'id'>): Refused | undefined {
    const { name, assignments } = topic
    if (!/^[a-zA-Z0-9._-]+$/.test(name) || name === '.' || name === '..')
      return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, message: `illegal name "${name}"` }
    if (name.length > topicNameMax)
      return {
        errorCode: errorCodes.INVALID_TOPIC_EXCEPTION,
        message: `the name has ${name.length} characters, allowed are ${topicNameMax}`,
      }
    if (this.topics.has(name))
      return {
        errorCode: errorCodes.TOPIC_ALREADY_EXISTS,
        message: `Topic '${name}' already exists.`,
      }
    if (assignments !== undefined) return this.refuseAssignments(assignments)
    return this.#refuseSize(topic.partitions, topic.replicas)
  }

  #refuseSize(partitions: number, replicas: number): Refused | undefined {
    if (partitions <= 0 || partitions > this.#limits.partitionsMax)
      return {
        errorCode: errorCodes.INVALID_PARTITIONS,
        message: `${partitions} partitions, allowed are 1 to ${this.#limits.partitionsMax}`,
      }
    if (replicas <= 0 || replicas > this.brokers.size)
      return {
        errorCode: errorCodes.INVALID_REPLICATION_FACTOR,
        message: `Unable to replicate the partition ${replicas} time(s): there are ${this.brokers.size} broker(s)`,
      }
    return undefined
  }

  refuseAssignments(assignments: readonly (readonly number[])[]): Refused | undefined {
    const bad = assignments.find(
      (replicas) =>
        replicas.length === 0 ||
        new Set(replicas).size !== replicas.length ||
        replicas.some((nodeId) => !this.brokers.has(nodeId)),
    )
    if (bad === undefined && assignments.length > 0) return undefined
    return {
      errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT,
      message: `replicas [${bad?.join(', ') ?? ''}] are not distinct brokers of this cluster`,
    }
  }

  createTopic(wanted: NewTopic): Topic {
    assert(this.refuseTopic(wanted) === undefined, `topic ${wanted.name} was not checked`)
    const shift = this.#topicsMade++
    const count = wanted.assignments?.length ?? wanted.partitions
    const topic: Topic = {
      name: wanted.name,
      id: wanted.id,
      partitions: [],
      configs: new Map(wanted.configs),
    }
    for (let index = 0; index < count; index++) {
      const replicas = wanted.assignments?.[index] ?? this.#assign(shift + index, wanted.replicas)
      topic.partitions.push(this.#newPartition(topic.name, index, replicas))
    }
    this.topics.set(topic.name, topic)
    this.#topicNames.set(topic.id, topic.name)
    return topic
  }

  addPartitions(topic: Topic, count: number, assignments?: readonly (readonly number[])[]): void {
    const replicas = topic.partitions[0]?.replicas.length ?? 1
    for (let index = topic.partitions.length, added = 0; index < count; index++, added++) {
      const assigned = assignments?.[added] ?? this.#assign(this.#topicsMade + index, replicas)
      topic.partitions.push(this.#newPartition(topic.name, index, assigned))
    }
  }

  deleteTopic(topic: Topic): void {
    this.topics.delete(topic.name)
    this.#topicNames.delete(topic.id)
    for (const partition of topic.partitions) wake(partition)
  }

  #assign(start: number, replicas: number): number[] {
    const nodeIds = [...this.brokers.keys()].sort((a, b) => a - b)
    return Array.from(
      { length: Math.min(replicas, nodeIds.length) },
      (_, offset) => nodeIds[(start + offset) % nodeIds.length] ?? -1,
    )
  }

  #newPartition(topic: string, index: number, replicas: readonly number[]): Partition {
    const inSync = replicas.filter((nodeId) => this.isUp(nodeId))
    const log = new PartitionLog(this.#limits)
    log.epochs.begin(0, 0n)
    const leader = inSync[0] ?? -1
    return {
      topic,
      index,
      log,
      replicas,
      inSync: inSync.length === 0 ? [...replicas] : inSync,
      leader,
      leaderEpoch: 0,
      waiters: new Set(),
    }
  }

  isUp(nodeId: number): boolean {
    return this.brokers.get(nodeId)?.up === true
  }

  /** Makes this broker lead; the epoch rises also where it led before, as after a restart. */
  lead(partition: Partition, nodeId: number): void {
    partition.leader = nodeId
    partition.leaderEpoch++
    if (nodeId >= 0) partition.log.epochs.begin(partition.leaderEpoch, partition.log.end)
    wake(partition)
  }

  brokerDown(nodeId: number): void {
    const broker = this.brokers.get(nodeId)
    assert(broker !== undefined, `broker ${nodeId} is unknown`)
    broker.up = false
    for (const partition of this.partitions()) {
      const others = partition.inSync.filter((replica) => replica !== nodeId)
      // The last in-sync replica stays one: it alone may lead again (no unclean election).
      if (others.length > 0) partition.inSync = others
      if (partition.leader === nodeId)
        this.lead(partition, others.find((replica) => this.isUp(replica)) ?? -1)
    }
  }

  brokerUp(nodeId: number): void {
    const broker = this.brokers.get(nodeId)
    assert(broker !== undefined, `broker ${nodeId} is unknown`)
    broker.up = true
    for (const partition of this.partitions()) {
      if (!partition.replicas.includes(nodeId)) continue
      if (partition.leader >= 0) {
        if (!partition.inSync.includes(nodeId)) partition.inSync.push(nodeId)
      } else if (partition.inSync.includes(nodeId)) {
        this.lead(partition, nodeId)
      }
    }
  }
}
