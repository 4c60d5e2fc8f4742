import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../src/admin/index.ts'
import { getStatus, postCommand } from '../../src/cli/api.ts'

/** What a cutover was, as an operator saw it at the admin port. */
export interface Flip {
  /** Phases in the order in which they were seen, with milliseconds from the flip. */
  readonly phases: readonly { readonly phase: Status['phase']; readonly atMs: number }[]
  readonly reached: boolean
  /** Commands that were accepted. */
  readonly accepted: number
  /** What was said to those that were not, and why a fence was given up. */
  readonly refusals: readonly string[]
  /** The last status that was seen. */
  readonly status: Status | undefined
}

const pollMs = 50
/** How long phase `source` may last after a command: what is prepared before anything is held. */
const prepareMs = 10_000

/**
 * Asks for a cutover, and again where the sidecar is in phase `source` later: a fence is given up when
 * something dies. With `persist` a refusal is no end either.
 */
export async function flip(
  url: string,
  options: { readonly timeoutMs: number; readonly persist: boolean },
): Promise<Flip> {
  const admin = { url: new URL(url), token: null }
  const start = performance.now()
  const elapsed = () => Math.round(performance.now() - start)
  const phases: Flip['phases'][number][] = []
  const refusals: string[] = []
  let accepted = 0
  let askAt = 0
  let status: Status | undefined
  const ask = async () => {
    const answer = await postCommand(admin, 'cutover', {})
    if (answer.kind === 'ok') accepted++
    else refusals.push(answer.error)
    askAt = elapsed() + (answer.kind === 'ok' ? prepareMs : 500)
    return answer.kind === 'ok'
  }
  const finish = (reached: boolean): Flip => ({ phases, reached, accepted, refusals, status })
  while (elapsed() < options.timeoutMs) {
    // Between two fences of one command the phase is `source`, too.
    const mayAsk = status === undefined || status.allowed.includes('cutover')
    if (mayAsk && elapsed() >= askAt) {
      if (!(await ask()) && !options.persist) return finish(false)
    }
    const answer = await getStatus(admin)
    if (answer.kind === 'ok') {
      const before = phases.at(-1)?.phase
      status = answer.value
      if (before !== status.phase) {
        phases.push({ phase: status.phase, atMs: elapsed() })
        // Given up: there is nothing to wait for before it is asked for again.
        if (status.phase === 'source' && before !== undefined) askAt = elapsed() + 500
      }
      if (status.phase === 'target') return finish(true)
    }
    await sleep(pollMs)
  }
  return finish(false)
}
