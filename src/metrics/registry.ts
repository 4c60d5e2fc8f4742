import promClient, {
  type Histogram as PromHistogram,
  type Registry as PromRegistry,
} from 'prom-client'
import { clusterNames } from '../ids.ts'
import { apiName } from '../protocol/index.ts'
import { definitions, directions, phases, type Definition } from './definitions.ts'
import { durationBounds, type Distribution, type Durations } from './durations.ts'
import type { Drain, Migration } from './migration.ts'
import { collectProcessMetrics } from './process.ts'
import { peers, unknownApi, type Tally } from './tally.ts'

const { Counter, Gauge, Histogram, Registry } = promClient

/** A registry that is filled from the tally whenever it is scraped. */
export function openRegistry(version: string, tally: Tally, migration: Migration) {
  const registry = new Registry()
  const registers = [registry]

  new Gauge({
    ...definitions.build_info,
    registers,
    collect() {
      this.set({ version }, 1)
    },
  })
  new Gauge({
    ...definitions.downstream_connections,
    registers,
    collect() {
      this.set(tally.downstreamConnections)
    },
  })
  new Gauge({
    ...definitions.upstream_connections,
    registers,
    collect() {
      for (const cluster of clusterNames) this.set({ cluster }, tally.upstreamConnections(cluster))
    },
  })
  new Counter({
    ...definitions.requests_total,
    registers,
    collect() {
      this.reset()
      for (const { apiKey, answerer, durations } of tally.answered()) {
        this.inc({ api: shownApi(apiKey), cluster: answerer }, durations.count)
      }
    },
  })
  registry.registerMetric(
    new DurationHistogram(definitions.request_duration_seconds, () =>
      [...tally.answered()].map(({ apiKey, answerer, durations }) => ({
        labels: { api: shownApi(apiKey), cluster: answerer },
        durations,
      })),
    ),
  )
  registry.registerMetric(
    new DurationHistogram(definitions.hold_duration_seconds, () =>
      [...tally.held()].map(({ apiKey, durations }) => ({
        labels: { api: shownApi(apiKey) },
        durations,
      })),
    ),
  )
  new Counter({
    ...definitions.received_bytes_total,
    registers,
    collect() {
      this.reset()
      for (const peer of peers) this.inc({ peer }, tally.receivedBytes(peer))
    },
  })
  new Counter({
    ...definitions.sent_bytes_total,
    registers,
    collect() {
      this.reset()
      for (const peer of peers) this.inc({ peer }, tally.sentBytes(peer))
    },
  })
  new Counter({
    ...definitions.errors_total,
    registers,
    collect() {
      this.reset()
      for (const [kind, count] of tally.failures()) this.inc({ kind }, count)
    },
  })
  registerMigration(registry, migration)
  collectProcessMetrics(registry)
  return registry
}

function registerMigration(registry: PromRegistry, migration: Migration): void {
  const registers = [registry]
  new Gauge({
    ...definitions.phase,
    registers,
    collect() {
      for (const phase of phases) {
        for (const direction of directions) {
          const current = phase === migration.phase && direction === migration.direction
          this.set({ phase, direction }, current ? 1 : 0)
        }
      }
    },
  })
  new Counter({
    ...definitions.transitions_total,
    registers,
    collect() {
      this.reset()
      for (const { from, to, count } of migration.transitions.values())
        this.inc({ from, to }, count)
    },
  })
  registry.registerMetric(
    new DurationHistogram(definitions.fence_duration_seconds, unlabelled(migration.fences)),
  )
  new Gauge({
    ...definitions.held_requests,
    registers,
    collect() {
      this.reset()
      for (const { apiKey, count } of migration.describe().held) {
        this.set({ api: shownApi(apiKey) }, count)
      }
    },
  })
  registerDrain(registry, migration, definitions.drain_remaining_records, (d) => d.remaining)
  registerDrain(
    registry,
    migration,
    definitions.drain_rate_records_per_second,
    (drain) => drain.ratePerSecond,
  )
  registerDrain(registry, migration, definitions.drain_eta_seconds, (drain) => drain.etaSeconds)
  new Counter({
    ...definitions.group_moves_total,
    registers,
    collect() {
      this.reset()
      this.inc(migration.groupMoves.at(0).count)
    },
  })
  registry.registerMetric(
    new DurationHistogram(
      definitions.group_move_duration_seconds,
      unlabelled(migration.groupMoves),
    ),
  )
  new Counter({
    ...definitions.stragglers_total,
    registers,
    collect() {
      this.reset()
      for (const { topic, count } of migration.describe().stragglers) this.inc({ topic }, count)
    },
  })
  new Gauge({
    ...definitions.sidecar_acknowledged,
    registers,
    collect() {
      this.reset()
      for (const { name, acknowledged } of migration.describe().sidecars) {
        this.set({ sidecar: name }, acknowledged ? 1 : 0)
      }
    },
  })
}

/** A group that has nothing to do with the plan any more is not shown, nor what is not known of one. */
function registerDrain(
  registry: PromRegistry,
  migration: Migration,
  definition: Definition,
  valueOf: (drain: Drain) => number | null,
): void {
  new Gauge({
    ...definition,
    registers: [registry],
    collect() {
      this.reset()
      for (const drain of migration.describe().drains) {
        const value = valueOf(drain)
        if (value !== null) this.set({ group: drain.group, topic: drain.topic }, value)
      }
    },
  })
}

/** Durations under their labels. */
interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly durations: Distribution
}

const unlabelled = (durations: Durations) => (): readonly Series[] => [
  { labels: {}, durations: durations.at(0) },
]

/**
 * prom-client's histogram counts in objects of its own; this one shows ours instead, so that the data
 * path does not pay for them.
 */
class DurationHistogram extends Histogram {
  readonly #name: string
  readonly #series: () => readonly Series[]
  /** An empty one, for the name, the help and the type. */
  readonly #shell: PromHistogram

  constructor(definition: Definition, series: () => readonly Series[]) {
    super({ ...definition, registers: [] })
    this.#shell = new Histogram({ ...definition, registers: [] })
    this.#name = definition.name
    this.#series = series
  }

  override async get() {
    const empty = await this.#shell.get()
    const values = this.#series().flatMap(({ labels, durations }) => {
      let below = 0
      const buckets = [...durationBounds, '+Inf'].map((le, i) => {
        below += durations.buckets[i] ?? 0
        return { metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: below }
      })
      return [
        ...buckets,
        { metricName: `${this.#name}_sum`, labels, value: durations.seconds },
        { metricName: `${this.#name}_count`, labels, value: durations.count },
      ]
    })
    return { ...empty, values }
  }

  /** What prom-client calls instead of `get` when it renders text. */
  getForPromString() {
    return this.get()
  }
}

const shownApi = (apiKey: number): string => (apiKey === unknownApi ? 'unknown' : apiName(apiKey))
