import { Kafka, logLevel } from 'kafkajs'
import type { Cluster } from './cluster.ts'
import { fetchMetadata } from './metadata.ts'
import { until } from './ports.ts'

export interface TopicOptions {
  readonly partitions: number
  /** Default: one on each broker, at most 3. */
  readonly replicas?: number
  /** The replicas of each partition, by node id, instead of what the cluster would choose. */
  readonly assignment?: readonly (readonly number[])[]
  readonly config?: Readonly<Record<string, string>>
}

const knownTimeoutMs = 30_000

/** Creates topics. Resolves when every running broker knows a leader of every partition. */
export async function createTopics(
  cluster: Cluster,
  names: readonly string[],
  options: TopicOptions,
): Promise<void> {
  const servers = cluster.internalServers.split(',')
  const admin = new Kafka({ brokers: servers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({
      name,
      value,
    }))
    const layout =
      options.assignment === undefined
        ? {
            numPartitions: options.partitions,
            replicationFactor: options.replicas ?? Math.min(cluster.brokers.length, 3),
          }
        : {
            replicaAssignment: options.assignment.map((replicas, partition) => ({
              partition,
              replicas: [...replicas],
            })),
          }
    await admin.createTopics({
      topics: names.map((topic) => ({ topic, ...layout, configEntries })),
      // It asks one broker, and fails where another is behind.
      waitForLeaders: false,
    })
  } finally {
    await admin.disconnect()
  }
  const known = await until(async () => {
    for (const server of servers) {
      const [host = '', port] = server.split(':')
      const metadata = await fetchMetadata(host, Number(port))
      const led = metadata?.partitions.filter((p) => p.leader >= 0 && names.includes(p.topic))
      if (led !== undefined && led.length < names.length * options.partitions) return false
    }
    return true
  }, knownTimeoutMs)
  if (!known) throw new Error(`${cluster.name}: ${names.join(', ')} not known everywhere`)
}
