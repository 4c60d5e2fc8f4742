import { setTimeout as sleep } from 'node:timers/promises'
import type { Applications } from './applications.ts'
import type { Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'
import type { Outcome } from './verdict.ts'
import type { Watch } from './watch.ts'

/** How long the cutover may take; it takes a few seconds. */
const cutoverTimeoutMs = 60_000
const lookMs = 50

/** A group that has something left to read on the source when the others have moved already. */
const lateGroup = 'audit'

/**
 * Of the time that is given: the applications begin; an ordinary day; the late group stands still before
 * the flip and behind it; the target has everything; and the source is off.
 */
const shares = { start: 0.1, before: 0.2, late: 0.1, behind: 0.15, after: 0.15, without: 0.3 }

/**
 * The third act: the applications work on the source, the flip, the applications work on the target, and
 * the source is switched off.
 * @param options `ms` of the act, to which the cutover adds what it takes
 */
export async function play(options: {
  readonly stage: Stage
  readonly applications: Applications
  readonly ledger: Ledger
  readonly watch: Watch
  readonly ms: number
  /** Ends the act early. */
  readonly signal: AbortSignal
  readonly tell: (event: string) => void
}): Promise<Omit<Outcome, 'phase'>> {
  const { stage, applications, ledger, watch, ms, signal, tell } = options
  const pause = (share: number) => pauseFor(ms * share, signal)
  const outcome = (cutoverMs: number | null, withoutSourceMs = 0) => ({
    cutoverMs,
    fenceMs: watch.status?.fence.durationMs ?? null,
    withoutSourceMs,
  })
  await pause(shares.start)
  ledger.enter('before')
  await pause(shares.before)
  applications.standStill(lateGroup)
  tell(`group ${lateGroup} stands still, as an application does that is busy`)
  await pause(shares.late)
  if (signal.aborted) {
    applications.goOn(lateGroup)
    return outcome(null)
  }
  ledger.enter('cutover')
  tell(`POST ${stage.adminUrl}/cutover`)
  const flip = cutOver(watch, signal, tell)
  await Promise.race([pause(shares.behind), flip])
  applications.goOn(lateGroup)
  tell(`group ${lateGroup} goes on`)
  const cutoverMs = await flip
  if (cutoverMs === null) return outcome(null)
  await pause(shares.after)
  if (signal.aborted) return outcome(cutoverMs)
  await stage.stopSource()
  tell('the source cluster is switched off')
  return outcome(cutoverMs, await pause(shares.without))
}

/** @returns how long it was: less if it was interrupted */
async function pauseFor(ms: number, signal: AbortSignal): Promise<number> {
  const start = performance.now()
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  return performance.now() - start
}

/** @returns how long it took; null if it did not get to its end */
async function cutOver(
  watch: Watch,
  signal: AbortSignal,
  tell: (event: string) => void,
): Promise<number | null> {
  const start = performance.now()
  const refusal = await watch.cutover()
  if (refusal !== undefined) {
    tell(`refused: ${refusal}`)
    return null
  }
  while (performance.now() - start < cutoverTimeoutMs && !signal.aborted) {
    const { phase, allowed, lastAbort } = watch.status ?? {}
    if (phase === 'target') return performance.now() - start
    if (phase === 'source' && lastAbort != null && allowed?.includes('cutover') === true) {
      tell(`aborted: ${lastAbort}`)
      return null
    }
    await sleep(lookMs)
  }
  if (!signal.aborted) tell(`not done in ${cutoverTimeoutMs / 1_000} s`)
  return null
}
