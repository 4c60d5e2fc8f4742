import promClient from 'prom-client'
import { clusterNames } from '../ids.ts'
import { apiName } from '../protocol/index.ts'
import { definitions, directions, phases, type Direction, type Phase } from './definitions.ts'
import { durationBounds, peers, unknownApi, type Answered, type Tally } from './tally.ts'
import { collectProcessMetrics } from './process.ts'

const { Counter, Gauge, Histogram, Registry } = promClient

/** What changes seldom, and is therefore kept apart from the tally. */
export interface Standing {
  phase: Phase
  direction: Direction
  /** `from to`, and how often. */
  readonly transitions: Map<string, { from: Phase; to: Phase; count: number }>
}

/** A registry that is filled from the tally whenever it is scraped. */
export function openRegistry(version: string, tally: Tally, standing: Standing) {
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
    ...definitions.phase,
    registers,
    collect() {
      for (const phase of phases) {
        for (const direction of directions) {
          const current = phase === standing.phase && direction === standing.direction
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
      for (const { from, to, count } of standing.transitions.values()) this.inc({ from, to }, count)
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
      for (const each of tally.answered()) this.inc(requestLabels(each), each.count)
    },
  })
  registry.registerMetric(new DurationHistogram(tally))
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
  collectProcessMetrics(registry)
  return registry
}

/**
 * prom-client's histogram counts in objects of its own; this one shows the tally's counts instead, so
 * that the data path does not pay for them.
 */
class DurationHistogram extends Histogram<'api' | 'cluster' | 'le'> {
  readonly #tally: Tally
  /** An empty one, for the name, the help and the type. */
  readonly #shell = new Histogram({ ...definitions.request_duration_seconds, registers: [] })

  constructor(tally: Tally) {
    super({ ...definitions.request_duration_seconds, registers: [] })
    this.#tally = tally
  }

  override async get() {
    const { name } = definitions.request_duration_seconds
    const empty = await this.#shell.get()
    const values = [...this.#tally.answered()].flatMap((each) => {
      const labels = requestLabels(each)
      let below = 0
      const buckets = [...durationBounds, '+Inf'].map((le, i) => {
        below += each.buckets[i] ?? 0
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: each.seconds },
        { metricName: `${name}_count`, labels, value: each.count },
      ]
    })
    return { ...empty, values }
  }

  /** What prom-client calls instead of `get` when it renders text. */
  getForPromString() {
    return this.get()
  }
}

function requestLabels({ apiKey, answerer }: Answered) {
  return { api: apiKey === unknownApi ? 'unknown' : apiName(apiKey), cluster: answerer }
}
