import type { Clock } from './clock.ts'
import type { Partition } from './state.ts'

/**
 * Waits until `isDone`, asked now and after every change of one of the partitions; for `ms` at most,
 * and no longer than somebody waits for the answer. At the end `isDone` has been asked again.
 */
export async function waitUntil(options: {
  readonly clock: Clock
  readonly gone: AbortSignal
  readonly ms: number
  readonly sources: () => readonly Partition[]
  readonly isDone: () => boolean
}): Promise<void> {
  const { clock, gone, ms, isDone } = options
  if (isDone() || ms <= 0 || gone.aborted) return
  const sources = options.sources()
  await new Promise<void>((resolve) => {
    const finish = () => {
      timer.cancel()
      gone.removeEventListener('abort', finish)
      for (const { waiters } of sources) waiters.delete(wake)
      resolve()
    }
    const wake = () => {
      if (isDone()) finish()
    }
    const timer = clock.setTimeout(() => {
      isDone()
      finish()
    }, ms)
    gone.addEventListener('abort', finish)
    for (const { waiters } of sources) waiters.add(wake)
  })
}
