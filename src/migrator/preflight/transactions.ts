import { nodeId } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { byLeader, readEnds, type PartitionName } from '../ends.ts'
import type { Finding, TopicPlan } from './finding.ts'

/** A transactional producer that wrote within this time is active. */
const activeWithinMs = 10 * 60_000

/**
 * Transactional producers that are active on the plan's topics: moving them is not built yet, so they
 * refuse the cutover.
 */
export async function findTransactions(
  source: Cluster,
  topics: readonly TopicPlan[],
  nowMs: number,
): Promise<readonly Finding[]> {
  const partitions = topics.flatMap(({ name, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
  )
  if (partitions.length === 0) return []
  const ids = await transactionalIds(source)
  if (ids !== undefined && source.version(apis.describeProducers.key, 0) !== undefined) {
    return activeProducers(source, partitions, ids, nowMs)
  }
  return openTransactions(source, partitions)
}

/** Producer id => transactional id; undefined where brokers do not tell (before 3.0, KIP-664). */
async function transactionalIds(
  source: Cluster,
): Promise<ReadonlyMap<bigint, { id: string; state: string }> | undefined> {
  if (source.version(apis.listTransactions.key, 0) === undefined) return undefined
  const ids = new Map<bigint, { id: string; state: string }>()
  for (const broker of source.topology.brokers.values()) {
    const answer = await source.ask(
      apis.listTransactions,
      0,
      { stateFilters: [], producerIdFilters: [] },
      { nodeId: broker.nodeId },
    )
    for (const { transactionalId, producerId, transactionState } of answer.transactionStates) {
      ids.set(producerId, { id: transactionalId, state: transactionState })
    }
  }
  return ids
}

async function activeProducers(
  source: Cluster,
  partitions: readonly PartitionName[],
  ids: ReadonlyMap<bigint, { id: string; state: string }>,
  nowMs: number,
): Promise<readonly Finding[]> {
  if (ids.size === 0) return []
  const found = new Map<string, Finding>()
  await byLeader(source, partitions, async (leader, mine) => {
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of mine) {
      if (!byTopic.get(topic)?.push(partition)) byTopic.set(topic, [partition])
    }
    const topics = [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const answer = await source.ask(
      apis.describeProducers,
      0,
      { topics },
      { nodeId: nodeId(leader) },
    )
    for (const topic of answer.topics) {
      for (const partition of topic.partitions) {
        for (const producer of partition.activeProducers) {
          const known = ids.get(producer.producerId)
          const isOpen = producer.currentTxnStartOffset >= 0n
          const isRecent = Number(producer.lastTimestamp) > nowMs - activeWithinMs
          if (known === undefined || (!isOpen && !isRecent)) continue
          found.set(known.id, active(known, `${topic.name}-${partition.partitionIndex}`, isOpen))
        }
      }
    }
  })
  return [...found.values()]
}

const active = (
  { id, state }: { id: string; state: string },
  where: string,
  isOpen: boolean,
): Finding => ({
  severity: 'blocking',
  subject: `transactional id ${id}`,
  problem: isOpen
    ? 'it has an open transaction on a topic of the plan'
    : 'it wrote to a topic of the plan within the last 10 minutes',
  evidence: `producer of ${where}, state ${state}`,
  remedy:
    'stop the transactional producer, or leave its topics out of the plan: moving transactions is not built yet',
})

/** Where brokers do not list producers, an open transaction shows by the last stable offset. */
async function openTransactions(
  source: Cluster,
  partitions: readonly PartitionName[],
): Promise<readonly Finding[]> {
  const ends = await readEnds(source, partitions)
  return partitions.flatMap(({ topic, partition }, i) => {
    const end = ends[i]
    if (end === undefined || end.lastStable >= end.highWatermark) return []
    return [
      {
        severity: 'blocking' as const,
        subject: `topic ${topic}`,
        problem: 'a transaction is open on it',
        evidence: `partition ${partition}: last stable offset ${end.lastStable}, end ${end.highWatermark}`,
        remedy:
          'stop the transactional producer, or leave the topic out of the plan: moving transactions is not built yet',
      },
    ]
  })
}
