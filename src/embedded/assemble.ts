import { randomBytes } from 'node:crypto'
import { localUsers, type Credentials, type SaslMechanism } from '../security/index.ts'
import { handlers } from './apis/index.ts'
import { systemClock, type Clock, type Timer } from './clock.ts'
import { Coordinators, Groups } from './coordinators.ts'
import type { Limits } from './limits.ts'
import { ProducerIds } from './producer-ids.ts'
import type { Shared } from './shared.ts'
import { wake, type ClusterState } from './state.ts'
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

/** What a cluster is made of before its brokers listen; the timers of groups and transactions end with it. */
export type AssembledShared = Shared & { stopTimers(): void }

/** 16 random bytes as Kafka writes them: base64url; never one that begins with `-`, as in Kafka. */
export function newUuid(): string {
  for (;;) {
    const uuid = randomBytes(16).toString('base64url')
    if (!uuid.startsWith('-')) return uuid
  }
}

export async function assemble(
  options: EmbeddedClusterOptions,
  state: ClusterState,
  limits: Limits,
  defaultReplicas: number,
): Promise<AssembledShared> {
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
