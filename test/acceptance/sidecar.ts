import type { ChildProcess } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  endProcess,
  exitOf,
  freePortRow,
  freePorts,
  isRunning,
  spawnTied,
  until,
  type Cluster,
} from '../kafka/index.ts'

const mainFile = resolve(import.meta.dirname, '../../src/main.ts')

export const sidecarExists = () => existsSync(mainFile)

/** A sidecar in a process of its own, as an operator runs it. */
export interface RunningSidecar {
  readonly bootstrap: string
  readonly host: string
  /** Where applications bootstrap; virtual broker i is on this port + i. */
  readonly port: number
  /** `http://HOST:PORT` of the admin API. */
  readonly admin: string
  /** What it has logged, as JSON lines. */
  log(): Promise<string>
  /** Ends it at once (SIGKILL). What it keeps on disk stays. */
  kill(): Promise<void>
  /** After `kill`: the same command again. Resolves when it can serve clients. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface SidecarOptions {
  readonly source: string
  readonly target?: string
  /** How many virtual brokers there may be. */
  readonly brokers: number
  readonly host?: string
  readonly advertise?: string
  readonly args?: readonly string[]
}

const readyTimeoutMs = 30_000

export async function startSidecar(options: SidecarOptions): Promise<RunningSidecar> {
  const host = options.host ?? '127.0.0.1'
  const port = await freePortRow(options.brokers + 1, host)
  const [adminPort = 0] = await freePorts(1)
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-sidecar-'))
  const logFile = join(directory, 'log')
  const admin = `http://127.0.0.1:${adminPort}`
  const log = createWriteStream(logFile)
  const launch = (): ChildProcess => {
    const started = spawnTied(
      process.execPath,
      [
        ...[mainFile, 'run', '--source', options.source, '--listen', `${host}:${port}`],
        ...['--admin', `127.0.0.1:${adminPort}`, '--journal', `file:${join(directory, 'journal')}`],
        ...(options.target === undefined ? [] : ['--target', options.target]),
        ...(options.advertise === undefined ? [] : ['--advertise', options.advertise]),
        ...(options.args ?? []),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    started.stdout?.pipe(log, { end: false })
    started.stderr?.pipe(log, { end: false })
    return started
  }
  let child = launch()
  const becomesReady = async () => {
    await until(async () => !isRunning(child) || (await isReady(admin)), readyTimeoutMs)
    if (isRunning(child) && (await isReady(admin))) return
    const tail = (await sidecar.log()).slice(-2_000)
    throw new Error(`the sidecar does not get ready: ${tail}`)
  }
  const sidecar: RunningSidecar = {
    bootstrap: `${options.advertise ?? host}:${port}`,
    host,
    port,
    admin,
    log: () => readFile(logFile, 'utf8'),
    kill: () => endProcess(child, 'SIGKILL'),
    async restart() {
      child = launch()
      await becomesReady()
    },
    async stop() {
      await endProcess(child, 'SIGTERM', 20_000)
      await exitOf(child)
      log.end()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await becomesReady()
  } catch (err) {
    await sidecar.stop()
    throw err
  }
  return sidecar
}

async function isReady(admin: string): Promise<boolean> {
  try {
    return (await fetch(`${admin}/readyz`)).ok
  } catch {
    return false
  }
}

/** A sidecar in front of one cluster, as a plain pass-through. */
export const sidecarOf = (cluster: Cluster, options: Partial<SidecarOptions> = {}) =>
  startSidecar({ source: cluster.bootstrapServers, brokers: cluster.brokers.length, ...options })
