import type { EmbeddedCluster } from '../embedded/index.ts'
import { startApplications, type Applications } from './applications.ts'
import {
  clockText,
  Screen,
  sceneLine,
  sceneLines,
  type Output,
  type Scene,
  type VirtualBrokerLine,
} from './display.ts'
import { runEvents } from './events.ts'
import { isClean, Ledger, verdictText } from './ledger.ts'
import { buildStage, partitions, topic, type Stage, type StageOptions } from './stage.ts'
import { virtualBrokers } from './status.ts'

/** The acts: stage, load, events, verdict. */
export interface DemoOptions extends StageOptions {
  readonly stdout: Output
  readonly stderr: Output
  /** Aborted by Ctrl-C: the demo goes on to its verdict. */
  readonly signal: AbortSignal
  /** How long the events take. Default 20. */
  readonly seconds?: number | undefined
  /** Called before the load begins: tests arrange faults, which the verdict must find. */
  readonly prepare?: ((source: EmbeddedCluster) => void) | undefined
}

const secondsDefault = 20
const refreshMs = 1_000

/** @returns the exit code: 0 if nothing was lost, out of order, repeated or failed; else 1 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const seconds = options.seconds ?? secondsDefault
  const ledger = new Ledger()
  const stage = await buildStage(options)
  try {
    options.prepare?.(stage.source)
    const applications = await startApplications(stage.bootstrap, stage.source, ledger)
    const show = startShow({ ...options, seconds, stage, applications, ledger })
    try {
      const { source } = stage
      const { signal } = options
      await runEvents({ source, applications, ms: seconds * 1000, signal, tell: show.tell })
    } finally {
      await applications.finish()
      await show.end()
    }
  } finally {
    await stage.stop()
  }
  const verdict = ledger.verdict()
  options.stdout.write(`${verdictText(verdict)}\n`)
  return isClean(verdict) ? 0 : 1
}

interface ShowOptions extends DemoOptions {
  readonly seconds: number
  readonly stage: Stage
  readonly applications: Applications
  readonly ledger: Ledger
}

/** Shows the scene each second until it is ended. */
function startShow(options: ShowOptions) {
  const { stdout, stage, applications, ledger, seconds } = options
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const screen = new Screen(stdout)
  const events: string[] = []
  let before = { sent: 0, received: 0, at: start }
  const draw = async () => {
    const books = ledger.verdict()
    const now = performance.now()
    const perSecond = (count: number) => Math.round((count * 1000) / Math.max(1, now - before.at))
    const scene: Scene = {
      seconds: elapsed(),
      secondsTotal: seconds,
      bootstrap: stage.bootstrap,
      adminUrl: stage.adminUrl,
      books,
      sentPerSecond: perSecond(books.sent - before.sent),
      receivedPerSecond: perSecond(books.received - before.received),
      lag: lagOf(stage.source, applications.groupId),
      virtualBrokers: stdout.isTTY ? await virtualBrokerLines(stage) : [],
      events,
    }
    before = { sent: books.sent, received: books.received, at: now }
    if (stdout.isTTY) screen.show(sceneLines(scene))
    else screen.say(sceneLine(scene))
  }
  let drawing: Promise<void> = Promise.resolve()
  const refresh = () => (drawing = drawing.then(draw))
  const timer = setInterval(() => void refresh(), refreshMs)
  return {
    tell: (event: string): void => {
      const text = `${clockText(elapsed())} ${event}`
      events.push(text)
      if (!stdout.isTTY) screen.say(text)
    },
    end: async (): Promise<void> => {
      clearInterval(timer)
      await refresh()
    },
  }
}

function lagOf(source: EmbeddedCluster, groupId: string): bigint {
  let lag = 0n
  for (let partition = 0; partition < partitions; partition++) {
    const committed = source.committed(groupId, topic, partition)
    lag += source.partitionLog(topic, partition).end - (committed < 0n ? 0n : committed)
  }
  return lag
}

async function virtualBrokerLines({ source, adminUrl }: Stage): Promise<VirtualBrokerLine[]> {
  const listeners = await virtualBrokers(adminUrl)
  const led = (nodeId: number | null) =>
    Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => source.leader(topic, partition).nodeId === nodeId,
    )
  return listeners.map(({ slot, address, nodeId, home }) => ({
    slot,
    address,
    home: home.source ?? 'unknown',
    leads: led(nodeId),
    isUp: source.brokers.some((broker) => broker.nodeId === nodeId && broker.isUp),
  }))
}
