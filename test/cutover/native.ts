/** Looks at a cluster directly, as an application would that no sidecar stands before. */
import { Kafka, logLevel } from 'kafkajs'
import type { Cluster } from '../kafka/index.ts'

const clientOf = (cluster: Cluster) =>
  new Kafka({ brokers: cluster.internalServers.split(','), logLevel: logLevel.NOTHING })

/** Writes `count` records into one partition, so that its offsets do not begin at 0 for us. */
export async function preload(
  cluster: Cluster,
  topic: string,
  partition: number,
  count: number,
): Promise<void> {
  const producer = clientOf(cluster).producer()
  await producer.connect()
  const messages = Array.from({ length: count }, (_, i) => ({
    ...{ partition, key: 'old', value: `old-${i}` },
  }))
  await producer.send({ topic, acks: -1, messages })
  await producer.disconnect()
}

/** Of each partition of a topic: its end, and what each of the groups has committed. */
export interface NativeView {
  readonly ends: ReadonlyMap<number, bigint>
  readonly committed: ReadonlyMap<string, ReadonlyMap<number, bigint>>
}

export async function lookAt(
  cluster: Cluster,
  topic: string,
  groups: readonly string[],
): Promise<NativeView> {
  const admin = clientOf(cluster).admin()
  await admin.connect()
  try {
    const ends = await admin.fetchTopicOffsets(topic)
    const committed = new Map<string, ReadonlyMap<number, bigint>>()
    for (const groupId of groups) {
      const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
      committed.set(groupId, byPartition(answer?.partitions ?? []))
    }
    return { ends: byPartition(ends), committed }
  } finally {
    await admin.disconnect()
  }
}

const byPartition = (list: readonly { partition: number; offset: string }[]) =>
  new Map(list.map(({ partition, offset }) => [partition, BigInt(offset)]))
