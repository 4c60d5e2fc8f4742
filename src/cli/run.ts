import type { LogLevel } from '../log.ts'
import { exitCodes, type CliDeps, type RunningSidecar } from './deps.ts'
import { load, reportErrors, type ConfigPlace } from './load.ts'

/**
 * Runs the sidecar until it is told to stop.
 *
 *     starting --started--> running --SIGTERM, SIGINT--> stopping --> exit 0
 *         |                   |  SIGHUP: reload              |
 *         |                   |  SIGUSR2: cutover            +--SIGTERM, SIGINT--> exit 130, 143
 *         +--SIGTERM, SIGINT: stops as soon as it has started
 */
export async function run(args: ConfigPlace, deps: CliDeps): Promise<number> {
  const loaded = await load(args, deps)
  if (!loaded.ok) {
    reportErrors(loaded.errors, deps)
    return exitCodes.usage
  }
  const { level } = loaded.config.log
  const stopping = stopRequest(deps)
  const starting = deps.startSidecar(loaded.config)
  // Node would end the process at a signal that nobody listens for, also while it starts.
  const whenStarted = (act: (sidecar: RunningSidecar) => Promise<void>) => (): void =>
    void starting.then(act, () => {})
  deps.signals.on(
    'SIGHUP',
    whenStarted((running) => reload(args, level, running, deps)),
  )
  deps.signals.on(
    'SIGUSR2',
    whenStarted((running) => cutover(level, running, deps)),
  )
  let sidecar: RunningSidecar
  try {
    sidecar = await starting
  } catch (error) {
    deps.stderr.write(`kafka-cutover could not start: ${describe(error)}\n`)
    return exitCodes.failed
  }
  await stopping
  try {
    await sidecar.stop()
  } catch (error) {
    deps.stderr.write(`kafka-cutover could not stop cleanly: ${describe(error)}\n`)
    return exitCodes.failed
  }
  return exitCodes.done
}

/** Resolves at the first SIGTERM or SIGINT; a second one does not wait for anything. */
function stopRequest({ signals, stderr }: CliDeps): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      signals.on(signal, () => {
        if (asked) {
          stderr.write(`kafka-cutover exits at once: told to stop a second time (${signal})\n`)
          signals.exit(code)
        }
        asked = true
        resolve()
      })
    }
  })
}

/** All or nothing: a file with one mistake changes nothing. */
async function reload(
  args: ConfigPlace,
  level: LogLevel,
  sidecar: RunningSidecar,
  deps: CliDeps,
): Promise<void> {
  const log = await deps.openLog(level)
  try {
    const loaded = await load(args, deps)
    if (!loaded.ok) {
      for (const { text } of loaded.errors) log.error({ value: text }, 'configuration error')
      log.error({ value: loaded.errors.length }, 'configuration not reloaded, the old one stays')
      return
    }
    const unchanged = sidecar.reload(loaded.config)
    for (const name of unchanged) {
      log.warn({ value: name }, 'configuration change needs a restart, the old value stays')
    }
    log.info({ peer: args.file }, 'configuration reloaded')
  } catch (err) {
    log.error({ err }, 'configuration not reloaded, the old one stays')
  }
}

async function cutover(level: LogLevel, sidecar: RunningSidecar, deps: CliDeps): Promise<void> {
  const log = await deps.openLog(level)
  try {
    const result = await sidecar.cutover()
    if (result.kind === 'refused') log.error({ value: result.error }, 'cutover refused')
    else log.info({}, 'cutover begun by signal')
  } catch (err) {
    log.error({ err }, 'cutover failed')
  }
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
