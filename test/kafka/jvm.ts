import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { kafkaClassPath } from './jars.ts'
import {
  endProcess,
  isRunning,
  run,
  spawnTied,
  type RunOptions,
  type RunResult,
} from './processes.ts'
import {
  formatProperties,
  usesKraft,
  zooKeeperServerProperties,
  type Properties,
} from './properties.ts'

/** One server process, which can be ended and started again over the same data. */
export interface ServerProcess {
  /** Launches it; that it serves is for the caller to find out. */
  launch(): Promise<void>
  isRunning(): Promise<boolean>
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Frees what outlives the process. */
  dispose(): Promise<void>
  logTail(): Promise<string>
}

/** Small and quick to start: these brokers live for seconds and hold kilobytes. */
const jvmFlags = (heap: string) => [
  `-Xmx${heap}`,
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dzookeeper.sasl.client=false',
  `-Dorg.slf4j.simpleLogger.defaultLogLevel=${process.env['KAFKA_CUTOVER_TEST_KAFKA_LOG'] ?? 'warn'}`,
]

/** Runs a class of the Kafka distribution of `version` to its end. */
export async function runJava(
  version: string,
  className: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const classPath = await kafkaClassPath(version)
  return run('java', [...jvmFlags('256m'), '-cp', classPath, className, ...args], {
    timeoutMs: 120_000,
    ...options,
  })
}

interface JvmServer {
  readonly version: string
  readonly directory: string
  readonly className: string
  readonly propertiesFile: string
  readonly heap: string
}

async function jvmServer(server: JvmServer): Promise<ServerProcess> {
  const classPath = await kafkaClassPath(server.version)
  const logFile = join(server.directory, 'log')
  let child: ChildProcess | undefined
  return {
    async launch() {
      const log = openSync(logFile, 'a')
      const { heap, className, propertiesFile } = server
      child = spawnTied('java', [...jvmFlags(heap), '-cp', classPath, className, propertiesFile], {
        stdio: ['ignore', log, log],
        // Ctrl-C at a terminal is for whoever plays with the cluster: it ends the brokers when it is done.
        detached: true,
      })
      closeSync(log)
      return Promise.resolve()
    },
    isRunning: () => Promise.resolve(child !== undefined && isRunning(child)),
    async end(signal) {
      if (child !== undefined) await endProcess(child, signal)
    },
    dispose: () => Promise.resolve(),
    logTail: () => Promise.resolve(readFileSync(logFile, 'utf8').slice(-4_000)),
  }
}

/** A broker in a JVM of its own; with KRaft its storage is formatted first. */
export async function jvmBroker(
  version: string,
  directory: string,
  properties: Properties,
  clusterId: string,
): Promise<ServerProcess> {
  mkdirSync(directory, { recursive: true })
  const propertiesFile = join(directory, 'server.properties')
  await writeFile(propertiesFile, formatProperties(properties))
  if (usesKraft(version)) {
    const formatted = await runJava(version, 'kafka.tools.StorageTool', [
      ...['format', '-t', clusterId, '-c', propertiesFile],
    ])
    if (formatted.code !== 0) {
      throw new Error(`storage of Kafka ${version}: ${formatted.stdout}${formatted.stderr}`)
    }
  }
  return jvmServer({ version, directory, className: 'kafka.Kafka', propertiesFile, heap: '384m' })
}

export async function jvmZooKeeper(
  version: string,
  directory: string,
  port: number,
): Promise<ServerProcess> {
  mkdirSync(directory, { recursive: true })
  const propertiesFile = join(directory, 'zookeeper.properties')
  await writeFile(
    propertiesFile,
    formatProperties(zooKeeperServerProperties(port, join(directory, 'data'))),
  )
  const className = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  return jvmServer({ version, directory, className, propertiesFile, heap: '128m' })
}
