import type { ClusterName } from '../../ids.ts'
import type { Api, Decoded, Encodable, Fields } from '../../protocol/index.ts'
import type { Decision, RequestFrame } from '../decision.ts'
import type { Destination, RoutingTable } from '../table.ts'
import {
  byTargetName,
  clusterOfPlanned,
  clusterOfTopic,
  clustersInUse,
  controllerOf,
  translated,
} from './translation.ts'

/** How one API lists items that each concern one cluster. */
export interface ItemsApi<Q extends Fields, S extends Fields, T> {
  readonly api: Api<Q, S>
  readonly items: readonly T[]
  readonly to: (item: T) => Destination
  /** An item by the names of the cluster that it goes to. */
  readonly native: (item: T, cluster: ClusterName) => T
  readonly body: (items: readonly T[]) => Encodable<Q>
  readonly show: (answers: readonly Answered<S>[], table: RoutingTable) => Encodable<S>
  /** What concerns a topic that both clusters have a part of: nobody is asked. */
  readonly refused?: {
    readonly topic: (item: T) => string
    /** Of the items as the target names them. */
    readonly answer: (items: readonly T[]) => Decoded<S>
  }
}

/** Why an admin request is refused of a topic that is read from both clusters. */
export const inBothClusters =
  'this topic is being moved, unordered, and is read from both clusters: ask the cluster that you mean directly, not through kafka-cutover'

export interface Answered<S extends Fields> {
  readonly cluster: ClusterName
  readonly answer: Decoded<S>
}

/** Deals the items out, each destination once. Undefined while everything is the source's. */
export function byCluster<Q extends Fields, S extends Fields, T>(
  { view }: RoutingTable,
  request: RequestFrame,
  { api, items, to, native, body, show, refused }: ItemsApi<Q, S, T>,
): Decision | undefined {
  if (!view.spliced && view.home === 'source') return undefined
  const dealt = new Map<Destination, T[]>()
  const made: T[] = []
  for (const item of items) {
    if (refused !== undefined && view.topics.get(refused.topic(item))?.parallel !== undefined) {
      made.push(native(item, 'target'))
      continue
    }
    const destination = to(item)
    const mine = native(item, destination.cluster)
    if (!dealt.get(destination)?.push(mine)) dealt.set(destination, [mine])
  }
  const destinations = [...dealt.keys()]
  const isOfSource = destinations.every(({ cluster }) => cluster === 'source')
  if (view.home === 'source' && isOfSource && made.length === 0) return undefined
  const parts = [...dealt].map(([destination, mine]) => ({ to: destination, body: body(mine) }))
  if (parts.length === 0 && made.length === 0) return undefined
  return translated(api, request, parts, (answers, now) => {
    const shown: Answered<S>[] = answers.map((answer, i) => ({
      cluster: destinations[i]?.cluster ?? view.home,
      answer,
    }))
    if (refused !== undefined && made.length > 0) {
      shown.push({ cluster: 'target', answer: refused.answer(made) })
    }
    return show(shown, now)
  })
}

/** Asks the controller of each cluster that still has anything; undefined while everything is the source's. */
export function byEveryCluster<Q extends Fields, S extends Fields>(
  table: RoutingTable,
  request: RequestFrame,
  api: Api<Q, S>,
  body: Encodable<Q>,
  show: ItemsApi<Q, S, unknown>['show'],
): Decision | undefined {
  const { view } = table
  if (!view.spliced) return undefined
  const clusters = clustersInUse(view)
  const parts = clusters.map((cluster) => ({ to: controllerOf(table, cluster), body }))
  return translated(api, request, parts, (answers, now) =>
    show(
      answers.map((answer, i) => ({ cluster: clusters[i] ?? view.home, answer })),
      now,
    ),
  )
}

/** The controller of the cluster that has a topic. */
export const controllerOfTopic = (table: RoutingTable, name: string): Destination =>
  controllerOf(table, clusterOfTopic(table, name))

/** A topic's name in the cluster that has it. */
export const nameIn = ({ view }: RoutingTable, cluster: ClusterName, name: string): string =>
  cluster === 'target' ? (view.topics.get(name)?.targetName ?? name) : name

/** A topic's name as clients know it. */
export function shownNames({ view }: RoutingTable): (cluster: ClusterName, name: string) => string {
  const planned = byTargetName(view)
  return (cluster, name) => (cluster === 'target' ? (planned.get(name)?.name ?? name) : name)
}

/**
 * As what clients know a topic that a cluster lists; undefined where it is not for them: what a topic of the
 * plan has left behind, or what else the target has while the plan is not everything.
 */
export function visibleNames(
  table: RoutingTable,
): (cluster: ClusterName, name: string) => string | undefined {
  const { view } = table
  const onTarget = byTargetName(view)
  return (cluster, name) => {
    const planned = cluster === 'target' ? onTarget.get(name) : view.topics.get(name)
    if (planned !== undefined) {
      return clusterOfPlanned(planned) === cluster ? planned.name : undefined
    }
    // For clients, this is the name of a topic of the plan, which is another one.
    if (view.topics.has(name)) return undefined
    return clusterOfTopic(table, name) === cluster ? name : undefined
  }
}
