import type { ClusterName } from '../../ids.ts'
import { apis, type DeleteAclsRequest, type DeleteAclsResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { anyOf, type Destination, type RoutingTable } from '../table.ts'
import { nameIn, visibleNames } from './by-cluster.ts'
import {
  clusterOfTopic,
  controllerOf,
  firstError,
  isSourceOff,
  translated,
  type Translation,
} from './translation.ts'

/** Kafka's ResourceType and PatternType. */
const anyResource = 1
const topicResource = 2
const prefixed = 4
const literal = 3
/** As a name: every topic. */
const wildcard = '*'

/** What an entry is about. */
interface Pattern {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
}

/** What entries are looked for. */
interface Filter {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
}

/** Whether an entry is about one topic, whose name may be another on the target. */
const isOfTopic = ({ resourceType, resourceName, patternType }: Pattern): boolean =>
  resourceType === topicResource && patternType === literal && resourceName !== wildcard

/*
 * An entry about one topic belongs to the cluster that has the topic, by its name there. All others - groups,
 * wildcards, prefixes, the cluster itself - belong to the home, as they are: what a prefix means where
 * topics have other names, nobody can say.
 */

/** A filter for one cluster. `isNarrow`: all that it finds there is what was looked for. */
interface Search<F> {
  readonly cluster: ClusterName
  readonly filter: F
  readonly isNarrow: boolean
}

/** Where entries are looked for that may be anywhere. */
function searchesOf<F extends Filter>(
  table: RoutingTable,
  filter: F,
  elsewhere: (cluster: ClusterName) => readonly F[],
): readonly Search<F>[] {
  const { home } = table.view
  const { resourceTypeFilter: type, resourceNameFilter: name } = filter
  const atHome = { cluster: home, filter, isNarrow: false }
  const mayBeTopic = type === topicResource || type === anyResource
  if (!mayBeTopic || filter.patternTypeFilter === prefixed || name === wildcard) return [atHome]
  if (name === null) {
    if (isSourceOff(table.view)) return [atHome]
    const other: ClusterName = home === 'source' ? 'target' : 'source'
    return [
      atHome,
      ...elsewhere(other).map((each) => ({ ...atHome, cluster: other, filter: each })),
    ]
  }
  const cluster = clusterOfTopic(table, name)
  const resourceNameFilter = nameIn(table, cluster, name)
  if (type === topicResource) {
    return [{ cluster, filter: { ...filter, resourceNameFilter }, isNarrow: true }]
  }
  const topics = { ...filter, resourceTypeFilter: topicResource, resourceNameFilter }
  if (cluster === home && resourceNameFilter === name) return [atHome]
  return [{ cluster, filter: topics, isNarrow: true }, atHome]
}

/** Shows what a search has found; undefined for what is not the clients' to see. */
function showFound(
  table: RoutingTable,
): <P extends Pattern>(found: P, search: Search<unknown>) => P | undefined {
  const visible = visibleNames(table)
  return (found, { cluster, isNarrow }) => {
    if (!isOfTopic(found)) return isNarrow || cluster === table.view.home ? found : undefined
    const resourceName = visible(cluster, found.resourceName)
    return resourceName === undefined ? undefined : { ...found, resourceName }
  }
}

const isPresent = <T>(value: T | undefined): value is T => value !== undefined

/** DescribeAcls, every version. */
export const translateDescribeAcls: Translation = (table, request) => {
  if (!table.view.spliced) return undefined
  const api = apis.describeAcls
  const asked = bodyOf(api, request)
  const searches = searchesOf(table, asked, () => [asked])
  const parts = searches.map(({ cluster, filter }) => ({ to: anyOf(cluster), body: filter }))
  return translated(api, request, parts, (answers, now) => {
    const show = showFound(now)
    return {
      throttleTimeMs: throttle(answers),
      errorCode: firstError(answers),
      errorMessage: answers.find(({ errorCode }) => errorCode !== 0)?.errorMessage ?? null,
      resources: answers.flatMap(({ resources }, i) =>
        resources.map((found) => show(found, searches[i] as Search<unknown>)).filter(isPresent),
      ),
    }
  })
}

/** Each destination once, with the places among `items` of what goes there: results have no names. */
function placesBy<T>(
  items: readonly T[],
  to: (item: T) => Destination,
): ReadonlyMap<Destination, readonly number[]> {
  const places = new Map<Destination, number[]>()
  items.forEach((item, place) => {
    const destination = to(item)
    if (!places.get(destination)?.push(place)) places.set(destination, [place])
  })
  return places
}

/** The results in the order of what was asked. */
function inOrder<R>(
  places: ReadonlyMap<Destination, readonly number[]>,
  results: readonly (readonly R[])[],
): R[] {
  const all: R[] = []
  for (const [i, mine] of [...places.values()].entries()) {
    mine.forEach((place, at) => {
      const result = results[i]?.[at]
      if (result !== undefined) all[place] = result
    })
  }
  return all
}

/** CreateAcls, every version. */
export const translateCreateAcls: Translation = (table, request) => {
  const { view } = table
  if (!view.spliced) return undefined
  const api = apis.createAcls
  const asked = bodyOf(api, request)
  const creations = asked.creations.map((creation) => {
    const isTopic = isOfTopic({ ...creation, patternType: creation.resourcePatternType })
    const cluster = isTopic ? clusterOfTopic(table, creation.resourceName) : view.home
    if (!isTopic) return { cluster, creation }
    const resourceName = nameIn(table, cluster, creation.resourceName)
    return { cluster, creation: { ...creation, resourceName } }
  })
  const places = placesBy(creations, ({ cluster }) => controllerOf(table, cluster))
  const parts = [...places].map(([to, mine]) => ({
    to,
    body: { creations: mine.flatMap((place) => creations[place]?.creation ?? []) },
  }))
  return translated(api, request, parts, (answers) => ({
    throttleTimeMs: throttle(answers),
    results: inOrder(
      places,
      answers.map(({ results }) => results),
    ),
  }))
}

type DeleteFilter = DeleteAclsRequest['filters'][number]
type FilterResult = DeleteAclsResponse['filterResults'][number]

/** DeleteAcls, every version. What clients cannot see is not deleted with what they can. */
export const translateDeleteAcls: Translation = (table, request) => {
  if (!table.view.spliced) return undefined
  const api = apis.deleteAcls
  const asked = bodyOf(api, request)
  const searches = asked.filters.flatMap((filter, of) =>
    searchesOf(table, filter, (cluster) => ofEachTopic(table, filter, cluster)).map((search) => ({
      ...search,
      of,
    })),
  )
  const places = placesBy(searches, ({ cluster }) => controllerOf(table, cluster))
  const parts = [...places].map(([to, mine]) => ({
    to,
    body: { filters: mine.flatMap((place) => searches[place]?.filter ?? []) },
  }))
  return translated(api, request, parts, (answers, now) => {
    const show = showFound(now)
    const found = inOrder(
      places,
      answers.map(({ filterResults }) => filterResults),
    )
    const shown = found.map((result, i) => ({
      ...result,
      matchingAcls: result.matchingAcls
        .map((acl) => show(acl, searches[i] as Search<unknown>))
        .filter(isPresent),
    }))
    return {
      throttleTimeMs: throttle(answers),
      filterResults: asked.filters.map((_, of) =>
        merged(shown.filter((__, i) => searches[i]?.of === of)),
      ),
    }
  })
}

/** A filter without a name, as one for each topic that clients see in a cluster. */
function ofEachTopic(
  table: RoutingTable,
  filter: DeleteFilter,
  cluster: ClusterName,
): readonly DeleteFilter[] {
  return [...table.topics.keys()]
    .filter((name) => clusterOfTopic(table, name) === cluster)
    .map((name) => ({
      ...filter,
      resourceTypeFilter: topicResource,
      resourceNameFilter: nameIn(table, cluster, name),
      patternTypeFilter: literal,
    }))
}

function merged(results: readonly FilterResult[]): FilterResult {
  const failed = results.find(({ errorCode }) => errorCode !== 0)
  return {
    errorCode: failed?.errorCode ?? 0,
    errorMessage: failed?.errorMessage ?? null,
    matchingAcls: results.flatMap(({ matchingAcls }) => matchingAcls),
  }
}
