/** Idempotent producers whose acknowledgement is lost around the splice: written once, and answered. */
import type { RunningSidecar } from '../../acceptance/sidecar.ts'
import type { ClientName, RunningClient } from '../../clients/index.ts'
import { createTopics } from '../../kafka/index.ts'
import { notOnce, readAll, timesOf } from './applications.ts'
import { openGate, type Gate } from './gate.ts'
import { everyPair, type NamedScenario } from './scenario.ts'
import { cutOver, post, statusOf, type Stage } from './stage.ts'

/** The brokers of the source are told to be here: the gate is, and they are at 127.0.0.1. */
export const sourceGateHost = '127.0.0.9'
const sidecarHost = '127.0.0.10'
const clientGateHost = '127.0.0.11'
const clients = ['java-4.3.1', 'librdkafka', 'franz-go', 'kafkajs'] as const
const partitions = 2
const rate = 40

export const gatedSource = { advertisedHost: sourceGateHost }

export const lostAcks: readonly NamedScenario[] = [
  { name: 'lost-acks-upstream', pairs: everyPair, clients, source: gatedSource, play: upstream },
  { name: 'lost-acks-downstream', pairs: everyPair, clients, play: downstream },
  { name: 'lost-acks-killed', pairs: everyPair, clients, source: gatedSource, play: killed },
]

/** The gate at which the source's brokers are found. */
export async function gateSource(stage: Stage): Promise<Gate> {
  const ports = stage.source.brokers.map(({ port }) => port)
  const gate = await openGate({ host: sourceGateHost, ports, towards: '127.0.0.1' })
  stage.atEnd(() => gate.close())
  return gate
}

/** A sidecar, and a gate before it that its clients go through. */
async function gateSidecar(
  stage: Stage,
  topic: string,
): Promise<{ sidecar: RunningSidecar; gate: Gate }> {
  const hosts = { host: sidecarHost, advertise: clientGateHost }
  const sidecar = await stage.sidecar({ topics: [topic], ...hosts })
  const slots = Math.max(stage.source.brokers.length, stage.target.brokers.length) + 1
  const ports = Array.from({ length: slots }, (_, i) => sidecar.port + i)
  const gate = await openGate({ host: clientGateHost, ports, towards: sidecarHost })
  stage.atEnd(() => gate.close())
  return { sidecar, gate }
}

async function begin(stage: Stage, bootstrap: string, topic: string): Promise<RunningClient[]> {
  const producers = clients.map((name: ClientName) =>
    stage.client(name, {
      ...{ role: 'produce', bootstrap, topic, id: name, records: 1_000_000, rate },
      ...{ acks: 'all', idempotence: true },
    }),
  )
  await stage.wait(
    'every client is acknowledged',
    () => producers.every((p) => p.acked.length > 20),
    {
      seen: () => producers.map((p) => `${p.workload.id} ${p.acked.length}`),
    },
  )
  return producers
}

async function topicOn(stage: Stage): Promise<string> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  return topic
}

/** The source's answers are lost before and in the fence: their retries alone may pass it. */
async function upstream(stage: Stage): Promise<void> {
  const topic = await topicOn(stage)
  const gate = await gateSource(stage)
  const sidecar = await stage.sidecar({ topics: [topic] })
  const producers = await begin(stage, sidecar.bootstrap, topic)
  gate.lose(2 * clients.length)
  await post(sidecar, 'cutover')
  await stage.wait('answers of the source are lost', () => gate.lost >= clients.length)
  await cutOver(stage, sidecar)
  await finish(stage, sidecar, topic, producers)
}

/** The sidecar's answers are lost, and nobody can ask again before the splice. */
async function downstream(stage: Stage): Promise<void> {
  const topic = await topicOn(stage)
  const { sidecar, gate } = await gateSidecar(stage, topic)
  const producers = await begin(stage, sidecar.bootstrap, topic)
  gate.shut({ withLoss: true })
  await stage.wait('every client has lost an answer', () => gate.lost >= clients.length, {
    seen: () => gate.lost,
  })
  gate.shut()
  await cutOver(stage, sidecar)
  await reopen(stage, sidecar, gate, topic, producers)
}

/** The source has written it, and the sidecar dies before it has heard of it. */
async function killed(stage: Stage): Promise<void> {
  const topic = await topicOn(stage)
  const sourceGate = await gateSource(stage)
  const { sidecar, gate } = await gateSidecar(stage, topic)
  const producers = await begin(stage, sidecar.bootstrap, topic)
  sourceGate.keep()
  await stage.wait(
    'the source has answered every client',
    () => sourceGate.kept >= clients.length,
    {
      seen: () => sourceGate.kept,
    },
  )
  gate.shut()
  await sidecar.kill()
  sourceGate.shut()
  sourceGate.pass()
  await sidecar.restart()
  await cutOver(stage, sidecar)
  await reopen(stage, sidecar, gate, topic, producers)
}

/** Who comes back behind the splice is answered what the source has written, where it stands. */
async function reopen(
  stage: Stage,
  sidecar: RunningSidecar,
  gate: Gate,
  topic: string,
  producers: readonly RunningClient[],
): Promise<void> {
  const before = producers.map((producer) => producer.acked.length)
  const { topics } = await statusOf(sidecar)
  gate.pass()
  const more = (producer: RunningClient, i: number) => producer.acked.length > (before[i] ?? 0) + 20
  await stage.wait('every client goes on', () => producers.every(more), {
    seen: () => producers.map((p) => `${p.workload.id} ${p.acked.length}`),
  })
  for (const [i, producer] of producers.entries()) {
    const retried = producer.acked.slice(before[i]).filter(({ partition, offset }) => {
      const end = topics[0]?.partitions[partition]?.sourceEnd ?? 0
      return offset >= 0 && offset < (end ?? 0)
    })
    const what = `${producer.workload.id}: its retry is answered with its place on the source`
    stage.check(what, retried.length > 0, producer.acked.slice(before[i], (before[i] ?? 0) + 3))
  }
  await finish(stage, sidecar, topic, producers)
}

/** Everything that was sent is in the log once, in order and where it was acknowledged, and nobody saw an error. */
async function finish(
  stage: Stage,
  sidecar: RunningSidecar,
  topic: string,
  producers: readonly RunningClient[],
): Promise<void> {
  await Promise.all(producers.map((producer) => producer.stop()))
  const log = await readAll(sidecar.bootstrap, topic)
  const at = new Map(log.map(({ value, partition, offset }) => [value, `${partition}@${offset}`]))
  stage.check('nothing is in the log twice', timesOf(log).size === log.length, notTwice(log))
  for (const { workload, acked, events } of producers) {
    const { id } = workload
    const values = acked.map(({ value }) => value)
    const wrong = notOnce(values, log)
    stage.check(`${id}: what was acknowledged is in the log once`, wrong.length === 0, wrong)
    const elsewhere = acked.filter((r) => at.get(r.value) !== `${r.partition}@${r.offset}`)
    stage.check(`${id}: and at the offset that it was told`, elsewhere.length === 0, {
      told: elsewhere.slice(0, 3),
      found: elsewhere.slice(0, 3).map(({ value }) => at.get(value)),
    })
    const errors = events.filter((e) => e.event === 'error' && e.where === 'produce')
    stage.check(`${id}: no record failed`, errors.length === 0, errors.slice(0, 3))
    const disorder = disorderOf(log.filter((r) => r.value.startsWith(`${id}-`)))
    stage.check(`${id}: in order`, disorder.length === 0, disorder.slice(0, 3))
  }
}

const notTwice = (log: readonly { readonly value: string }[]) =>
  [...timesOf(log)].filter(([, times]) => times > 1).slice(0, 5)

function disorderOf(log: readonly { readonly partition: number; readonly value: string }[]) {
  const last = new Map<number, number>()
  return log.flatMap(({ partition, value }) => {
    const [n, before] = [Number(value.slice(value.lastIndexOf('-') + 1)), last.get(partition) ?? -1]
    last.set(partition, n)
    return n > before ? [] : [`${value} behind ${before}`]
  })
}
