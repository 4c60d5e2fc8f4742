import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import promClient, { type Registry } from 'prom-client'

/**
 * How often the event loop's delay is sampled. prom-client's own 10 ms took 0.8 % of a core from an
 * idle process (Node 24); 100 ms takes a tenth of that.
 */
const samplingMs = 100
/** So rare that prom-client's own sampling, which cannot be left out, costs nothing. */
const neverMs = 3_600_000

/**
 * Node's own process metrics, under prom-client's names. Of the event loop's delay only the worst and
 * p99 are shown, without the sampling interval that Node counts in.
 */
export function collectProcessMetrics(registry: Registry): void {
  promClient.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: neverMs })
  for (const name of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`)
  }

  // Both walk through every socket at each scrape, to say what `nodejs_active_resources` says too.
  for (const name of ['handles', 'requests']) {
    registry.removeSingleMetric(`nodejs_active_${name}`)
    registry.removeSingleMetric(`nodejs_active_${name}_total`)
  }

  const delay = monitorEventLoopDelay({ resolution: samplingMs })
  delay.enable()
  const lagSeconds = (ns: number): number => Math.max(0, ns / 1e9 - samplingMs / 1e3)
  new promClient.Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: 'The 99th percentile of the event loop delays since the last scrape.',
    registers: [registry],
    collect() {
      this.set(lagSeconds(delay.percentile(99)))
    },
  })
  new promClient.Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'The longest event loop delay since the last scrape.',
    registers: [registry],
    collect() {
      this.set(lagSeconds(delay.max))
      delay.reset()
    },
  })

  let before = performance.eventLoopUtilization()
  new promClient.Gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'The share of time since the last scrape in which the event loop was busy, 0 to 1.',
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization()
      this.set(performance.eventLoopUtilization(now, before).utilization)
      before = now
    },
  })
}
