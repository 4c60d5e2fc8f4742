import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  endProcess,
  fetchMetadata,
  freePorts,
  isRunning,
  kafkaClassPath,
  run,
  runJava,
  spawnTied,
  until,
  type RunResult,
} from '../test/kafka/index.ts'
import { pinned, type Cores } from './cores.ts'

/** The proxies that do not speak Kafka, which the broker must do something for. */
export const peerNames = ['haproxy', 'bare'] as const
export type PeerName = (typeof peerNames)[number]

/** Where a proxy listens, and the listener of the broker that advertises this. */
export interface Proxied {
  readonly listenPort: number
  readonly brokerPort: number
}

/**
 * One real broker with a listener more for each proxy that does not speak Kafka: what it advertises there is
 * the proxy's address. `startCluster` of the tests has no such listener, and its brokers are made
 * small and quick to start; this one may compile its hot code.
 */
export interface Broker {
  readonly version: string
  readonly pid: number
  /** Advertises itself. */
  readonly port: number
  readonly proxied: Readonly<Record<PeerName, Proxied>>
  /** Runs one of Kafka's own tools on the cores of the load. */
  tool(className: string, args: readonly string[]): Promise<RunResult>
  stop(): Promise<void>
}

const startTimeoutMs = 60_000
const toolTimeoutMs = 300_000
const heap = { broker: '1g', tool: '512m' }

export async function startBroker(version: string, cores: Cores | undefined): Promise<Broker> {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-'))
  const [port = 0, controllerPort = 0, ...ports] = await freePorts(2 + 2 * peerNames.length)
  const proxied = Object.fromEntries(
    peerNames.map((name, i) => [
      name,
      { listenPort: ports[2 * i] ?? 0, brokerPort: ports[2 * i + 1] ?? 0 },
    ]),
  ) as Record<PeerName, Proxied>
  const listeners = [
    { listener: 'DIRECT', bound: port, advertised: port },
    ...peerNames.map((name) => {
      const { brokerPort: bound, listenPort: advertised } = proxied[name]
      return { listener: name.toUpperCase(), bound, advertised }
    }),
  ]
  const list = (text: (of: (typeof listeners)[number]) => string): string =>
    listeners.map(text).join(',')
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `${list((of) => `${of.listener}://127.0.0.1:${of.bound}`)},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': list((of) => `${of.listener}://127.0.0.1:${of.advertised}`),
    'listener.security.protocol.map': `${list((of) => `${of.listener}:PLAINTEXT`)},CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'DIRECT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': join(directory, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // So that a topic that was deleted, or has outgrown its retention, frees the disk at once.
    'log.retention.check.interval.ms': '1000',
    'log.segment.delete.delay.ms': '1000',
  }
  const propertiesFile = join(directory, 'server.properties')
  await mkdir(join(directory, 'data'))
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  await writeFile(propertiesFile, lines.join(''))
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`
  const format = ['format', '-t', clusterId, '-c', propertiesFile]
  const formatted = await runJava(version, 'kafka.tools.StorageTool', format)
  if (formatted.code !== 0) throw new Error(formatted.stdout + formatted.stderr)

  const classPath = await kafkaClassPath(version)
  const java = (size: string, className: string, args: readonly string[]) => {
    const flags = [`-Xmx${size}`, `-Xms${size}`, '-XX:+UseSerialGC', '-cp', classPath]
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
    return pinned(cores?.load, ['java', ...flags, quiet, className, ...args])
  }
  const logFile = join(directory, 'log')
  const log = openSync(logFile, 'a')
  const [command = '', ...args] = java(heap.broker, 'kafka.Kafka', [propertiesFile])
  const child = spawnTied(command, args, { stdio: ['ignore', log, log] })
  const stop = async () => {
    await endProcess(child, 'SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }
  const answers = async () => (await fetchMetadata('127.0.0.1', port))?.brokers.length === 1
  const started = await until(async () => !isRunning(child) || (await answers()), startTimeoutMs)
  if (!started || !isRunning(child)) {
    const tail = (await readFile(logFile, 'utf8')).slice(-4_000)
    await stop()
    throw new Error(`Kafka ${version} does not start: ${tail}`)
  }
  return {
    version,
    pid: child.pid ?? 0,
    port,
    proxied,
    async tool(className, toolArgs) {
      const [toolCommand = '', ...rest] = java(heap.tool, className, toolArgs)
      const result = await run(toolCommand, rest, { timeoutMs: toolTimeoutMs })
      if (result.code !== 0) {
        throw new Error(
          `${className}: ${result.stdout.slice(-2_000)}${result.stderr.slice(-2_000)}`,
        )
      }
      return result
    },
    stop,
  }
}
