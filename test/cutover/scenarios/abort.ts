/** Cutovers that end before their splice: traffic flows to the source again, and a later one succeeds. */
import type { RunningSidecar } from '../../acceptance/sidecar.ts'
import type { RunningClient } from '../../clients/index.ts'
import { createTopics } from '../../kafka/index.ts'
import { notOnce, readAll } from './applications.ts'
import type { Gate } from './gate.ts'
import { gatedSource, gateSource } from './lost-acks.ts'
import { middlePair, newPair, oldPair, type NamedScenario } from './scenario.ts'
import { cutOver, operate, post, statusOf, type Stage } from './stage.ts'

const clients = ['java-4.3.1', 'kafkajs'] as const
const partitions = 2
const deadlineMs = 5_000

export const aborts: readonly NamedScenario[] = [
  {
    ...{ name: 'abort-operator', pairs: [oldPair, middlePair, newPair], clients },
    ...{ source: gatedSource, play: byOperator },
  },
  {
    ...{ name: 'abort-deadline', pairs: [middlePair, newPair], clients },
    ...{ source: gatedSource, play: byDeadline },
  },
  {
    ...{ name: 'abort-target-dies', pairs: [middlePair, newPair], clients },
    ...{ source: gatedSource, fresh: true, play: byTarget },
  },
]

interface Scene {
  readonly topic: string
  /** What is kept here keeps the fence waiting. */
  readonly gate: Gate
  readonly sidecar: RunningSidecar
  readonly producers: readonly RunningClient[]
  readonly consumers: readonly RunningClient[]
}

async function begin(stage: Stage): Promise<Scene> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const gate = await gateSource(stage)
  const sidecar = await stage.sidecar({ topics: [topic] })
  const { bootstrap } = sidecar
  const producers = clients.map((name) =>
    stage.client(name, {
      ...{ role: 'produce', bootstrap, topic, id: name, records: 1_000_000, rate: 40 },
      ...{ acks: 'all', idempotence: true },
    }),
  )
  const consumers = clients.map((name) =>
    stage.client(name, {
      ...{ role: 'consume', bootstrap, topic, id: `in-${name}`, records: 0 },
      group: `${name}-${stage.unique}`,
    }),
  )
  await stage.wait(
    'records flow',
    () =>
      producers.every((p) => p.acked.length > 20) && consumers.every((c) => c.consumed.length > 20),
  )
  return { topic, gate, sidecar, producers, consumers }
}

const phaseOf = async (sidecar: RunningSidecar) => (await statusOf(sidecar)).phase

/** Keeps answers back, so that the fence has to wait, and waits until it stands. */
async function fenceThatWaits(stage: Stage, { sidecar, gate, producers }: Scene): Promise<void> {
  gate.keep()
  await stage.wait('answers are kept back', () => gate.kept >= producers.length)
  const answer = await post(sidecar, 'cutover')
  stage.check('the cutover is accepted', answer.kind === 'ok', answer)
  await stage.wait('the fence stands', async () => (await phaseOf(sidecar)) === 'fenced', {
    timeoutMs: 30_000,
  })
}

async function flowsAgain(stage: Stage, { sidecar, producers }: Scene, when: string) {
  const before = producers.map((p) => p.acked.length)
  await stage.wait(
    `${when}: records flow to the source again`,
    () => producers.every((p, i) => p.acked.length > (before[i] ?? 0) + 20),
    { timeoutMs: 30_000, seen: () => producers.map((p) => p.acked.length) },
  )
  const phase = await phaseOf(sidecar)
  stage.check(`${when}: phase source`, phase === 'source', phase)
}

async function byOperator(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { sidecar, gate } = scene
  const abort = () => operate(['abort', '--admin', sidecar.admin])
  const early = await abort()
  stage.check('abort in phase source exits 3', early.code === 3, early)
  // While it is being prepared: the command returns before anything is held.
  await post(sidecar, 'cutover')
  const preparing = await post(sidecar, 'abort')
  if (preparing.kind === 'ok') await flowsAgain(stage, scene, 'aborted while it was prepared')
  else stage.check('a cutover can be aborted while it is prepared', false, preparing)
  await fenceThatWaits(stage, scene)
  const done = await abort()
  stage.check('abort in phase fenced exits 0', done.code === 0, done)
  await stage.wait('phase source', async () => (await phaseOf(sidecar)) === 'source')
  const { lastAbort } = await statusOf(sidecar)
  stage.check('the status says who aborted it', /operator/.test(lastAbort ?? ''), lastAbort)
  gate.pass()
  await flowsAgain(stage, scene, 'aborted in phase fenced')
  await cutOver(stage, sidecar, 'target')
  const late = await abort()
  stage.check('abort behind the splice exits 3', late.code === 3, late)
  stage.check('and names rollback', late.stderr.includes('rollback'), late)
  await finish(stage, scene)
}

async function byDeadline(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { sidecar, gate } = scene
  gate.keep()
  await stage.wait('answers are kept back', () => gate.kept >= clients.length)
  const running = operate(['cutover', '--admin', sidecar.admin, '--timeout', '60s'])
  await stage.wait('the fence stands', async () => (await phaseOf(sidecar)) === 'fenced', {
    timeoutMs: 30_000,
  })
  const start = performance.now()
  await stage.wait('it is given up', async () => (await phaseOf(sidecar)) === 'source', {
    timeoutMs: 3 * deadlineMs,
  })
  const ms = Math.round(performance.now() - start)
  stage.check('at its deadline', ms > deadlineMs / 2 && ms < deadlineMs + 2_000, `${ms} ms`)
  const { lastAbort } = await statusOf(sidecar)
  stage.check('the status says what it waited for', /acknowledged/.test(lastAbort ?? ''), lastAbort)
  gate.pass()
  await flowsAgain(stage, scene, 'given up')
  const { code, stderr } = await running
  // Either it said that it was aborted, or it has tried again by itself and done it.
  const told = code === 0 || (code === 3 && /everything flows to the source/.test(stderr))
  stage.check('the command says how traffic stands', told, { code, stderr })
  await cutOver(stage, sidecar)
  await finish(stage, scene)
}

/** The target goes away: before the cutover, and while the fence stands. */
async function byTarget(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { sidecar, gate } = scene
  await stage.target.stopBroker(0)
  const refused = await operate(['cutover', '--admin', sidecar.admin, '--timeout', '20s'])
  stage.check('without a target cutover exits 3', refused.code === 3, refused)
  await flowsAgain(stage, scene, 'without a target')
  await stage.target.startBroker(0)
  await fenceThatWaits(stage, scene)
  await stage.target.killBroker(0)
  gate.pass()
  await stage.wait('the fence is given up', async () => (await phaseOf(sidecar)) === 'source', {
    timeoutMs: 3 * deadlineMs,
  })
  await flowsAgain(stage, scene, 'with a dead target')
  await stage.target.startBroker(0)
  await cutOver(stage, sidecar)
  await finish(stage, scene)
}

/** Nothing was lost, repeated or noticed. */
async function finish(stage: Stage, scene: Scene): Promise<void> {
  const { sidecar, producers, consumers, topic } = scene
  const phase = await phaseOf(sidecar)
  stage.check('the later cutover succeeded', phase === 'target', phase)
  await Promise.all(producers.map((producer) => producer.stop()))
  const values = producers.flatMap(({ acked }) => acked.map(({ value }) => value))
  const inLog = notOnce(values, await readAll(sidecar.bootstrap, topic))
  stage.check('every record is in the log once', inLog.length === 0, inLog.slice(0, 5))
  for (const { consumed, workload } of consumers) {
    const seen = () => new Set(consumed.map(({ value }) => value))
    await stage.wait(`${workload.id}: everything comes`, () => values.every((v) => seen().has(v)))
    const wrong = notOnce(values, consumed)
    stage.check(`${workload.id}: each once`, wrong.length === 0, wrong.slice(0, 5))
  }
  await Promise.all(consumers.map((consumer) => consumer.stop()))
  for (const { workload, events } of [...producers, ...consumers]) {
    const errors = events.filter(({ event }) => event === 'error')
    stage.check(`${workload.id}: no error`, errors.length === 0, errors.slice(0, 3))
  }
}
