import {
  assignmentsOf,
  clients,
  startClient,
  type Assignment,
  type Program,
  type RunningClient,
} from '../clients/index.ts'
import { atLeast, until } from '../kafka/index.ts'
import type { GroupHistory, ProducerHistory } from './history.ts'

export interface LoadOptions {
  readonly program: Program
  readonly bootstrap: string
  /** The topic, and the beginning of the names of the groups. */
  readonly topic: string
  /** Records per second of each producer. */
  readonly rate: number
  /** The versions of the clusters that the clients will meet. */
  readonly versions: readonly string[]
  /** Of the producer that is not idempotent. With 1 Kafka itself may lose what a former leader acknowledged. */
  readonly plainAcks: '1' | 'all'
}

/** Applications of one kind of client at work on one topic. */
export interface Load {
  /** Names of the groups. */
  readonly groups: readonly string[]
  /** How many records each producer has got acknowledged. */
  progress(): readonly number[]
  stopProducers(): Promise<void>
  /** @returns whether every group has got every acknowledged record in time */
  drain(timeoutMs: number): Promise<boolean>
  stopConsumers(): Promise<void>
  histories(): { readonly producers: ProducerHistory[]; readonly groups: GroupHistory[] }
  /** Ends everything at once; harmless after the orderly end. */
  kill(): Promise<void>
}

const startTimeoutMs = 60_000
/** As many records as nobody writes in a test. */
export const endless = 1_000_000

/**
 * Two producers, one idempotent and one not, and a group of two members for each way to share partitions
 * that the client knows. Resolves when every producer has been acknowledged something, and every group
 * has got something.
 */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { program, bootstrap, topic, rate, versions } = options
  const [first = '', ...others] = versions
  // A client that must be told a version is told one that both clusters know.
  const version = others.reduce((oldest, v) => (atLeast(v, oldest) ? oldest : v), first)
  const common = { bootstrap, topic }
  const producer = (id: string, acks: 'all' | '1', idempotence: boolean) =>
    startClient(
      program,
      { ...common, role: 'produce', id, records: endless, rate, acks, idempotence },
      version,
    )
  const member = (assignment: Assignment, i: number) => ({
    id: `${assignment}-${i}`,
    client: startClient(
      program,
      {
        ...{ ...common, role: 'consume', id: `${assignment}-${i}`, records: 0, assignment },
        group: groupOf(topic, assignment),
      },
      version,
    ),
  })
  const groups = assignmentsOf(program.client, version).map((assignment) => ({
    name: assignment,
    members: [1, 2].map((i) => member(assignment, i)),
  }))
  const consumers = groups.flatMap((group) => group.members.map(({ client }) => client))
  const producers: { id: string; idempotent: boolean; client: RunningClient }[] = []
  const load: Load = {
    groups: groups.map(({ name }) => groupOf(topic, name)),
    progress: () => producers.map(({ client }) => client.acked.length),
    async stopProducers() {
      await Promise.all(producers.map(({ client }) => client.stop()))
    },
    drain: (timeoutMs) =>
      until(() => {
        const acked = producers.flatMap(({ client }) => client.acked.map((r) => r.value))
        return groups.every((group) => {
          const seen = new Set(group.members.flatMap((m) => m.client.consumed.map((r) => r.value)))
          return acked.every((value) => seen.has(value))
        })
      }, timeoutMs),
    async stopConsumers() {
      await Promise.all(consumers.map((client) => client.stop()))
    },
    histories: () => ({
      producers: producers.map(({ client, ...rest }) => ({
        ...{ ...rest, events: client.events },
        redeals: clients[program.client].redeals === true,
      })),
      groups: groups.map(({ name, members }) => ({
        name,
        members: members.map(({ id, client }) => ({ id, events: client.events })),
      })),
    }),
    async kill() {
      const clients = [...consumers, ...producers.map(({ client }) => client)]
      await Promise.all(clients.map((client) => client.kill()))
    },
  }
  try {
    const joined = () => consumers.every((c) => c.events.some((e) => e.event === 'assigned'))
    await must('the groups did not form', () => joined(), consumers)
    producers.push(
      { id: 'once', idempotent: true, client: producer('once', 'all', true) },
      { id: 'plain', idempotent: false, client: producer('plain', options.plainAcks, false) },
    )
    const begun = () =>
      load.progress().every((acked) => acked > 0) &&
      groups.every(({ members }) => members.some(({ client }) => client.consumed.length > 0))
    await must('nothing flows', begun, [...producers.map((p) => p.client), ...consumers])
  } catch (err) {
    await load.kill()
    throw err
  }
  return load
}

const groupOf = (topic: string, assignment: string) => `${topic}-${assignment}`

async function must(
  trouble: string,
  condition: () => boolean,
  clients: readonly RunningClient[],
): Promise<void> {
  if (await until(condition, startTimeoutMs)) return
  const tails = clients.map((c) => `${c.workload.id}: ${JSON.stringify(c.events.slice(-3))}`)
  throw new Error([`${trouble} after ${startTimeoutMs} ms`, ...tails].join('\n'))
}
