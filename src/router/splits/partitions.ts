import type { Destination, RoutingTable } from '../table.ts'
import type { Question } from '../decision.ts'

/** How one API lists partitions under topics. */
export interface Listing<T, P> {
  /** Null when the topic's id is not known. */
  name(topic: T): string | null
  partitions(topic: T): readonly P[]
  index(partition: P): number
  withPartitions(topic: T, partitions: readonly P[]): T
}

export type Grouped<T> =
  | { readonly kind: 'grouped'; readonly by: ReadonlyMap<Destination, readonly T[]> }
  | { readonly kind: 'unknown'; readonly question: Extract<Question, { kind: 'leaders' }> }

/** Deals partitions out to those who lead them, for reading or for writing. */
export function groupByLeader<T, P>(
  table: RoutingTable,
  access: 'read' | 'write',
  topics: readonly T[],
  listing: Listing<T, P>,
): Grouped<T> {
  const by = new Map<Destination, T[]>()
  const unknown = new Set<string>()
  for (const topic of topics) {
    const name = listing.name(topic)
    const routed = name === null ? undefined : table.topics.get(name)
    const mine = new Map<Destination, P[]>()
    for (const partition of listing.partitions(topic)) {
      const to = routed?.partitions[listing.index(partition)]?.[access]
      if (to == null) {
        unknown.add(name ?? '')
        continue
      }
      const others = mine.get(to)
      if (others === undefined) mine.set(to, [partition])
      else others.push(partition)
    }
    for (const [to, partitions] of mine) {
      const part = listing.withPartitions(topic, partitions)
      const others = by.get(to)
      if (others === undefined) by.set(to, [part])
      else others.push(part)
    }
  }
  if (unknown.size > 0) {
    return { kind: 'unknown', question: { kind: 'leaders', topics: [...unknown] } }
  }
  return { kind: 'grouped', by }
}

/** Joins what several brokers say of the same topics; `key` is the topic's name or id. */
export function joinTopics<T, P>(
  answers: readonly (readonly T[])[],
  key: (topic: T) => string,
  partitions: (topic: T) => readonly P[],
  withPartitions: (topic: T, partitions: readonly P[]) => T,
): T[] {
  const joined = new Map<string, T>()
  for (const topic of answers.flat()) {
    const before = joined.get(key(topic))
    joined.set(
      key(topic),
      before === undefined
        ? topic
        : withPartitions(topic, [...partitions(before), ...partitions(topic)]),
    )
  }
  return [...joined.values()]
}
