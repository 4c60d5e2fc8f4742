import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { availability } from './availability.ts'
import { canUseContainers, containerBroker } from './container.ts'
import { jvmBroker, jvmZooKeeper, runJava, type ServerProcess } from './jvm.ts'
import { fetchMetadata, type Metadata } from './metadata.ts'
import { freePorts, isOpen, until } from './ports.ts'
import type { RunOptions, RunResult } from './processes.ts'
import {
  brokerProperties,
  controllerCount,
  formatProperties,
  usesKraft,
  type BrokerPlan,
  type Properties,
} from './properties.ts'
import {
  authorizerProperties,
  javaClientProperties,
  listenerProperties,
  makeCertificate,
  mechanisms,
  protocols,
  usesTls,
  type Certificate,
  type Security,
} from './security.ts'
import { createScramUsers } from './scram.ts'

export interface ClusterOptions {
  readonly version: string
  readonly brokers: number
  /** Shown in messages. */
  readonly name?: string
  /** Server properties on top of those that make a small, quick cluster. */
  readonly properties?: Properties
  /** What clients are told, and where the client listeners bind. */
  readonly host?: string
  /** What clients are told instead, where somebody stands between: the ports stay. */
  readonly advertisedHost?: string
  readonly security?: Security
  /** Name and password of each user. Default: `alice` and `admin`, with `NAME-secret`. */
  readonly users?: Readonly<Record<string, string>>
  /** Deny what no ACL allows, except to `admin` and on the internal listeners. */
  readonly authorizer?: boolean
  /** `connections.max.reauth.ms` of the client listener (KIP-368, from 2.2). */
  readonly reauthenticateMs?: number
}

export interface Broker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** A running cluster. Brokers are counted from 0 here; their node ids begin at 1. */
export interface Cluster {
  readonly name: string
  readonly version: string
  /** The client listeners, which ask for what `security` says. */
  readonly bootstrapServers: string
  /** Plaintext and without an authorizer: for what a test arranges or looks up. */
  readonly internalServers: string
  readonly brokers: readonly Broker[]
  readonly users: Readonly<Record<string, string>>
  readonly certificate: Certificate | undefined
  stopBroker(index: number): Promise<void>
  killBroker(index: number): Promise<void>
  /** Resolves when the broker is in the cluster's metadata again. */
  startBroker(index: number): Promise<void>
  /** As the first running broker sees it. */
  metadata(): Promise<Metadata>
  /** Resolves when every replica of every partition is in sync, as before the next step of a rolling restart. */
  inSync(): Promise<void>
  /** Runs a tool class of the same Kafka version. */
  tool(className: string, args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Writes the properties file with which a Java tool logs in at `bootstrapServers`. @returns its path */
  clientConfig(user?: string): Promise<string>
  stop(): Promise<void>
}

const startTimeoutMs = 60_000
const restartTries = 5
const defaultUsers: Readonly<Record<string, string>> = {
  alice: 'alice-secret',
  admin: 'admin-secret',
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-cluster-'))
  const processes: ServerProcess[] = []
  const discard = async () => {
    await Promise.all(processes.map((server) => server.end('SIGKILL')))
    await Promise.all(processes.map((server) => server.dispose()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    return await assemble(options, directory, processes, discard)
  } catch (err) {
    await discard()
    throw err
  }
}

async function planBrokers(
  options: ClusterOptions,
  directory: string,
  certificate: Certificate | undefined,
  users: Readonly<Record<string, string>>,
): Promise<BrokerPlan[]> {
  const { version, brokers, security = 'plaintext' } = options
  const host = options.host ?? '127.0.0.1'
  const [clientPorts, internalPorts, controllerPorts] = await Promise.all([
    freePorts(brokers, host),
    freePorts(brokers),
    freePorts(usesKraft(version) ? controllerCount(brokers) : 1),
  ])
  return clientPorts.map((clientPort, i) => ({
    version,
    nodeId: i + 1,
    brokerCount: brokers,
    host,
    advertisedHost: options.advertisedHost ?? host,
    clientPort,
    internalPort: internalPorts[i] ?? 0,
    controllerPorts,
    clientProtocol: protocols[security],
    dataDirectory: join(directory, String(i + 1), 'data'),
    extra: {
      ...listenerProperties(security, users, certificate),
      ...(options.authorizer === true ? authorizerProperties(version) : {}),
      ...(options.reauthenticateMs === undefined
        ? {}
        : { 'connections.max.reauth.ms': String(options.reauthenticateMs) }),
      ...options.properties,
    },
  }))
}

async function assemble(
  options: ClusterOptions,
  directory: string,
  processes: ServerProcess[],
  discard: () => Promise<void>,
): Promise<Cluster> {
  const { version, security = 'plaintext' } = options
  const users = options.users ?? defaultUsers
  const name = options.name ?? `kafka-${version}`
  const certificate = usesTls(security) ? await makeCertificate(directory) : undefined
  const plans = await planBrokers(options, directory, certificate, users)
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`
  const inContainers = certificate === undefined && (await canUseContainers(version))
  if (!inContainers && !(await availability()).jvm) {
    throw new Error(
      `Kafka ${version} cannot be started: ${(await availability()).reasons.join('; ')}`,
    )
  }

  if (!usesKraft(version)) {
    const port = plans[0]?.controllerPorts[0] ?? 0
    const zooKeeper = await jvmZooKeeper(version, join(directory, 'zookeeper'), port)
    processes.push(zooKeeper)
    await zooKeeper.launch()
    if (!(await until(() => isOpen(port), startTimeoutMs))) {
      throw new Error(`${name}: ZooKeeper does not start: ${await zooKeeper.logTail()}`)
    }
  }
  const servers = await Promise.all(
    plans.map(async (plan) =>
      inContainers
        ? containerBroker(version, brokerProperties(plan), clusterId)
        : await jvmBroker(
            version,
            join(directory, String(plan.nodeId)),
            brokerProperties(plan),
            clusterId,
          ),
    ),
  )
  processes.unshift(...servers)

  const server = (index: number): ServerProcess => {
    const found = servers[index]
    if (found === undefined) throw new Error(`${name} has no broker at index ${index}`)
    return found
  }
  const look = async (): Promise<Metadata | undefined> => {
    for (const [i, plan] of plans.entries()) {
      if (!(await server(i).isRunning())) continue
      const metadata = await fetchMetadata('127.0.0.1', plan.internalPort)
      if (metadata !== undefined && metadata.brokers.length > 0) return metadata
    }
    return undefined
  }
  const isRegistered = async (index: number): Promise<boolean> => {
    const plan = plans[index]
    if (plan === undefined || !(await isOpen(plan.internalPort))) return false
    // It must know all the others itself, and one of the others must know it.
    const own = await fetchMetadata('127.0.0.1', plan.internalPort)
    const others = await look()
    return [own, others].every((m) => m?.brokers.some((b) => b.nodeId === plan.nodeId))
  }

  await Promise.all(servers.map((s) => s.launch()))
  const started = await until(async () => {
    for (const s of servers) if (!(await s.isRunning())) return false
    const views = await Promise.all(plans.map((p) => fetchMetadata('127.0.0.1', p.internalPort)))
    return views.every((view) => view?.brokers.length === plans.length)
  }, startTimeoutMs)
  if (!started) {
    const logs = await Promise.all(servers.map((s) => s.logTail()))
    throw new Error(`${name} does not start: ${logs.join('\n----\n')}`)
  }

  const tool = (className: string, args: readonly string[], runOptions?: RunOptions) =>
    runJava(version, className, args, runOptions)
  const internalServers = plans.map((p) => `127.0.0.1:${p.internalPort}`).join(',')
  const scramMechanisms = mechanisms[security].filter((m) => m.startsWith('SCRAM'))
  if (scramMechanisms.length > 0) {
    const zooKeeper = usesKraft(version) ? undefined : `127.0.0.1:${plans[0]?.controllerPorts[0]}`
    await createScramUsers(tool, scramMechanisms, users, internalServers, zooKeeper)
  }

  return {
    name,
    version,
    bootstrapServers: plans.map((p) => `${p.advertisedHost}:${p.clientPort}`).join(','),
    internalServers,
    brokers: plans.map((p) => ({ nodeId: p.nodeId, host: p.advertisedHost, port: p.clientPort })),
    users,
    certificate,
    stopBroker: (index) => server(index).end('SIGTERM'),
    killBroker: (index) => server(index).end('SIGKILL'),
    async startBroker(index) {
      // One that was killed gives up where its old session still lives: try until it is let in.
      for (let attempt = 0; attempt < restartTries; attempt++) {
        if (!(await server(index).isRunning())) await server(index).launch()
        const came = await until(
          async () => !(await server(index).isRunning()) || (await isRegistered(index)),
          startTimeoutMs,
        )
        // An old version opens its port, and is even seen, before it finds that session and ends.
        if (came) await sleep(1_500)
        if (await server(index).isRunning()) return
        await sleep(1_000)
      }
      throw new Error(`${name}: broker ${index} does not start: ${await server(index).logTail()}`)
    },
    async metadata() {
      const metadata = await look()
      if (metadata === undefined) throw new Error(`${name}: no broker answers`)
      return metadata
    },
    async inSync() {
      const done = await until(async () => {
        const metadata = await look()
        return metadata?.partitions.every((p) => p.isr.length === p.replicas.length) === true
      }, startTimeoutMs)
      if (!done) throw new Error(`${name}: replicas are not in sync after ${startTimeoutMs} ms`)
    },
    tool,
    async clientConfig(user = 'admin') {
      const file = join(directory, `client-${user}.properties`)
      const secret = users[user] ?? ''
      await writeFile(
        file,
        formatProperties(javaClientProperties(security, user, secret, certificate)),
      )
      return file
    },
    stop: discard,
  }
}
