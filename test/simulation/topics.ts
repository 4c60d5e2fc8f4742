import type { ClusterName } from '../../src/ids.ts'
import type { Random } from './random.ts'

/** What a seed's plan consists of. */
export const planKinds = ['ordered', 'unordered', 'mixed'] as const
export type PlanKind = (typeof planKinds)[number]

/** A topic of the plan, as it is on both clusters. */
export interface SimTopic {
  readonly mode: 'ordered' | 'unordered'
  readonly names: Readonly<Record<ClusterName, string>>
  /** N on the source, M on the target; the same of an ordered one. */
  readonly partitions: Readonly<Record<ClusterName, number>>
  /** As unlike as those of two clusters. */
  readonly topicIds: Readonly<Record<ClusterName, string>>
}

export function drawTopics(plan: PlanKind, random: Random): readonly SimTopic[] {
  const topics: SimTopic[] = []
  if (plan !== 'unordered') {
    const count = random.between(1, 3)
    topics.push({
      mode: 'ordered',
      names: { source: 'orders', target: 'orders-v2' },
      partitions: { source: count, target: count },
      topicIds: { source: 'AAAAAAAAAAAAAAAAAAAAAQ', target: 'AAAAAAAAAAAAAAAAAAAAAg' },
    })
  }
  if (plan !== 'ordered') {
    topics.push({
      mode: 'unordered',
      names: { source: 'logs', target: random.pick(['logs', 'logs-v2']) },
      partitions: { source: random.between(1, 4), target: random.between(1, 4) },
      topicIds: { source: 'AAAAAAAAAAAAAAAAAAAAAw', target: 'AAAAAAAAAAAAAAAAAAAABA' },
    })
  }
  return topics
}

export const isUnordered = ({ mode }: SimTopic): boolean => mode === 'unordered'

/** As how many partitions clients see a topic behind the flip. */
export const shownPartitions = ({ mode, partitions }: SimTopic): number =>
  mode === 'ordered' ? partitions.source : partitions.source + partitions.target

/** How clients, and the ledger, call it. */
export const shownName = ({ names }: SimTopic): string => names.source
