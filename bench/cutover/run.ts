import { setTimeout as sleep } from 'node:timers/promises'
import type { GroupStatus, Status } from '../../src/admin/index.ts'
import { getStatus, postCommand } from '../../src/cli/api.ts'
import { startSidecar } from '../../test/acceptance/sidecar.ts'
import { createTopics, type Cluster } from '../../test/kafka/index.ts'
import { deleteTopic } from '../kafka.ts'
import type { LoadFigures, LoadProgram } from './load.ts'

export const partitions = 12
export const rate = 5_000
export const recordBytes = 1_024

/** What a group had left, as the status said it. */
export interface Progress {
  /** From the command. */
  readonly atMs: number
  readonly state: GroupStatus['state']
  readonly remaining: number | null
  readonly ratePerSecond: number | null
  readonly etaSeconds: number | null
}

export interface RunFigures extends LoadFigures {
  /** Null in a run without a cutover. */
  readonly fenceMs: number | null
  readonly targetMs: number | null
  /** When each phase was first seen, in milliseconds from the command. */
  readonly phases: Readonly<Record<string, number>>
  readonly progress: readonly Progress[]
  /** The whole run, from the creation of its topics. */
  readonly seconds: number
}

export interface RunOptions {
  readonly program: LoadProgram
  readonly source: Cluster
  readonly target: Cluster
  /** Unlike that of any other run. */
  readonly topic: string
  readonly cutover: boolean
  /** What the group has not read when it starts. The cutover begins at once then. */
  readonly backlog?: { readonly records: number; readonly bytes: number; readonly readRate: number }
}

const warmMs = 3_000
const afterMs = 2_000
/** As long as most cutovers with what comes after them. */
const controlMs = 6_000
const pollMs = 50
const targetTimeoutMs = 90_000

/** One run: fresh topics, a fresh sidecar with a fresh journal, the load, and a cutover or none. */
export async function performRun(options: RunOptions): Promise<RunFigures> {
  const { program, source, target, topic, backlog } = options
  const startedAt = performance.now()
  for (const cluster of [source, target]) await createTopics(cluster, [topic], { partitions })
  const common = { topic, partitions, recordBytes: backlog?.bytes ?? recordBytes }
  if (backlog !== undefined)
    await program.fill({ ...common, bootstrap: source.bootstrapServers }, backlog.records)
  const sidecar = await startSidecar({
    source: source.bootstrapServers,
    target: target.bootstrapServers,
    brokers: 1,
    args: ['--topics', topic],
  })
  try {
    const load = await program.start({
      ...{ ...common, bootstrap: sidecar.bootstrap, group: topic, rate },
      ...(backlog === undefined ? {} : { from: backlog.records, readRate: backlog.readRate }),
    })
    try {
      if (backlog === undefined) await sleep(warmMs)
      load.mark()
      const seen = options.cutover
        ? await cutOver(sidecar.admin)
        : await sleep(controlMs - afterMs, noCutover)
      await sleep(afterMs)
      const figures = await load.end()
      return { ...figures, ...seen, seconds: (performance.now() - startedAt) / 1000 }
    } finally {
      await load.kill()
    }
  } catch (err) {
    const tail = (await sidecar.log()).slice(-3_000)
    throw new Error(`${String(err)}; the sidecar's log ends: ${tail}`, { cause: err })
  } finally {
    await sidecar.stop()
    for (const { brokers } of [source, target]) await deleteTopic(brokers[0]?.port ?? 0, topic)
  }
}

type Seen = Pick<RunFigures, 'fenceMs' | 'targetMs' | 'phases' | 'progress'>
const noCutover: Seen = { fenceMs: null, targetMs: null, phases: {}, progress: [] }

/** Asks for the cutover, and looks on until it is done. */
async function cutOver(url: string): Promise<Seen> {
  const admin = { url: new URL(url), token: null }
  const begin = performance.now()
  const elapsed = () => Math.round(performance.now() - begin)
  const asked = await postCommand(admin, 'cutover', {})
  if (asked.kind !== 'ok') throw new Error(`refused: ${asked.error}`)
  const phases: Record<string, number> = {}
  const progress: Progress[] = []
  let waitingFor: Status['waitingFor'] = []
  while (elapsed() < targetTimeoutMs) {
    const answer = await getStatus(admin)
    if (answer.kind === 'ok') {
      const { phase, groups, fence, lastAbort } = answer.value
      phases[phase] ??= elapsed()
      waitingFor = answer.value.waitingFor
      if (lastAbort !== null) throw new Error(`aborted: ${lastAbort}`)
      for (const { state, remaining, ratePerSecond, etaSeconds } of groups)
        progress.push({ atMs: elapsed(), state, remaining, ratePerSecond, etaSeconds })
      if (phase === 'target')
        return { fenceMs: fence.durationMs, targetMs: phases['target'] ?? null, phases, progress }
    }
    await sleep(pollMs)
  }
  throw new Error(`not done after ${targetTimeoutMs} ms, waits for: ${waitingFor.join('; ')}`)
}
