/** Implements the observer, and renders what it saw for Prometheus. */
import type { Observer } from '../observer.ts'
import type { Direction, Phase } from './definitions.ts'
import type { openRegistry, Standing } from './registry.ts'
import { Tally } from './tally.ts'

export interface Metrics {
  readonly observer: Observer
  /** Connections from applications, now. */
  readonly downstreamConnections: () => number
  /** Notes a transition; the first phase is `source`, `forward`. */
  readonly entered: (phase: Phase, direction: Direction) => void
  /** Prometheus' text format. */
  readonly render: () => Promise<Rendered>
}

/**
 * prom-client is 90 modules. Applications need their first answer sooner than anybody needs a metric, so
 * it is loaded a while after the start, or at the first scrape if that comes before.
 */
const registryDelayMs = 1_000

export interface Rendered {
  readonly contentType: string
  readonly body: string
}

export function createMetrics(version: string): Metrics {
  const tally = new Tally()
  const standing: Standing = { phase: 'source', direction: 'forward', transitions: new Map() }
  let opening: Promise<ReturnType<typeof openRegistry>> | undefined
  const registry = () =>
    (opening ??= import('./registry.ts').then((module) =>
      module.openRegistry(version, tally, standing),
    ))
  // What fails here fails again, and is told, when metrics are asked for.
  setTimeout(() => void registry().catch(() => {}), registryDelayMs).unref()
  return {
    observer: tally,
    downstreamConnections: () => tally.downstreamConnections,
    entered(phase, direction) {
      const from = standing.phase
      const key = `${from} ${phase}`
      const count = (standing.transitions.get(key)?.count ?? 0) + 1
      standing.transitions.set(key, { from, to: phase, count })
      standing.phase = phase
      standing.direction = direction
    },
    async render() {
      const opened = await registry()
      return { contentType: opened.contentType, body: await opened.metrics() }
    },
  }
}
