import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../errors.ts'

/** @throws when it takes longer */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = sleep(Math.max(1, ms), undefined, { signal: timer.signal }).then(() => {
    throw new CutoverError('upstream_timeout', 'it did not answer in time')
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}
