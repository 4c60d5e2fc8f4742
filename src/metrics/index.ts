/** Implements the observer, and renders what it saw for Prometheus. */
import type { Observer } from '../observer.ts'
import type { Direction, Phase } from './definitions.ts'
import { Migration, type Described } from './migration.ts'
import type { openRegistry } from './registry.ts'
import { Tally } from './tally.ts'

export type { Described, Drain } from './migration.ts'

export interface Metrics {
  readonly observer: Observer
  /** Connections from applications, now. */
  readonly downstreamConnections: () => number
  /** The phase in which the sidecar starts; without it `source`, `forward`. */
  readonly stands: (phase: Phase, direction: Direction) => void
  /** Notes a transition. */
  readonly entered: (phase: Phase, direction: Direction) => void
  /** A fence ended, by a splice or an abort. */
  readonly fenced: (seconds: number) => void
  readonly groupMoved: (seconds: number) => void
  /** Names who is asked, at each scrape, how the migration stands. */
  readonly describe: (ask: () => Described) => void
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
  const migration = new Migration()
  let opening: Promise<ReturnType<typeof openRegistry>> | undefined
  const registry = () =>
    (opening ??= import('./registry.ts').then((module) =>
      module.openRegistry(version, tally, migration),
    ))
  // What fails here fails again, and is told, when metrics are asked for.
  setTimeout(() => void registry().catch(() => {}), registryDelayMs).unref()
  return {
    observer: tally,
    downstreamConnections: () => tally.downstreamConnections,
    stands: (phase, direction) => migration.stands(phase, direction),
    entered: (phase, direction) => migration.entered(phase, direction),
    fenced: (seconds) => migration.fences.add(0, seconds),
    groupMoved: (seconds) => migration.groupMoves.add(0, seconds),
    describe(ask) {
      migration.describe = ask
    },
    async render() {
      const opened = await registry()
      return { contentType: opened.contentType, body: await opened.metrics() }
    },
  }
}
