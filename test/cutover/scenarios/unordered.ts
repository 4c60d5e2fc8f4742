/** Both clusters at once: reset policies, producers that know no sidecar, and plans of both kinds. */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assignmentsOf, clientNames, type ClientName } from '../../clients/index.ts'
import { createTopics } from '../../kafka/index.ts'
import { preload } from '../native.ts'
import { consume, notOnce, produce, send, timesOf } from './applications.ts'
import { assignedTo, everythingOnce, member, noErrors, readBy, valuesOf } from './members.ts'
import { middlePair, newPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, pause, statusOf, type Stage } from './stage.ts'

const sourcePartitions = 2
const targetPartitions = 3
const preloaded = 7
const growthMsMax = 10_000
const pairs = [middlePair, newPair]

export const unordered: readonly NamedScenario[] = [
  { name: 'unordered-latest', pairs, clients: clientNames, play: latest },
  { name: 'unordered-bypass', pairs, clients: [], play: bypass },
  ...(['java-4.3.1', 'librdkafka', 'franz-go', 'kafka-python'] as const).map((name) => ({
    name: `unordered-mixed-${name}`,
    pairs,
    clients: [name],
    play: (stage: Stage) => mixed(stage, name),
  })),
]

async function clustersWith(stage: Stage, topic: string): Promise<void> {
  await createTopics(stage.source, [topic], { partitions: sourcePartitions })
  await createTopics(stage.target, [topic], { partitions: targetPartitions })
  await preload(stage.target, topic, 0, preloaded)
}

const sidecarFor = (stage: Stage, topic: string) =>
  stage.sidecar({ topics: [topic], args: ['--mode', 'unordered'] })

/** Groups with policy `latest` that have never committed: they miss nothing that comes with the flip, and read nothing older. */
async function latest(stage: Stage): Promise<void> {
  const topic = `logs-${stage.unique}`
  await clustersWith(stage, topic)
  const sidecar = await sidecarFor(stage, topic)
  const { bootstrap } = sidecar
  const application = kafkaAt(bootstrap)
  for (const partition of [0, 1]) await send(application, topic, partition, [`older-${partition}`])
  const groups = clientNames.map((name) => ({
    name,
    client: member(stage, {
      ...{ name, bootstrap, topic, reset: 'latest', group: `${name}-${stage.unique}` },
    }),
  }))
  await stage.wait('the groups form', () => groups.every(({ client }) => assignedTo(client) > 0))
  await pause(3_000) // until each has looked where its partitions end
  await cutOver(stage, sidecar, 'spliced')
  const flippedAt = Date.now()
  const wanted: string[] = []
  const write = async (prefix: string): Promise<void> => {
    for (let partition = 0; partition < sourcePartitions + targetPartitions; partition++) {
      const values = Array.from({ length: 6 }, (_, i) => `${prefix}-${partition}-${i}`)
      await send(application, topic, partition, values)
      wanted.push(...values)
    }
  }
  // All five, before anybody has heard of three of them.
  await write('first')
  for (const { name, client } of groups) await everythingOnce(stage, name, [client], wanted)
  for (const { name, client } of groups) {
    const last = Math.max(...client.consumed.map(({ t }) => t)) - flippedAt
    stage.check(`${name}: within ${growthMsMax} ms`, last <= growthMsMax, last)
  }
  await cutOver(stage, sidecar)
  await write('later')
  for (const { name, client } of groups) {
    await everythingOnce(stage, `${name}, behind its move`, [client], wanted)
    const strange = client.consumed.filter(({ value }) => !wanted.includes(value))
    stage.check(`${name}: nothing older`, strange.length === 0, strange.slice(0, 3))
  }
}

/** A producer that knows no sidecar goes on at the source: what it writes is read, and said; at last it is carried. */
async function bypass(stage: Stage): Promise<void> {
  const topic = `logs-${stage.unique}`
  await clustersWith(stage, topic)
  const sidecar = await sidecarFor(stage, topic)
  const application = kafkaAt(sidecar.bootstrap)
  const group = `group-${stage.unique}`
  const members = [
    await consume(stage, application, group, [topic]),
    await consume(stage, application, group, [topic]),
  ]
  const seen = () => members.flatMap((each) => each.seen)
  const stream = produce(stage, application, topic, {
    ...{ id: 'app', partitions: sourcePartitions, everyMs: 20 },
  })
  const direct = kafkaAt(stage.source.internalServers, 'bypass')
  // Of the two partitions it writes to the second one only.
  const past: string[] = []
  let isBypassing = true
  const bypassing = (async () => {
    for (let i = 0; isBypassing; i++) {
      await send(direct, topic, 1, [`past-${i}`])
      past.push(`past-${i}`)
      await pause(100)
    }
  })()
  await stage.wait('records flow', () => seen().length > 60)
  await cutOver(stage, sidecar, 'spliced')
  const said = new RegExp(`still written to, and therefore still needed: ${topic}-1 \\(.+/s\\);`)
  let waitingFor: readonly string[] = []
  const isSaid = async (): Promise<boolean> => {
    ;({ waitingFor } = await statusOf(sidecar))
    return waitingFor.some((sentence) => said.test(sentence))
  }
  await stage.wait('status says that the source is still written to, and where', isSaid, {
    timeoutMs: 15_000,
    seen: () => waitingFor,
  })
  const status = await statusOf(sidecar)
  const rates = status.topics[0]?.partitions.map(({ sourceWriteRate }) => sourceWriteRate) ?? []
  stage.check('and at what rate', (rates[1] ?? 0) > 1 && (rates[0] ?? 0) < 1, rates)
  await pause(15_000) // longer than a partition must be quiet
  const { phase } = await statusOf(sidecar)
  stage.check('as long as it is, the source is needed', phase === 'spliced', phase)
  const unread = past.slice(0, -30).filter((value) => !timesOf(seen()).has(value))
  stage.check('and is read', unread.length === 0, unread.slice(0, 5))
  isBypassing = false
  await bypassing
  await cutOver(stage, sidecar)
  const late = ['late-0', 'late-1', 'late-2']
  await send(direct, topic, 0, late.slice(0, 2))
  await send(direct, topic, 1, late.slice(2))
  const isCarried = () => late.every((value) => timesOf(seen()).has(value))
  await stage.wait('what comes when the group has moved is carried', isCarried)
  await stream.stop()
  const wanted = [...stream.acked.keys(), ...past, ...late]
  await stage.wait('everything comes', () => wanted.every((value) => timesOf(seen()).has(value)), {
    timeoutMs: 30_000,
    seen: () => notOnce(wanted, seen()).slice(0, 5),
  })
  const wrong = notOnce(wanted, seen())
  stage.check('each once', wrong.length === 0, wrong.slice(0, 5))
  const strange = seen().filter(({ value }) => value.startsWith('old-'))
  stage.check('nothing older', strange.length === 0, strange.slice(0, 3))
  const errors = [stream, ...members].flatMap((each) => each.errors)
  stage.check('no error', errors.length === 0, errors.slice(0, 3))
}

/** A plan of both kinds, and groups that read a topic of each. */
async function mixed(stage: Stage, name: ClientName): Promise<void> {
  const [orders, logs] = [`orders-${stage.unique}`, `logs-${stage.unique}`]
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [orders], { partitions: sourcePartitions })
  await clustersWith(stage, logs)
  const file = join(tmpdir(), `kafka-cutover-plan-${stage.unique}.yaml`)
  const rows = [{ source: orders }, { source: logs, mode: 'unordered' }]
  await writeFile(file, JSON.stringify({ cutover: { topics: rows } }))
  const sidecar = await stage.sidecar({ args: ['--config', file] })
  const { bootstrap } = sidecar
  const groups = assignmentsOf(name, stage.source.version).map((assignment) => ({
    name: assignment,
    members: [1, 2].map((i) =>
      member(stage, {
        ...{ name, bootstrap, assignment, topic: `${orders},${logs}`, suffix: `-${i}` },
        group: `${assignment}-${stage.unique}`,
      }),
    ),
  }))
  await stage.wait('the groups form', () =>
    groups.every(({ members }) => members.every((client) => assignedTo(client) > 0)),
  )
  const producers = [orders, logs].map((topic) =>
    stage.client(name, {
      ...{ role: 'produce', bootstrap, topic, records: 1_000_000, rate: 60 },
      id: topic === orders ? 'order' : 'log',
    }),
  )
  await stage.wait('records flow', () => groups.every(({ members }) => readBy(members).length > 50))
  await pause(3_000) // cooperative groups may take two rebalances to form
  await cutOver(stage, sidecar)
  await pause(3_000)
  for (const producer of producers) await producer.stop()
  for (const { name: group, members } of groups) {
    await everythingOnce(stage, group, members, valuesOf(producers))
    const disorder = disorderOf(readBy(members).filter(({ value }) => value.startsWith('order-')))
    stage.check(`${group}: orders come in order`, disorder.length === 0, disorder.slice(0, 3))
    const grown = readBy(members).some(({ partition }) => partition >= sourcePartitions)
    stage.check(`${group}: both clusters were read at once`, grown)
  }
  noErrors(stage, 'producers', producers)
  const modes = (await statusOf(sidecar)).topics.map(({ source, mode }) => `${source} ${mode}`)
  const expected = [`${orders} ordered`, `${logs} unordered`]
  stage.check('the status says which is which', modes.toSorted().join() === expected.toSorted().join(), modes) // prettier-ignore
}

/** Values of which a later one of the same partition came before. */
function disorderOf(
  records: readonly { readonly t: number; readonly partition: number; readonly value: string }[],
): readonly string[] {
  const last = new Map<number, number>()
  return records
    .toSorted((a, b) => a.t - b.t)
    .flatMap(({ partition, value }) => {
      const sequence = Number(value.slice(value.lastIndexOf('-') + 1))
      const before = last.get(partition) ?? -1
      last.set(partition, Math.max(before, sequence))
      return sequence < before ? [`${value} behind ${before}`] : []
    })
}
