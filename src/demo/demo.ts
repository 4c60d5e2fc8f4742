import { play } from './acts.ts'
import { startApplications, writeEarlier } from './applications.ts'
import { groups } from './consumers.ts'
import { interrupted, NotPlayed } from './clusters.ts'
import type { Output } from './display.ts'
import { Ledger } from './ledger.ts'
import { startShow } from './show.ts'
import { buildStage, type StageOptions } from './stage.ts'
import { isClean, verdictLines, type Outcome } from './verdict.ts'
import { muteTimeoutWarnings } from './warnings.ts'

/** The acts: stage, load, cutover, verdict. */
export interface DemoOptions extends StageOptions {
  readonly stdout: Output
  /** How long the applications work at least. Default 20. */
  readonly seconds?: number | undefined
}

const secondsDefault = 20

/**
 * Ctrl-C ends the act early, and goes on to the verdict.
 * @returns the exit code: 0 if the cutover was done, and nothing lost, out of order, repeated or failed;
 * 3 if there is nothing to play it on; else 1
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const restoreWarnings = muteTimeoutWarnings()
  try {
    return await perform(options)
  } catch (error) {
    if (!(error instanceof NotPlayed)) throw error
    options.stderr.write(`${error.message}\n`)
    return error.exitCode
  } finally {
    restoreWarnings()
  }
}

async function perform(options: DemoOptions): Promise<number> {
  const { stdout, signal } = options
  const ms = (options.seconds ?? secondsDefault) * 1_000
  const ledger = new Ledger(groups.map(({ name }) => name))
  const stage = await buildStage(options)
  let outcome: Outcome
  try {
    if (signal.aborted) throw interrupted()
    await writeEarlier(stage.target.bootstrapServers)
    const applications = await startApplications(stage.bootstrap, ledger)
    const { watch, tell, end } = startShow(stdout, stage, ledger)
    try {
      const act = play({ stage, applications, ledger, watch, ms, signal, tell })
      const played = await act.finally(() => applications.finish())
      outcome = { ...played, phase: watch.status?.phase ?? 'unknown' }
    } finally {
      end()
    }
  } finally {
    await stage.stop()
  }
  const { books } = ledger
  for (const line of verdictLines(books, outcome, stage.clustersText)) stdout.write(`${line}\n`)
  return isClean(books, outcome) ? 0 : 1
}
