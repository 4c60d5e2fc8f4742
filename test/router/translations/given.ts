import { expect } from 'vitest'
import {
  emptyTopology,
  growVirtualBrokers,
  learnMetadata,
  type Topology,
} from '../../../src/cluster/index.ts'
import { nodeId, type ClusterName } from '../../../src/ids.ts'
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../../src/protocol/index.ts'
import {
  decide,
  destination,
  nextTable,
  noFeatures,
  noView,
  parallelTimelines,
  sourceTimeline,
  splice,
  type ClusterFact,
  type CoordinatorLookup,
  type Decision,
  type RoutingTable,
  type View,
} from '../../../src/router/index.ts'
import {
  bootstrapPort,
  clientId,
  correlationId,
  requestOf,
  topicIdOf,
  virtualHost,
} from '../given.ts'

/**
 * `orders` is `orders-v2` on the target. It has moved: partition p ended at 100 on the source and begins
 * at 7 on the target. `bills` is the source's, `fresh` exists on the target only.
 */
export const sourceEnd = 100n
export const targetStart = 7n
/** What is added to an offset of the target. */
export const shift = sourceEnd - targetStart
export const epochBase = 1_000_000

type Leaders = Readonly<Record<string, readonly number[]>>

export const sourceTopics: Leaders = { orders: [1, 2], bills: [3] }
export const targetTopics: Leaders = { 'orders-v2': [11, 12, 11], fresh: [12] }

/** Topic ids of the target are others than those of the source. */
export const targetIdOf = (name: string): string => topicIdOf(`t-${name}`)

export interface Given {
  readonly view?: Partial<View>
  /** Whether `orders` has moved. */
  readonly spliced?: boolean
}

/**
 * `orders` is unordered: 2 partitions of the source, then 3 of the target, each of which begins at 7. It has
 * the same name on both, unless another is given.
 */
export function parallelTable(view: Partial<View> = {}, targetName = 'orders'): RoutingTable {
  return tableOf({ [targetName]: [11, 12, 11] }, parallelView(view, targetName))
}

function parallelView(view: Partial<View>, targetName: string): Partial<View> {
  const parallel = { sourcePartitions: 2, targetPartitions: 3 }
  const starts = [targetStart, targetStart, targetStart]
  const names = { name: 'orders', targetName }
  const orders = {
    ...names,
    topicId: topicIdOf('orders'),
    timelines: parallelTimelines({ ...names, ...parallel, starts }),
    parallel,
  }
  const topics = new Map([['orders', orders]])
  return { clusterId: 'source-cluster', topics, spliced: true, ...view }
}

/**
 * `orders` is unordered, and `orders-v2` on the target; beside it `bills` is ordered and has moved, as
 * `bills-v2`, and `notes` is the source's.
 */
export function mixedTable(view: Partial<View> = {}): RoutingTable {
  const { topics, ...rest } = parallelView({}, 'orders-v2')
  const next = { cluster: 'target' as const, topic: 'bills-v2', partition: 0, start: targetStart }
  const bills = {
    ...{ name: 'bills', targetName: 'bills-v2', topicId: topicIdOf('bills') },
    timelines: [splice(sourceTimeline('bills', 0), { end: sourceEnd, next })],
  }
  return tableOf(
    { 'orders-v2': [11, 12, 11], 'bills-v2': [12] },
    { ...rest, topics: new Map([...(topics ?? []), ['bills', bills]]), ...view },
    { ...sourceTopics, notes: [2] },
  )
}

export function movedTable({ view = {}, spliced = true }: Given = {}): RoutingTable {
  const timelines = [0, 1].map((partition) => {
    const timeline = sourceTimeline('orders', partition)
    if (!spliced) return timeline
    const next = { cluster: 'target' as const, topic: 'orders-v2', partition, start: targetStart }
    return splice(timeline, { end: sourceEnd, next })
  })
  const orders = {
    name: 'orders',
    targetName: 'orders-v2',
    topicId: topicIdOf('orders'),
    timelines,
  }
  return tableOf(targetTopics, {
    clusterId: spliced ? 'source-cluster' : null,
    topics: new Map([['orders', orders]]),
    spliced,
    ...view,
  })
}

/** With these topics on the target, and on the source. */
export function tableOf(
  topics: Leaders,
  view: Partial<View>,
  onSource: Leaders = sourceTopics,
): RoutingTable {
  return nextTable(undefined, {
    source: topologyOf('source', [1, 2, 3], onSource, topicIdOf),
    target: topologyOf('target', [11, 12], topics, targetIdOf),
    view: { ...noView, hasTarget: true, ...view },
    virtualBrokers: growVirtualBrokers([], [1, 2, 3].map(nodeId), [11, 12].map(nodeId)),
    advertised: { host: virtualHost, bootstrapPort },
    offered: new Map(),
    features: noFeatures,
  })
}

function topologyOf(
  cluster: ClusterName,
  brokers: readonly number[],
  topics: Leaders,
  idOf: (name: string) => string,
): Topology {
  return learnMetadata(emptyTopology, metadataOf(cluster, brokers, topics, idOf), 'every-topic')
}

/** What a cluster answers to Metadata. */
export const metadataOf = (
  cluster: ClusterName,
  brokers: readonly number[],
  topics: Leaders,
  idOf: (name: string) => string,
) => ({
  throttleTimeMs: 0,
  brokers: brokers.map((id) => ({
    nodeId: id,
    host: `${cluster}-${id}.internal`,
    port: 9092,
    rack: `${cluster}-rack-${id}`,
  })),
  clusterId: `${cluster}-cluster`,
  controllerId: brokers[1] ?? -1,
  topics: Object.entries(topics).map(([name, leaders]) => ({
    errorCode: 0,
    name,
    topicId: idOf(name),
    isInternal: false,
    partitions: leaders.map((leaderId, partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId,
      leaderEpoch: 4,
      replicaNodes: [leaderId, 99],
      isrNodes: [leaderId],
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: -2147483648,
  })),
  clusterAuthorizedOperations: -2147483648,
  errorCode: 0,
})

/** Source coordinators are broker 3, those of the target broker 12. */
export const everywhere: CoordinatorLookup = (_of, _key, cluster = 'source') =>
  destination(cluster, nodeId(cluster === 'source' ? 3 : 12))
export const nowhere: CoordinatorLookup = () => undefined

export interface AskedPart<Q extends Fields> {
  readonly cluster: ClusterName
  readonly node: number
  readonly body: Decoded<Q>
}

export const decideOn = <Q extends Fields, S extends Fields>(
  table: RoutingTable,
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
  coordinators: CoordinatorLookup = everywhere,
): Decision => decide(table, requestOf(api, version, body), coordinators, { splitFetchWaitMs: 100 })

/** Asks what the decision says, and shows what becomes of the answers. */
export function translate<Q extends Fields, S extends Fields>(
  table: RoutingTable,
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
  answer: (part: AskedPart<Q>) => Encodable<S>,
): {
  readonly parts: readonly AskedPart<Q>[]
  readonly answer: Decoded<S>
  readonly facts: readonly ClusterFact[]
  readonly nodeIds: readonly number[]
} {
  const decision = decideOn(table, api, version, body)
  if (decision.kind !== 'translate') throw new Error(`${api.name} is not translated`)
  const parts = decision.parts.map(({ to, frame }): AskedPart<Q> => {
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    const header = decodeRequestHeader(frame, 4)
    const same = { apiKey: api.key, apiVersion: version, correlationId, clientId }
    expect(header).toMatchObject(same)
    if (to === 'any') throw new Error('a part names its cluster')
    const asked = decodeRequest(api, version, frame, header.bodyOffset)
    return { cluster: to.cluster, node: to.nodeId, body: asked }
  })
  const frames = parts.map((part) =>
    encodeResponse(api, version, correlationId, answer(part)).subarray(4),
  )
  const naming = decision.merge(frames)
  const shown = naming.encode(table)
  expect(shown.readInt32BE(0)).toBe(shown.length - 4)
  const header = decodeResponseHeader(api, version, shown, 4)
  expect(header.correlationId).toBe(correlationId)
  const { facts, nodeIds } = naming
  return { parts, answer: decodeResponse(api, version, shown, header.bodyOffset), facts, nodeIds }
}
