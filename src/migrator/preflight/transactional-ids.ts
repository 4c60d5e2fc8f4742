import { nodeId } from '../../ids.ts'
import { apis, errorCodes, errorName } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { byLeader, type PartitionName } from '../ends.ts'

/** A transactional producer that wrote within this time is active. */
export const activeWithinMs = 10 * 60_000

/** A transactional id, as far as a cluster tells of it. */
export interface TransactionalId {
  readonly id: string
  readonly producerId: bigint
  /** As brokers name it: Ongoing, CompleteCommit, ... */
  readonly state: string
}

/** An id that is active on a partition of the plan. */
export interface Sighting {
  readonly of: TransactionalId
  readonly at: PartitionName
  /** Whether its transaction is open; otherwise it wrote lately. */
  readonly isOpen: boolean
  readonly seenIn: 'log' | 'partition'
}

/** What was found, and what could not be looked at: one sentence each. */
export interface Found<T> {
  readonly found: readonly T[]
  readonly gaps: readonly string[]
}

/** The ids of a cluster, and what is known of them where they come from. */
export interface KnownIds extends Found<Sighting> {
  readonly ids: readonly TransactionalId[]
  /** Those that have ended a transaction lately of which is not told where. */
  readonly unplaced: readonly TransactionalId[]
}

/** Every id, as brokers since 3.0 tell (KIP-664); not where they write. */
export async function listIds(source: Cluster): Promise<KnownIds> {
  const ids: TransactionalId[] = []
  const gaps: string[] = []
  for (const broker of source.topology.brokers.values()) {
    const { errorCode, transactionStates } = await source.ask(
      apis.listTransactions,
      0,
      { stateFilters: [], producerIdFilters: [] },
      { nodeId: broker.nodeId },
    )
    if (errorCode !== errorCodes.NONE)
      gaps.push(`broker ${broker.nodeId} answered ${errorName(errorCode)} to ListTransactions`)
    for (const { transactionalId: id, producerId, transactionState: state } of transactionStates) {
      ids.push({ id, producerId, state })
    }
  }
  return { ids, found: [], unplaced: [], gaps }
}

/** Which of the ids' producers the partitions remember as active; brokers since 2.8 tell (KIP-664). */
export async function seeProducers(
  source: Cluster,
  partitions: readonly PartitionName[],
  ids: readonly TransactionalId[],
  nowMs: number,
): Promise<Found<Sighting>> {
  const found: Sighting[] = []
  const gaps: string[] = []
  const byProducer = new Map(ids.map((each) => [each.producerId, each]))
  await byLeader(source, partitions, async (leader, mine) => {
    const topics = new Map<string, number[]>()
    for (const { topic, partition } of mine) {
      if (!topics.get(topic)?.push(partition)) topics.set(topic, [partition])
    }
    const answer = await source.ask(
      apis.describeProducers,
      0,
      { topics: [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes })) },
      { nodeId: nodeId(leader) },
    )
    for (const { name: topic, partitions: described } of answer.topics) {
      for (const { partitionIndex: partition, errorCode, activeProducers } of described) {
        if (errorCode !== errorCodes.NONE)
          gaps.push(`${topic}-${partition} answered ${errorName(errorCode)} to DescribeProducers`)
        for (const { producerId, currentTxnStartOffset, lastTimestamp } of activeProducers) {
          const of = byProducer.get(producerId)
          const isOpen = currentTxnStartOffset >= 0n
          const isRecent = Number(lastTimestamp) > nowMs - activeWithinMs
          if (of === undefined || (!isOpen && !isRecent)) continue
          found.push({ of, at: { topic, partition }, isOpen, seenIn: 'partition' })
        }
      }
    }
  })
  return { found, gaps }
}
