import {
  brokers,
  brokersText,
  initialRebalanceDelayMs,
  interrupted,
  NotPlayed,
  partitions,
  topic,
  type StageCluster,
  type StageClusters,
  type StartClusters,
} from './clusters.ts'
import type { Output } from './display.ts'

/**
 * What starts real brokers, as far as the demo uses it. It belongs to the tests (`test/kafka`) and is not
 * shipped, so that it is known here by its shape only.
 */
export interface KafkaStarter {
  /** What this machine can start Kafka with, and the reasons for what it cannot. */
  availability(): Promise<{
    readonly jvm: boolean
    readonly docker: boolean
    readonly reasons: readonly string[]
  }>
  /** Resolves when all brokers know each other; leaves nothing behind where it rejects. */
  startCluster(options: KafkaClusterOptions): Promise<StageCluster>
  /** Resolves when every broker knows the leaders. @param cluster one that `startCluster` has started */
  createTopics(
    cluster: StageCluster,
    names: readonly string[],
    options: { readonly partitions: number },
  ): Promise<void>
}

export interface KafkaClusterOptions {
  readonly version: string
  readonly brokers: number
  /** Shown in messages. */
  readonly name: string
  /** Server properties. */
  readonly properties: Readonly<Record<string, string>>
}

export const kafkaVersions = { source: '3.9.1', target: '4.3.1' } as const
const versionsText = `${kafkaVersions.source} and ${kafkaVersions.target}`

/**
 * Real clusters for the stage.
 * @param load loads the module that is a `KafkaStarter`; called only when the demo begins
 */
export const kafkaClusters =
  (load: () => Promise<unknown>): StartClusters =>
  async ({ stderr, signal }) => {
    const kafka = await loadStarter(load)
    const { jvm, docker, reasons } = await kafka.availability()
    if (!jvm && !docker) throw new NotPlayed(3, nothingToRunText(reasons))
    const ended = announce(stderr, signal)
    try {
      return await startBoth(kafka)
    } catch (error) {
      // Then the failure may be Ctrl-C's own, which reaches the tools that are running.
      throw signal.aborted ? interrupted() : error
    } finally {
      ended()
    }
  }

/** Imports fail with this code where a file or a package is not there. */
const isMissing = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'

async function loadStarter(load: () => Promise<unknown>): Promise<KafkaStarter> {
  const loaded = await load().catch((error: unknown) => {
    throw isMissing(error) ? new NotPlayed(3, noCloneText(error)) : error
  })
  if (isStarter(loaded)) return loaded
  throw new TypeError('what starts real brokers has no availability, startCluster and createTopics')
}

const isStarter = (module: unknown): module is KafkaStarter =>
  typeof module === 'object' &&
  module !== null &&
  ['availability', 'startCluster', 'createTopics'].every(
    (name) => name in module && typeof Reflect.get(module, name) === 'function',
  )

const noCloneText = ({ message }: Error): string =>
  [
    'demo --kafka: what starts real brokers is not here. Nothing was done.',
    `  ${message.split('\n')[0]}`,
    'It belongs to the tests, which only a clone of the repository has, after `npm ci`. Next: run it there,',
    'or `kafka-cutover demo`, which plays the same on two embedded clusters, anywhere.',
  ].join('\n')

const nothingToRunText = (reasons: readonly string[]): string =>
  [
    `demo --kafka: no Kafka ${versionsText} can be started here. Nothing was done.`,
    ...reasons.map((reason) => `  ${reason}`),
    'Next: install Java 17 or later and Maven, or start a Docker engine, and try again; or `kafka-cutover demo`,',
    'which plays the same on two embedded clusters, anywhere.',
  ].join('\n')

/** It takes a quarter of a minute, and longer where Kafka is to be downloaded. @returns ends the line */
function announce(stderr: Output, signal: AbortSignal): () => void {
  if (!stderr.isTTY) return () => {}
  const start = performance.now()
  stderr.write(`starting two Kafka clusters, ${versionsText}, ${brokersText} ...`)
  const tell = (): void => stderr.write(' interrupted, they are stopped once they are up ...')
  signal.addEventListener('abort', tell)
  return () => {
    signal.removeEventListener('abort', tell)
    stderr.write(` ${Math.round((performance.now() - start) / 1_000)} s\n`)
  }
}

/** Side by side; the second is waited for also where the first has failed, so that it can be stopped. */
async function startBoth(kafka: KafkaStarter): Promise<StageClusters> {
  const delay = { 'group.initial.rebalance.delay.ms': String(initialRebalanceDelayMs) }
  const started = await Promise.allSettled([
    startOne(kafka, { version: kafkaVersions.source, brokers, name: 'source', properties: {} }),
    startOne(kafka, { version: kafkaVersions.target, brokers, name: 'target', properties: delay }),
  ])
  const [source, target] = started
  if (source.status === 'fulfilled' && target.status === 'fulfilled') {
    const text = `source Kafka ${kafkaVersions.source}, target Kafka ${kafkaVersions.target}, ${brokersText}`
    return { text, source: source.value, target: target.value }
  }
  const failures: string[] = []
  for (const each of started) {
    if (each.status === 'fulfilled') await each.value.stop()
    else failures.push(each.reason instanceof Error ? each.reason.message : String(each.reason))
  }
  throw new NotPlayed(
    1,
    ['demo --kafka: the clusters did not start, and are stopped.', ...failures].join('\n'),
  )
}

async function startOne(kafka: KafkaStarter, options: KafkaClusterOptions): Promise<StageCluster> {
  const cluster = await kafka.startCluster(options)
  try {
    await kafka.createTopics(cluster, [topic], { partitions })
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
