import { setTimeout as sleep } from 'node:timers/promises'
import { startClient, type Login, type Program, type RunningClient } from '../clients/index.ts'
import { createTopics, until, type Cluster } from '../kafka/index.ts'
import { judge, type Judgement } from './verdict.ts'

/** One producer and two consumers of one group, all of one kind of client. */
export interface Lane {
  /** Names its topic and its group; unlike any other on the cluster. */
  readonly name: string
  readonly program: Program
  readonly bootstrap: string
  readonly login?: Login
  /** Addresses that its clients may not learn, as `host:port`. */
  readonly hidden?: readonly string[]
}

export interface Traffic {
  readonly cluster: Cluster
  readonly lanes: readonly Lane[]
  /** Records per second and lane. */
  readonly rate: number
  /** What happens meanwhile; the producers go on for a second after it. */
  readonly during: () => Promise<void>
}

const partitions = 6
const joinTimeoutMs = 60_000
const drainTimeoutMs = 60_000
/** More than any cell produces: the producers end when they are told to. */
const endless = 1_000_000

/** Runs all lanes at the same time over the same events, and judges each. In the order of the lanes. */
export async function runTraffic(traffic: Traffic): Promise<Judgement[]> {
  const { cluster, lanes, rate, during } = traffic
  await createTopics(
    cluster,
    lanes.map((lane) => lane.name),
    { partitions },
  )
  const start = (lane: Lane, role: 'produce' | 'consume', id: string): RunningClient =>
    startClient(
      lane.program,
      {
        role,
        id: `${lane.name}-${id}`,
        bootstrap: lane.bootstrap,
        topic: lane.name,
        group: lane.name,
        records: role === 'produce' ? endless : 0,
        rate,
        ...(lane.login === undefined ? {} : { login: lane.login }),
      },
      cluster.version,
    )
  const consumers = lanes.map((lane) => ['c1', 'c2'].map((id) => start(lane, 'consume', id)))
  await until(() => consumers.flat().every(hasJoined), joinTimeoutMs)
  const producers = lanes.map((lane) => start(lane, 'produce', 'p'))
  await until(() => producers.every((p) => p.acked.length > 0), joinTimeoutMs)
  await during()
  await sleep(1_000)
  await Promise.all(producers.map((p) => p.stop()))
  await until(() => producers.every((p, i) => isDrained(p, consumers[i] ?? [])), drainTimeoutMs)
  await Promise.all(consumers.flat().map((c) => c.stop()))
  return producers.map((producer, i) =>
    judge({
      producer: producer.events,
      consumers: (consumers[i] ?? []).map((consumer) => consumer.events),
      hidden: lanes[i]?.hidden ?? [],
    }),
  )
}

const hasJoined = (client: RunningClient) => client.events.some((e) => e.event === 'assigned')

function isDrained(producer: RunningClient, consumers: readonly RunningClient[]): boolean {
  const seen = new Set(consumers.flatMap((c) => c.consumed.map((r) => r.value)))
  return producer.acked.every((r) => seen.has(r.value))
}

/** Each broker in turn is stopped in its orderly way and started again. */
export async function rollingRestart(cluster: Cluster): Promise<void> {
  for (const index of cluster.brokers.keys()) {
    await cluster.stopBroker(index)
    await cluster.startBroker(index)
    await cluster.inSync()
  }
}
