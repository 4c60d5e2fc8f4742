import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { Socket } from 'node:net'

/**
 * Child processes that cannot outlive this one. A shell in a session of its own holds the list of
 * their ids; it reads it from a pipe whose other end is ours, so that it learns of our death however
 * we die (also by SIGKILL, which runs no handler of ours), and then kills them by id.
 */
const watchdogScript = `
pids=
while read -r op pid; do
  rest=
  for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done
  pids=$rest
  [ "$op" = add ] && pids="$pids $pid"
done
for p in $pids; do kill -9 "$p" 2>/dev/null; done`

let watchdog: ChildProcess | undefined

function tell(op: 'add' | 'drop', pid: number): void {
  if (watchdog === undefined) {
    watchdog = spawn('sh', ['-c', watchdogScript], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    watchdog.unref()
    if (watchdog.stdin instanceof Socket) watchdog.stdin.unref()
    watchdog.stdin?.on('error', () => {})
  }
  watchdog.stdin?.write(`${op} ${pid}\n`)
}

/** Starts a process that dies with this one at the latest. */
export function spawnTied(command: string, args: readonly string[], options: SpawnOptions) {
  const child = spawn(command, args, options)
  const { pid } = child
  if (pid !== undefined) {
    tell('add', pid)
    child.once('exit', () => tell('drop', pid))
  }
  return child
}

/** The end of a process, also where it is already over. Never rejects: a failed start is code -1. */
export function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  if (child.signalCode !== null || child.pid === undefined) return Promise.resolve(-1)
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? -1))
    child.once('error', () => resolve(-1))
  })
}

/** @returns whether the process still runs */
export function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Ends a process with a signal, and with SIGKILL when it has not ended after `timeoutMs`. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals,
  timeoutMs = 30_000,
): Promise<void> {
  if (!isRunning(child)) return
  const exit = exitOf(child)
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  await exit
  clearTimeout(timer)
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly timeoutMs?: number
}

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end and collects what it says. A command that is not there is code 127. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawnTied(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
    const timer = setTimeout(() => {
      stderr += `\nkilled after ${options.timeoutMs} ms`
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 600_000)
    child.once('error', (err) => {
      clearTimeout(timer)
      resolve({ code: 127, stdout, stderr: `${stderr}${err.message}` })
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, stdout, stderr })
    })
  })
}
