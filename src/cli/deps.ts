import type { CommandResult } from '../admin/index.ts'
import type { Config, loadConfig } from '../config/index.ts'
import type { Log, LogLevel } from '../log.ts'

/** What the commands need of the world; main.ts gives it, tests give another. */
export interface CliDeps {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
  /** @throws what `fs.readFileSync` throws */
  readonly readFile: (path: string) => string
  /** Loaded only by the commands that need it: it is a good part of the time to start. */
  readonly loadConfig: typeof loadConfig
  readonly startSidecar: (config: Config) => Promise<RunningSidecar>
  /** Looks at both clusters; the configuration has a target. */
  readonly check: (config: Config) => Promise<CheckReport>
  readonly openLog: (level: LogLevel) => Promise<Log>
  readonly signals: Signals
  /** The demo, once there is one. @returns the exit code */
  readonly demo?: (args: DemoArgs) => Promise<number>
}

/** What preflight found, the worst first; also what `check --json` prints. */
export interface CheckReport {
  readonly ready: boolean
  readonly everyTopic: boolean
  readonly topics: readonly {
    readonly source: string
    readonly target: string
    readonly partitions: number
  }[]
  readonly findings: readonly CheckFinding[]
}

export interface CheckFinding {
  readonly severity: 'blocking' | 'warning' | 'info'
  readonly subject: string
  readonly problem: string
  readonly evidence: string
  readonly remedy: string
}

export interface Output {
  readonly isTTY: boolean
  readonly write: (text: string) => void
}

export interface DemoArgs {
  readonly stdout: Output
  readonly stderr: Output
  readonly seconds: number
  /** On real brokers. */
  readonly kafka: boolean
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
}

/** The part of the sidecar that signals act on. */
export interface RunningSidecar {
  readonly stop: () => Promise<void>
  /** @returns the names of what changed in the file and cannot change at run time */
  readonly reload: (config: Config) => readonly string[]
  readonly cutover: () => Promise<CommandResult>
}

export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2'

export interface Signals {
  readonly on: (signal: SignalName, listener: () => void) => void
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  timedOut: 4,
} as const
