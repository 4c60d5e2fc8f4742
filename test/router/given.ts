import { learnMetadata, emptyTopology, type VirtualBroker } from '../../src/cluster/index.ts'
import { nodeId, slotNumber } from '../../src/ids.ts'
import {
  decodeRequestHeader,
  encodeRequest,
  isFlexible,
  type Api,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import {
  destination,
  nextTable,
  noFeatures,
  noView,
  type CoordinatorLookup,
  type Destination,
  type RequestFrame,
  type RoutingTable,
} from '../../src/router/index.ts'

/** The clusters and requests that the scenarios of this folder begin with. */
export const source = (id: number): Destination => destination('source', nodeId(id))

/** Addresses that no answer may show: a name and a number that nothing else is made of. */
export const realHost = (id: number): string => `broker-${id}.kafka.internal`
export const realPort = 43_981
export const virtualHost = 'localhost'
export const bootstrapPort = 19_092

/** 22 characters, as Kafka writes a topic id. */
export const topicIdOf = (name: string): string =>
  Buffer.from(name.padEnd(16, '.')).toString('base64url')

export interface Given {
  /** The brokers that the source has named. */
  readonly brokers?: readonly number[]
  readonly controller?: number
  /** Leaders by partition; null: none now; undefined: the partition is not known. */
  readonly topics?: Readonly<Record<string, readonly (number | null | undefined)[]>>
  /** Replicas of every partition besides its leader. */
  readonly followers?: readonly number[]
  /** Brokers that have a virtual one: by default all. */
  readonly virtual?: readonly number[]
}

export const orders = { orders: [1, 2, 3, 1, 2, 3] }

export function tableOf({
  brokers = [1, 2, 3],
  controller = 2,
  topics = orders,
  followers = [],
  virtual = brokers,
}: Given = {}): RoutingTable {
  const topology = learnMetadata(
    emptyTopology,
    {
      throttleTimeMs: 0,
      brokers: brokers.map((id) => ({
        nodeId: id,
        host: realHost(id),
        port: realPort,
        rack: null,
      })),
      clusterId: 'source-cluster',
      controllerId: controller,
      topics: Object.entries(topics).map(([name, leaders]) => ({
        errorCode: 0,
        name,
        topicId: topicIdOf(name),
        isInternal: false,
        partitions: leaders.flatMap((leader, partitionIndex) =>
          leader === undefined
            ? []
            : [
                {
                  errorCode: 0,
                  partitionIndex,
                  leaderId: leader ?? -1,
                  leaderEpoch: 4,
                  replicaNodes: [leader ?? -1, ...followers],
                  isrNodes: [],
                  offlineReplicas: [],
                },
              ],
        ),
        topicAuthorizedOperations: 0,
      })),
      clusterAuthorizedOperations: 0,
      errorCode: 0,
    },
    'every-topic',
  )
  const virtualBrokers: readonly VirtualBroker[] = virtual.map((id, i) => ({
    slot: slotNumber(i + 1),
    nodeId: nodeId(id),
    target: null,
  }))
  return nextTable(undefined, {
    source: topology,
    target: emptyTopology,
    view: noView,
    virtualBrokers,
    advertised: { host: virtualHost, bootstrapPort },
    offered: new Map(),
    features: noFeatures,
  })
}

export const correlationId = 77
export const clientId = 'scenario'

export function requestOf<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
): RequestFrame {
  const frame = encodeRequest(api, version, { correlationId, clientId }, body).subarray(4)
  return { api, version, correlationId, clientId, frame, ...offsetIn(frame) }
}

function offsetIn(frame: Buffer): { readonly bodyOffset: number } {
  const { bodyOffset } = decodeRequestHeader(frame, 0)
  return { bodyOffset }
}

/** Knows these groups and transactional ids, and who coordinates them. */
export const coordinatorsOf =
  (known: Readonly<Record<string, number>>): CoordinatorLookup =>
  (_of, key) => {
    const id = known[key]
    return id === undefined ? undefined : source(id)
  }

export const versionsOf = ({ versions }: Api, max = versions.max): number[] =>
  Array.from({ length: Math.min(max, versions.max) - versions.min + 1 }, (_, i) => versions.min + i)

/** The first version, the first flexible one, and the last. */
export function tellingVersions(api: Api, max = api.versions.max): number[] {
  const all = versionsOf(api, max)
  const flexible = all.find((version) => isFlexible(api, version, 'request'))
  return [...new Set([all[0], flexible, all.at(-1)].filter((version) => version !== undefined))]
}
