import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often it looks, how idle the event loop must have been since, and what growth is worth the work. */
const intervalMs = 2_000
const utilizationMax = 0.05
const growthBytesMin = 32 * 1024 * 1024

/**
 * Keeps the process small: what lives in the sidecar's heap is little, but a burst of connections leaves
 * garbage, and V8 neither hurries to collect it nor gives collected pages back to the system. So once a
 * burst is over, the event loop idle, everything that can be freed is given back, in one pause of some tens
 * of milliseconds that delays hardly anybody.
 *
 * @param trim lets go of what the program keeps for reuse
 * @returns how to end it
 */
export function keepMemorySmall(trim: () => void): () => void {
  // V8's own way to give memory back collects after every pause of the traffic, and throws away compiled
  // code that is needed again a second later: a fifth of what a burst of some hundred megabytes costs.
  setFlagsFromString('--no-memory-reducer')
  setFlagsFromString('--no-flush-bytecode')
  const collect = collector()
  if (collect === undefined) return () => {}
  let residentBytes = process.memoryUsage.rss()
  let loop = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(loop)
    loop = performance.eventLoopUtilization()
    if (utilization > utilizationMax) return
    if (process.memoryUsage.rss() - residentBytes < growthBytesMin) return
    trim()
    collect()
    residentBytes = process.memoryUsage.rss()
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** V8's collector, which gives memory back only when it is called for the last resort. */
function collector(): (() => void) | undefined {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : undefined')
  if (typeof gc !== 'function') return undefined
  return () => {
    Reflect.apply(gc, undefined, [{ type: 'major', execution: 'sync', flavor: 'last-resort' }])
  }
}
