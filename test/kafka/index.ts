/** Real Apache Kafka for tests: in containers where there are images, else in JVMs of our own. */
export { availability, hasImage, requireKafka } from './availability.ts'
export { startCluster, type Broker, type Cluster, type ClusterOptions } from './cluster.ts'
export { atLeast, cacheDir, fetchJars, kafkaClassPath } from './jars.ts'
export { runJava } from './jvm.ts'
export { fetchMetadata, type Metadata } from './metadata.ts'
export { freePortRow, freePorts, isOpen, until } from './ports.ts'
export {
  endProcess,
  exitOf,
  isRunning,
  run,
  spawnTied,
  type RunOptions,
  type RunResult,
} from './processes.ts'
export type { Properties } from './properties.ts'
export type { Certificate, Security } from './security.ts'
export { createTopics, type TopicOptions } from './topics.ts'
