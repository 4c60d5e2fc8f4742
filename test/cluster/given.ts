import { zeroUuid, type MetadataResponse } from '../../src/protocol/index.ts'

/** Metadata answers, by what matters in them. */
export interface Answered {
  readonly brokers?: readonly (
    number | { id: number; host?: string; port?: number; rack?: string }
  )[]
  readonly clusterId?: string | null
  readonly controllerId?: number
  readonly topics?: Readonly<Record<string, AnsweredTopic>>
}

export interface AnsweredTopic {
  readonly id?: string
  readonly error?: number
  /** By partition number: leader, epoch, replicas. */
  readonly partitions?: Readonly<Record<number, readonly [number, number, ...number[]]>>
}

/** 22 characters, as Kafka writes a topic id. */
export const uuid = (name: string): string =>
  Buffer.from(name.padEnd(16, '.')).toString('base64url')

export function metadata({
  brokers = [1, 2],
  clusterId = 'c',
  controllerId = 1,
  topics = {},
}: Answered = {}): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: brokers.map((broker) => {
      const { id, host, port, rack } = typeof broker === 'number' ? { id: broker } : { ...broker }
      return { nodeId: id, host: host ?? `b${id}`, port: port ?? 9092, rack: rack ?? null }
    }),
    clusterId,
    controllerId,
    topics: Object.entries(topics).map(([name, { id, error = 0, partitions = {} }]) => ({
      errorCode: error,
      name,
      topicId: id === undefined ? zeroUuid : uuid(id),
      isInternal: false,
      partitions: Object.entries(partitions).map(
        ([index, [leaderId, leaderEpoch, ...replicas]]) => ({
          errorCode: 0,
          partitionIndex: Number(index),
          leaderId,
          leaderEpoch,
          replicaNodes: replicas,
          isrNodes: [],
          offlineReplicas: [],
        }),
      ),
      topicAuthorizedOperations: 0,
    })),
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  }
}
