import { nodeId } from '../ids.ts'
import { apis, errorCodes, errorName } from '../protocol/index.ts'
import { CutoverError } from '../errors.ts'
import type { Cluster } from './cluster.ts'

/** Where a partition ends, as its leader says. */
export interface PartitionEnd {
  /** Behind the last record, replicated or not; null where the broker does not tell. */
  readonly logEnd: bigint | null
  readonly highWatermark: bigint
  /** Before the first open transaction. */
  readonly lastStable: bigint
}

/** A partition by its name on one cluster. */
export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

const latest = -1n
const readUncommitted = 0
const readCommitted = 1

/** The ends of partitions, in their order, each asked of its leader. */
export async function readEnds(
  cluster: Cluster,
  partitions: readonly PartitionName[],
): Promise<readonly PartitionEnd[]> {
  const [high, stable, log] = await Promise.all([
    listOffsets(cluster, partitions, latest, readUncommitted),
    listOffsets(cluster, partitions, latest, readCommitted),
    logEnds(cluster, partitions),
  ])
  return partitions.map((_, i) => ({
    logEnd: log[i] ?? null,
    highWatermark: high[i] ?? -1n,
    lastStable: stable[i] ?? -1n,
  }))
}

/**
 * ListOffsets: the first offset at or behind a timestamp, -1 the end, -2 the beginning.
 * @param timestamp ms, or one of the negative ones
 * @returns -1 where there is none
 */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly PartitionName[],
  timestamp: bigint,
  isolationLevel = readUncommitted,
): Promise<readonly bigint[]> {
  const found = new Map<string, bigint>()
  await byLeader(cluster, partitions, async (leader, mine) => {
    const answer = await cluster.ask(
      apis.listOffsets,
      5,
      {
        replicaId: -1,
        isolationLevel,
        topics: grouped(mine, (partition) => ({
          partitionIndex: partition,
          currentLeaderEpoch: -1,
          timestamp,
          maxNumOffsets: 1,
        })),
      },
      { nodeId: nodeId(leader) },
    )
    for (const topic of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of topic.partitions) {
        failOn(cluster, errorCode, `${topic.name}-${partitionIndex}`)
        found.set(`${topic.name} ${partitionIndex}`, offset)
      }
    }
  })
  return partitions.map(({ topic, partition }) => found.get(`${topic} ${partition}`) ?? -1n)
}

interface EpochAsked {
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly leaderEpoch: number
}

/** OffsetForLeaderEpoch of the leader's own epoch tells the log's end (KIP-101). */
async function logEnds(
  cluster: Cluster,
  partitions: readonly PartitionName[],
): Promise<readonly (bigint | undefined)[]> {
  const version = cluster.version(apis.offsetForLeaderEpoch.key, 3)
  if (version === undefined || version < 2) return partitions.map(() => undefined)
  const found = new Map<string, bigint>()
  await byLeader(cluster, partitions, async (leader, mine) => {
    const epochOf = ({ topic, partition }: PartitionName): number =>
      cluster.topology.topics.get(topic)?.partitions[partition]?.leaderEpoch ?? -1
    const known = mine.filter((each) => epochOf(each) >= 0)
    if (known.length === 0) return
    const topics = new Map<string, EpochAsked[]>()
    for (const each of known) {
      // A leader that knows of another epoch refuses (KIP-320): its end would be taken for one without epochs.
      const leaderEpoch = epochOf(each)
      const entry = { partition: each.partition, currentLeaderEpoch: leaderEpoch, leaderEpoch }
      if (!topics.get(each.topic)?.push(entry)) topics.set(each.topic, [entry])
    }
    const answer = await cluster.ask(
      apis.offsetForLeaderEpoch,
      version,
      {
        replicaId: -1,
        topics: [...topics].map(([topic, asked]) => ({ topic, partitions: asked })),
      },
      { nodeId: nodeId(leader) },
    )
    for (const topic of answer.topics) {
      for (const { partition, errorCode, endOffset } of topic.partitions) {
        failOn(cluster, errorCode, `${topic.topic}-${partition}`)
        if (endOffset >= 0n) found.set(`${topic.topic} ${partition}`, endOffset)
      }
    }
  })
  return partitions.map(({ topic, partition }) => found.get(`${topic} ${partition}`))
}

/** Asks each leader for its partitions, all at once. */
export async function byLeader(
  cluster: Cluster,
  partitions: readonly PartitionName[],
  ask: (leader: number, partitions: readonly PartitionName[]) => Promise<void>,
): Promise<void> {
  const mine = new Map<number, PartitionName[]>()
  for (const each of partitions) {
    const leader = cluster.topology.topics.get(each.topic)?.partitions[each.partition]?.leader ?? -1
    if (leader < 0) throw noLeader(cluster, each)
    if (!mine.get(leader)?.push(each)) mine.set(leader, [each])
  }
  await Promise.all([...mine].map(([leader, partitionsOfIt]) => ask(leader, partitionsOfIt)))
}

function grouped<P>(
  partitions: readonly PartitionName[],
  body: (partition: number) => P,
): { name: string; partitions: P[] }[] {
  const topics = new Map<string, P[]>()
  for (const { topic, partition } of partitions) {
    if (!topics.get(topic)?.push(body(partition))) topics.set(topic, [body(partition)])
  }
  return [...topics].map(([name, list]) => ({ name, partitions: list }))
}

function failOn(cluster: Cluster, errorCode: number, what: string): void {
  if (errorCode === errorCodes.NONE) return
  throw new CutoverError(
    'upstream_invalid',
    `the ${cluster.name} answered ${errorName(errorCode)} for ${what}`,
  )
}

const noLeader = (cluster: Cluster, { topic, partition }: PartitionName): CutoverError =>
  new CutoverError('upstream_connect', `${topic}-${partition} has no leader on the ${cluster.name}`)
