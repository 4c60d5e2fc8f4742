import { setTimeout as sleep } from 'node:timers/promises'
import { startSidecar, type RunningSidecar } from '../acceptance/sidecar.ts'
import { startClient, type Program, type RunningClient } from '../clients/index.ts'
import { createTopics, type Cluster } from '../kafka/index.ts'
import { carryOut, planKill, type Kill } from './faults.ts'
import { flip, type Flip } from './flip.ts'
import type { History, Parallel } from './history.ts'
import { endless, startLoad, type Load } from './load.ts'
import { lookAt, preload } from './native.ts'
import { commitFindings, flipFindings, spliceFindings, unorderedFindings } from './outcome.ts'
import { stallsOf } from './stalls.ts'
import { judge, type Verdict } from './verdict.ts'
import { warmUp, type Warmth } from './warmth.ts'

export interface Scenario {
  readonly program: Program
  readonly source: Cluster
  readonly target: Cluster
  /** Of the topic, the same on both clusters; unlike any other there. */
  readonly topic: string
  /** Without one the same load runs as long, for comparison. */
  readonly cutover: boolean
  /** Everything moves, as by default; else only this topic. */
  readonly everyTopic: boolean
  /** Stop every broker of the source after the cutover, while traffic goes on. The cluster is then spent. */
  readonly stopSource: boolean
  readonly kill?: Kill
  /** Unordered: how many partitions the topic has on each side. */
  readonly parallel?: Parallel
}

export interface Report {
  readonly verdict: Verdict
  /** The verdict's findings, and what the operator and the target's own view add. */
  readonly findings: readonly string[]
  readonly flip: Flip | undefined
  /** What was killed and when, in words. */
  readonly killed: string | undefined
  /** Everything that was seen, to find out why. */
  readonly evidence: { readonly history: History; readonly log: string }
}

const partitions = 4
const preloaded = 7
const busyRate = 50
const beforeMs = 3_000
/**
 * Where it is judged how long producers wait, both clusters have served for a while, and a small machine is not full:
 * with every record both groups are busy, and six brokers and their replicas.
 */
const calmRate = 20
const warmMs = 8_000
const restMs = 1_000
const afterMs = 3_000
const withoutSourceMs = 5_000
const controlMs = 4_000
const flipTimeoutMs = 60_000
const faultyFlipTimeoutMs = 150_000
const drainTimeoutMs = 60_000

/** Plays one cutover under load, from two running clusters to a judged end. */
export async function play(scenario: Scenario): Promise<Report> {
  const { source, target, topic, parallel } = scenario
  await createTopics(source, [topic], { partitions: parallel?.sourcePartitions ?? partitions })
  await createTopics(target, [topic], { partitions: parallel?.targetPartitions ?? partitions })
  await preload(target, topic, 0, preloaded)
  const sidecar = await startSidecar({
    source: source.bootstrapServers,
    target: target.bootstrapServers,
    brokers: Math.max(source.brokers.length, target.brokers.length),
    args: [
      ...(scenario.everyTopic ? [] : ['--topics', topic]),
      ...(parallel === undefined ? [] : ['--mode', 'unordered']),
    ],
  })
  let load: Load | undefined
  let warmth: Warmth | undefined
  let peer: RunningClient | undefined
  try {
    if (judgesPauses(scenario)) {
      warmth = await warmUp(target, `${topic}-of-others`)
      peer = startPeer(scenario, `${topic}-of-others`)
    }
    load = await startLoad({
      program: scenario.program,
      bootstrap: sidecar.bootstrap,
      topic,
      rate: rateOf(scenario),
      versions: [source.version, target.version],
      // Where a leader can change - on a machine that is too busy, without anybody being killed - a broker
      // may lose what was acknowledged with acks=1: its offset is then acknowledged a second time.
      plainAcks: source.brokers.length + target.brokers.length === 2 ? '1' : 'all',
    })
    await sleep(warmth === undefined ? beforeMs : warmMs)
    await warmth?.leave()
    if (warmth !== undefined) await sleep(restMs)
    return await perform(scenario, sidecar, load, peer)
  } finally {
    await load?.kill()
    await warmth?.leave()
    await peer?.kill()
    await sidecar.stop()
  }
}

const judgesPauses = ({ parallel, kill }: Scenario): boolean =>
  parallel !== undefined && kill === undefined

const rateOf = (scenario: Scenario): number => (judgesPauses(scenario) ? calmRate : busyRate)

/** A producer of the same client that talks to the target directly: how long it waits is none of the sidecar's doing. */
const startPeer = ({ program, target }: Scenario, topic: string): RunningClient =>
  startClient(
    program,
    {
      ...{ bootstrap: target.bootstrapServers, topic, role: 'produce', id: 'peer' },
      ...{ records: endless, rate: calmRate, acks: 'all', idempotence: false },
    },
    target.version,
  )

async function perform(
  scenario: Scenario,
  sidecar: RunningSidecar,
  load: Load,
  peer: RunningClient | undefined,
): Promise<Report> {
  const { source, target, topic, parallel, cutover } = scenario
  const from = Date.now()
  const { flip: flipped, killed } = await act(scenario, sidecar)
  const findings = flipped === undefined ? [] : flipFindings(flipped, scenario.kill !== undefined)
  await sleep(afterMs)
  if (scenario.stopSource && (flipped?.reached ?? false)) {
    findings.push(...(await standsWithout(source, load, rateOf(scenario))))
  }
  await load.stopProducers()
  // What was not drained in time shows as lost.
  await load.drain(drainTimeoutMs)
  const to = Date.now()
  const stalls = stallsOf(peer?.events ?? [], 1_000 / calmRate)
  await load.stopConsumers()
  const histories = load.histories()
  const faults = scenario.kill !== undefined
  const history = {
    ...histories,
    from,
    to,
    faults,
    stalls,
    parallel: cutover ? parallel : undefined,
  }
  const verdict = judge(history)
  findings.push(...unorderedFindings(history))
  if (flipped === undefined || flipped.reached) {
    const native = await lookAt(flipped === undefined ? source : target, topic, load.groups)
    findings.push(...commitFindings(native))
    if (flipped !== undefined && parallel === undefined)
      findings.push(...spliceFindings(native, flipped.status, topic, histories.groups))
  }
  return {
    verdict,
    findings: [...findings, ...verdict.findings],
    flip: flipped,
    killed,
    evidence: { history, log: await sidecar.log() },
  }
}

/** The flip, with the kill beside it, which may come before it. */
async function act(
  scenario: Scenario,
  sidecar: RunningSidecar,
): Promise<{ flip: Flip | undefined; killed: string | undefined }> {
  const { kill, source, target } = scenario
  const flipOnce = (options: Parameters<typeof flip>[1]) =>
    scenario.cutover ? flip(sidecar.admin, options) : sleep(controlMs, undefined)
  if (kill === undefined) {
    return {
      flip: await flipOnce({ timeoutMs: flipTimeoutMs, persist: false }),
      killed: undefined,
    }
  }
  const brokers = kill.kind === 'sidecar' ? 1 : scenario[kill.kind].brokers.length
  const planned = planKill(kill, brokers)
  const killing = sleep(Math.max(0, planned.atMs)).then(() =>
    carryOut(planned, { sidecar, source, target }),
  )
  const flipping = sleep(Math.max(0, -planned.atMs)).then(() =>
    flipOnce({ timeoutMs: faultyFlipTimeoutMs, persist: true }),
  )
  const [, flipped] = await Promise.all([killing, flipping])
  const which = kill.kind === 'sidecar' ? 'sidecar' : `${kill.kind} broker ${planned.broker}`
  return { flip: flipped, killed: `${which} at ${planned.atMs} ms (seed ${kill.seed})` }
}

/** Ends the source, and looks whether producers go on for longer than any timeout of a fetch. */
async function standsWithout(source: Cluster, load: Load, rate: number): Promise<string[]> {
  await Promise.all(source.brokers.map((_, index) => source.killBroker(index)))
  const atFirst = load.progress()
  await sleep(withoutSourceMs)
  const atLast = load.progress()
  const enough = (withoutSourceMs / 1_000) * rate * 0.5
  return atLast.flatMap((acked, i) => {
    const came = acked - (atFirst[i] ?? 0)
    return came >= enough
      ? []
      : [`needs the source: producer ${i} got ${came} acknowledgements in ${withoutSourceMs} ms`]
  })
}
