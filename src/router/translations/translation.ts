import type { ClusterName } from '../../ids.ts'
import {
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../protocol/index.ts'
import type { CoordinatorLookup, Decision, RequestFrame } from '../decision.ts'
import type { NamingAnswer } from '../rewriters/rewriter.ts'
import { anyOf, destination, type Destination, type RoutingTable } from '../table.ts'
import { openSegment, type Parallel } from '../timeline/index.ts'
import type { PlannedTopic, View } from '../view.ts'

/**
 * How one API is translated between what clients see and the two clusters; undefined where nothing of the
 * request needs it. Bytes that do not decode throw `DecodeError`.
 */
export type Translation = (
  table: RoutingTable,
  request: RequestFrame,
  coordinators: CoordinatorLookup,
) => Decision | undefined

/** What one broker is asked. */
export interface TranslatedPart<Q extends Fields> {
  readonly to: Destination
  readonly body: Encodable<Q>
}

/**
 * A request in the words of those who answer it, and their answers in those of the client.
 *
 * @param show gets the answers in the order of `parts`, and the table as it is when all have come
 * @param learn what the answers tell of their clusters
 */
export function translated<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  { version, correlationId, clientId }: RequestFrame,
  parts: readonly TranslatedPart<Q>[],
  show: (answers: readonly Decoded<S>[], table: RoutingTable) => Encodable<S>,
  learn: (answers: readonly Decoded<S>[]) => Pick<NamingAnswer, 'facts' | 'nodeIds'> = nothing,
): Decision {
  return {
    kind: 'translate',
    parts: parts.map(({ to, body }) => ({
      to,
      frame: encodeRequest(api, version, { correlationId, clientId }, body),
    })),
    merge: (frames) => {
      const answers = frames.map((frame) => {
        const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
        return decodeResponse(api, version, frame, bodyOffset)
      })
      return {
        ...learn(answers),
        encode: (table) => encodeResponse(api, version, correlationId, show(answers, table)),
      }
    },
  }
}

const nothing = (): Pick<NamingAnswer, 'facts' | 'nodeIds'> => ({ facts: [], nodeIds: [] })

export const firstError = (answers: readonly { readonly errorCode: number }[]): number =>
  answers.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0

/** Everything has moved: the source may be switched off, and nothing is asked of it. */
export const isSourceOff = (view: View): boolean => view.home === 'target' && view.everyTopic

/** Who has anything left behind the splice. */
export const clustersInUse = (view: View): readonly ClusterName[] =>
  isSourceOff(view) ? ['target'] : ['source', 'target']

/** Where topics are created that nobody has yet. */
export const creatorOf = (view: View): ClusterName =>
  view.spliced && view.everyTopic ? 'target' : 'source'

/** Where transactions live: all of them in one cluster, which is the source's while it has topics of its own. */
export const clusterOfTransactions = creatorOf

/** The controller, or any broker while it is not known: that one says so. */
export function controllerOf(table: RoutingTable, cluster: ClusterName): Destination {
  const { brokers, controllerId } = table[cluster]
  return brokers.has(controllerId) ? destination(cluster, controllerId) : anyOf(cluster)
}

/** The cluster to which a topic of the plan is written. */
export function clusterOfPlanned({ timelines }: PlannedTopic): ClusterName {
  const last = timelines.at(-1)
  return last === undefined ? 'source' : openSegment(last).cluster
}

/** The clusters that have a part of a topic of the plan: of an unordered one both, for as long as they are there. */
export const clustersOfPlanned = (view: View, planned: PlannedTopic): readonly ClusterName[] =>
  planned.parallel === undefined ? [clusterOfPlanned(planned)] : clustersInUse(view)

/** A topic of which both clusters are read. */
export type ParallelTopic = PlannedTopic & { readonly parallel: Parallel }

export const isParallel = (planned: PlannedTopic): planned is ParallelTopic =>
  planned.parallel !== undefined

/** As what a cluster knows a topic of the plan. */
export const nativeName = (planned: PlannedTopic, cluster: ClusterName): string =>
  cluster === 'source' ? planned.name : planned.targetName

/** The topics of the plan by the names that the target gives them. */
export function byTargetName(view: View): ReadonlyMap<string, PlannedTopic> {
  return new Map([...view.topics.values()].map((planned) => [planned.targetName, planned]))
}

/** The cluster that has a topic, by the name that clients know. */
export function clusterOfTopic(table: RoutingTable, name: string): ClusterName {
  const { view } = table
  const planned = view.topics.get(name)
  if (planned !== undefined) return clusterOfPlanned(planned)
  if (isSourceOff(view)) return 'target'
  const { source, target } = table.topics.get(name)?.origins ?? {}
  if (source !== undefined) return 'source'
  return target !== undefined ? 'target' : creatorOf(view)
}

/** Whether some topic of the plan has another name on the target. */
export const renames = (view: View): boolean =>
  [...view.topics.values()].some(({ name, targetName }) => name !== targetName)
