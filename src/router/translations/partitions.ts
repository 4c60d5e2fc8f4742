import type { ClusterName } from '../../ids.ts'
import {
  errorCodes,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../protocol/index.ts'
import type { Decision, RequestFrame } from '../decision.ts'
import { leaderOf, type Destination, type RoutedPartition, type RoutingTable } from '../table.ts'
import { openSegment, type Segment, type Timeline } from '../timeline/index.ts'
import { isSourceOff, translated } from './translation.ts'

/** What one leader is asked of one partition, by its cluster's names. */
export interface Lookup<P> {
  readonly at: Pick<Segment, 'cluster' | 'topic' | 'partition'>
  readonly ask: P
}

/** How the answer for one virtual partition comes about. */
export interface Plan<P, R> {
  readonly lookups: readonly Lookup<P>[]
  /** @param results in the order of `lookups` */
  readonly show: (results: readonly R[]) => R
}

/** One partition of a request, by the client's names. */
export interface AskedPartition<P> {
  readonly topic: string
  readonly partition: number
  readonly ask: P
}

/** How one API lists partitions under topics. */
export interface PartitionsApi<Q extends Fields, S extends Fields, P, R> {
  readonly api: Api<Q, S>
  /** Whether it reads a partition or writes it. */
  readonly access: 'read' | 'write'
  readonly body: (topics: ReadonlyMap<string, readonly P[]>) => Encodable<Q>
  readonly index: (partition: P) => number
  readonly results: (
    answer: Decoded<S>,
  ) => Iterable<readonly [topic: string, results: readonly R[]]>
  readonly resultIndex: (result: R) => number
  readonly errorOf: (result: R) => number
  readonly failed: (partition: number, errorCode: number) => R
  /** What is left to say of a partition of the source that is read no more; without it, that there is none. */
  readonly ended?: (asked: P) => R
  readonly answer: (
    answers: readonly Decoded<S>[],
    topics: ReadonlyMap<string, readonly R[]>,
  ) => Encodable<S>
}

/** Topics that list what concerns their partitions below their name. */
interface Named<P> {
  readonly name: string
  readonly partitions: readonly P[]
}

/** As most APIs list topics. */
export const listed = <P>(topics: ReadonlyMap<string, readonly P[]>): Named<P>[] =>
  [...topics].map(([name, partitions]) => ({ name, partitions }))

/** What is found in such a list. */
export const resultsListed = <P>({
  topics,
}: {
  readonly topics: readonly Named<P>[]
}): (readonly [topic: string, results: readonly P[]])[] =>
  topics.map(({ name, partitions }) => [name, partitions])

/**
 * Asks the leaders of all segments that the answer rests on, each broker once. Undefined when no partition
 * has moved.
 *
 * @param plan for a partition that has moved
 */
export function byPartition<Q extends Fields, S extends Fields, P, R>(
  table: RoutingTable,
  request: RequestFrame,
  of: PartitionsApi<Q, S, P, R>,
  asked: readonly AskedPartition<P>[],
  plan: (timeline: Timeline, asked: P, routed: RoutedPartition) => Plan<P, R>,
): Decision | undefined {
  const routed = asked.map((each) => table.topics.get(each.topic)?.partitions[each.partition])
  const hasEnded = ({ topic, partition }: AskedPartition<P>): boolean =>
    isSourceOff(table.view) && isOnSource(table, topic, partition)
  if (routed.every((each) => (each?.timeline ?? null) === null) && !asked.some(hasEnded)) {
    return undefined
  }
  const plans = asked.map((each, i) => {
    const { timeline } = routed[i] ?? { timeline: null }
    if (timeline !== null && routed[i] !== undefined) return plan(timeline, each.ask, routed[i])
    if (hasEnded(each)) return ended(of, each)
    return asItIs(table, of, each, routed[i])
  })
  const bodies = new Map<Destination, Map<string, P[]>>()
  const unknown = new Map<ClusterName, Set<string>>()
  for (const { at, ask } of plans.flatMap(({ lookups }) => lookups)) {
    const to = leaderOf(table, at)
    if (to === undefined)
      unknown.set(at.cluster, (unknown.get(at.cluster) ?? new Set()).add(at.topic))
    else add(bodies, to, at, ask)
  }
  for (const [cluster, topics] of unknown) {
    return { kind: 'ask', question: { kind: 'leaders', topics: [...topics], cluster } }
  }
  const destinations = [...bodies.keys()]
  const parts = [...bodies].map(([to, topics]) => ({ to, body: of.body(topics) }))
  return translated(
    of.api,
    request,
    parts,
    (answers) => {
      const found = findings(of, destinations, answers)
      const topics = new Map<string, R[]>()
      asked.forEach(({ topic, partition }, i) => {
        const { lookups, show } = plans[i] as Plan<P, R>
        const shown = show(
          lookups.map(
            ({ at }) =>
              found.get(keyOf(at)) ?? of.failed(partition, errorCodes.UNKNOWN_SERVER_ERROR),
          ),
        )
        if (!topics.get(topic)?.push(shown)) topics.set(topic, [shown])
      })
      return of.answer(answers, topics)
    },
    (answers) => ({
      facts: destinations.flatMap(({ cluster }, i) =>
        hasMoved(of, answers[i] as Decoded<S>) ? [{ kind: 'leaders-moved', cluster }] : [],
      ),
      nodeIds: [],
    }),
  )

  function add(
    to: Map<Destination, Map<string, P[]>>,
    destination: Destination,
    at: Lookup<P>['at'],
    ask: P,
  ): void {
    const topics = to.get(destination) ?? new Map<string, P[]>()
    to.set(destination, topics)
    const partitions = topics.get(at.topic) ?? []
    topics.set(at.topic, partitions)
    // Two segments of one partition have one leader, which is asked once.
    if (!partitions.some((each) => of.index(each) === at.partition)) partitions.push(ask)
  }
}

/** Whether it is one of those that an unordered topic has on the source. */
const isOnSource = ({ view }: RoutingTable, topic: string, partition: number): boolean =>
  partition < (view.topics.get(topic)?.parallel?.sourcePartitions ?? 0)

function ended<P, R>(
  { ended: tell, failed }: Pick<PartitionsApi<Fields, Fields, P, R>, 'ended' | 'failed'>,
  { partition, ask }: AskedPartition<P>,
): Plan<P, R> {
  const told = tell?.(ask) ?? failed(partition, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  return { lookups: [], show: () => told }
}

/** A partition that has not moved, asked where it is; a number that the topic does not have is nowhere. */
function asItIs<P, R>(
  table: RoutingTable,
  of: Pick<PartitionsApi<Fields, Fields, P, R>, 'access' | 'failed'>,
  { topic, partition, ask }: AskedPartition<P>,
  routed: RoutedPartition | undefined,
): Plan<P, R> {
  const planned = table.view.topics.get(topic)
  if (planned !== undefined && partition >= planned.timelines.length) {
    const nowhere = of.failed(partition, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    return { lookups: [], show: () => nowhere }
  }
  const there = isOnSource(table, topic, partition) ? undefined : routed?.[of.access]
  const cluster = there?.cluster ?? 'source'
  return {
    lookups: [{ at: { cluster, topic, partition }, ask }],
    show: ([result]) => result ?? of.failed(partition, errorCodes.UNKNOWN_SERVER_ERROR),
  }
}

const keyOf = ({ cluster, topic, partition }: Lookup<unknown>['at']): string =>
  `${cluster} ${topic} ${partition}`

function findings<Q extends Fields, S extends Fields, P, R>(
  of: PartitionsApi<Q, S, P, R>,
  destinations: readonly Destination[],
  answers: readonly Decoded<S>[],
): ReadonlyMap<string, R> {
  const found = new Map<string, R>()
  answers.forEach((answer, i) => {
    const { cluster } = destinations[i] as Destination
    for (const [topic, results] of of.results(answer)) {
      for (const result of results) {
        found.set(keyOf({ cluster, topic, partition: of.resultIndex(result) }), result)
      }
    }
  })
  return found
}

function hasMoved<Q extends Fields, S extends Fields, P, R>(
  of: PartitionsApi<Q, S, P, R>,
  answer: Decoded<S>,
): boolean {
  for (const [, results] of of.results(answer)) {
    if (results.some((each) => of.errorOf(each) === errorCodes.NOT_LEADER_OR_FOLLOWER)) return true
  }
  return false
}

/** The segments that still can be read: those in the source are gone once it may be off. */
export function readable(timeline: Timeline, isSourceOff: boolean): readonly Segment[] {
  if (!isSourceOff) return timeline
  const open = openSegment(timeline)
  return timeline.filter((segment) => segment === open || segment.cluster === open.cluster)
}

/** A native offset that a segment answers, inside the segment's bounds, as clients see it. */
export const within = ({ start, end }: Segment, offset: bigint): bigint =>
  offset < start ? start : end !== null && offset > end ? end : offset
