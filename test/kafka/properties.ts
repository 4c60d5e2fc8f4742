import { atLeast } from './jars.ts'

export type Properties = Readonly<Record<string, string>>

export interface BrokerPlan {
  readonly version: string
  readonly nodeId: number
  readonly brokerCount: number
  /** The host that the client listener binds, and the one that clients are told. */
  readonly host: string
  readonly advertisedHost: string
  readonly clientPort: number
  /** Plaintext, on 127.0.0.1: for the brokers among themselves, and for the test's own questions. */
  readonly internalPort: number
  /** KRaft: of each controller, the brokers from 1 on; below KRaft: of ZooKeeper alone. */
  readonly controllerPorts: readonly number[]
  readonly clientProtocol: string
  readonly dataDirectory: string
  readonly extra: Properties
}

/** With three brokers each is also a controller, so that any one of them may be killed. */
export const controllerCount = (brokerCount: number) => (brokerCount < 3 ? 1 : 3)

/** KRaft is complete enough for these tests from 3.3 on; below it, ZooKeeper. */
export const usesKraft = (version: string) => atLeast(version, '3.3')

/** After `kill -9` a broker is refused until its old session has expired; the defaults are 9 and 18 s. */
const sessionTimeoutMs = '2000'

export function brokerProperties(plan: BrokerPlan): Record<string, string> {
  const replicas = String(Math.min(plan.brokerCount, 3))
  const client = `CLIENT://${plan.host}:${plan.clientPort}`
  const internal = `INTERNAL://127.0.0.1:${plan.internalPort}`
  const controllerPort = usesKraft(plan.version) ? plan.controllerPorts[plan.nodeId - 1] : undefined
  const isController = controllerPort !== undefined
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`
  const protocolMap = [
    `CLIENT:${plan.clientProtocol}`,
    'INTERNAL:PLAINTEXT',
    ...(usesKraft(plan.version) ? ['CONTROLLER:PLAINTEXT'] : []),
  ]
  return {
    listeners: [client, internal, ...(isController ? [controller] : [])].join(','),
    'advertised.listeners': [`CLIENT://${plan.advertisedHost}:${plan.clientPort}`, internal].join(
      ',',
    ),
    'listener.security.protocol.map': protocolMap.join(','),
    'inter.broker.listener.name': 'INTERNAL',
    ...(usesKraft(plan.version) ? kraftProperties(plan, isController) : zooKeeperProperties(plan)),
    'log.dirs': plan.dataDirectory,
    'num.partitions': '3',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '8',
    ...(atLeast(plan.version, '4.0')
      ? {
          'share.coordinator.state.topic.replication.factor': replicas,
          'share.coordinator.state.topic.min.isr': '1',
        }
      : {}),
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...plan.extra,
  }
}

function kraftProperties(plan: BrokerPlan, isController: boolean): Properties {
  return {
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': String(plan.nodeId),
    'controller.quorum.voters': plan.controllerPorts
      .map((port, i) => `${i + 1}@127.0.0.1:${port}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'broker.session.timeout.ms': sessionTimeoutMs,
    'broker.heartbeat.interval.ms': '500',
  }
}

function zooKeeperProperties(plan: BrokerPlan): Properties {
  return {
    'broker.id': String(plan.nodeId),
    'zookeeper.connect': `127.0.0.1:${plan.controllerPorts[0]}`,
    'zookeeper.session.timeout.ms': sessionTimeoutMs,
  }
}

export function zooKeeperServerProperties(port: number, dataDirectory: string): Properties {
  return {
    dataDir: dataDirectory,
    clientPort: String(port),
    clientPortAddress: '127.0.0.1',
    'admin.enableServer': 'false',
    maxClientCnxns: '0',
    tickTime: '500', // the shortest session is two ticks
  }
}

/** A Java properties file. */
export function formatProperties(properties: Properties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}

/** The same as the environment variables of the image `apache/kafka`. */
export function asEnvironment(properties: Properties): Record<string, string> {
  const name = (key: string) =>
    `KAFKA_${key.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [name(key), value]))
}
