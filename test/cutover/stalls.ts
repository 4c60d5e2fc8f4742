/** How long the machine itself stands still, as seen by a thread that does nothing but look at the clock. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** The machine gave nobody time, at least not this thread: `ms` long, until `t` (ms since 1970). */
export interface Stall {
  readonly t: number
  readonly ms: number
}

const everyMs = 5
/** What a scheduler does every day. */
const stallMsMin = 20

const watch = `
const { parentPort, workerData } = require('node:worker_threads')
const { everyMs, stallMsMin } = workerData
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  const ms = Math.round(now - last - everyMs)
  if (ms >= stallMsMin) parentPort.postMessage({ t: Date.now(), ms })
  last = now
}, everyMs)
parentPort.postMessage('begun')
`

/** Collects stalls until it is told to stop. */
export async function watchForStalls(): Promise<{
  readonly stalls: readonly Stall[]
  stop(): Promise<void>
}> {
  const stalls: Stall[] = []
  const worker = new Worker(watch, { eval: true, workerData: { everyMs, stallMsMin } })
  worker.unref()
  await once(worker, 'message')
  worker.on('message', (stall: Stall) => stalls.push(stall))
  return {
    stalls,
    async stop() {
      await worker.terminate()
    },
  }
}

/** The longest of the stalls that end in this time, as far as it lies in it. Times are ms since 1970. */
export function stalledWithin(stalls: readonly Stall[], from: number, to: number): number {
  const within = stalls.filter(({ t }) => t > from && t <= to)
  return Math.max(0, ...within.map(({ t, ms }) => Math.min(ms, t - from)))
}
