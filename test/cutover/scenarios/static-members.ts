/** Members that keep their place in a group while they restart (KIP-345), eager and cooperative. */
import type { Assignment, ClientName, RunningClient } from '../../clients/index.ts'
import { createTopics } from '../../kafka/index.ts'
import { notOnce } from './applications.ts'
import { backwardPair, middlePair, newPair, type NamedScenario } from './scenario.ts'
import { cutOver, pause, type Stage } from './stage.ts'

const clients = ['java-4.3.1', 'librdkafka'] as const
const partitions = 4
const restMs = 3_000

export const staticMembers: readonly NamedScenario[] = [
  { name: 'static-members', pairs: [middlePair, newPair, backwardPair], clients, play },
]

interface StaticGroup {
  readonly name: string
  readonly members: RunningClient[]
  readonly restart: (i: number) => RunningClient
}

async function play(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const { bootstrap } = sidecar
  const member = (name: ClientName, assignment: Assignment, i: number, incarnation: number) =>
    stage.client(name, {
      ...{ role: 'consume', bootstrap, topic, assignment, records: 0 },
      ...{ id: `${name}-${assignment}-${i}-${incarnation}`, instance: `instance-${i}` },
      group: `${name}-${assignment}-${stage.unique}`,
    })
  const groups = clients.flatMap((name) =>
    (['eager', 'cooperative'] as const).map((assignment): StaticGroup => ({
      name: `${name} ${assignment}`,
      members: [1, 2].map((i) => member(name, assignment, i, 1)),
      restart: (i) => member(name, assignment, i, 2),
    })),
  )
  const all = () => groups.flatMap(({ members }) => members)
  const assigned = (client: RunningClient) =>
    client.events.filter(({ event }) => event === 'assigned').length
  await stage.wait('the groups form', () => all().every((client) => assigned(client) > 0))
  const producer = stage.client('java-4.3.1', {
    ...{ role: 'produce', bootstrap, topic, id: 'app', records: 1_000_000, rate: 60 },
  })
  await stage.wait('records flow', () => all().every((client) => client.consumed.length > 20))
  await pause(restMs) // cooperative groups may take two rebalances to form
  const before = all().map(assigned)
  await cutOver(stage, sidecar)
  await pause(restMs)
  for (const [i, client] of all().entries()) {
    const times = assigned(client) - (before[i] ?? 0)
    stage.check(`${client.workload.id}: one rebalance at most`, times <= 1, times)
    const lost = client.events.some(({ event }) => event === 'lost')
    stage.check(`${client.workload.id}: no partition is lost`, !lost)
  }
  // A member that dies and returns takes its place again, and the other notices nothing.
  const settled = groups.map(({ members }) => members.map(assigned))
  for (const [at, { name, members, restart }] of groups.entries()) {
    await members[0]?.kill()
    const again = restart(1)
    members.push(again)
    await stage.wait(
      `${name}: a static member returns to its place`,
      () => again.consumed.length > 0,
      {
        timeoutMs: 30_000,
      },
    )
    const other = members[1]
    const times = other === undefined ? -1 : assigned(other) - (settled[at]?.[1] ?? 0)
    stage.check(`${name}: and the other member notices nothing`, times === 0, times)
  }
  await producer.stop()
  const values = producer.acked.map(({ value }) => value)
  for (const { name, members } of groups) {
    const seen = () => members.flatMap(({ consumed }) => consumed)
    const complete = () => {
      const came = new Set(seen().map(({ value }) => value))
      return values.every((value) => came.has(value))
    }
    await stage.wait(`${name}: everything comes`, complete, {
      timeoutMs: 30_000,
      seen: () => notOnce(values, seen()).slice(0, 5),
    })
    // What the killed member had not committed comes again, to its second incarnation; nothing else does.
    const [first, other, again] = members
    const once = notOnceBut(new Set((again?.consumed ?? []).map(({ value }) => value)), [
      ...(first?.consumed ?? []),
      ...(other?.consumed ?? []),
    ])
    stage.check(`${name}: nothing comes twice`, once.length === 0, once.slice(0, 5))
    const errors = members.flatMap(({ events }) => events.filter(({ event }) => event === 'error'))
    stage.check(`${name}: no error`, errors.length === 0, errors.slice(0, 3))
  }
}

/** Values that occur more than once, of those that are not in `but`. */
function notOnceBut(but: ReadonlySet<string>, records: readonly { readonly value: string }[]) {
  const values = new Set(records.map(({ value }) => value).filter((value) => !but.has(value)))
  return notOnce(values, records)
}
