import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface SpawnOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** A module that is loaded before anything else, as source text. */
  readonly preload?: string
}

/** The real command line, in a process of its own. */
export function start(
  args: readonly string[],
  { cwd, env, preload }: SpawnOptions = {},
): ChildProcessWithoutNullStreams {
  const flags =
    preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
  const { PATH, HOME } = process.env
  return spawn(process.execPath, [...flags, entry, ...args], { cwd, env: { PATH, HOME, ...env } })
}

export async function run(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  const child = start(args, options)
  child.stdin.end()
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { code: child.exitCode, stdout, stderr }
}

/** Says so, on standard error, if the process listens anywhere. */
export const portAlarm = `
import net from 'node:net'
net.Server.prototype.listen = () => { process.stderr.write('A PORT WAS OPENED\\n'); process.exit(99) }
`

/** Writes the URL of every module that is loaded to standard error. */
export const moduleTrace = `
import module from 'node:module'
module.registerHooks({ load(url, context, next) {
  process.stderr.write('MODULE ' + url + '\\n')
  return next(url, context)
} })
`
