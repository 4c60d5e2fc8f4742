import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '../config/index.ts'
import { brokers, type StageCluster, type StartClusters } from './clusters.ts'
import type { Output } from './display.ts'
import { freePortRow } from './ports.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface RunningSidecar {
  readonly stop: () => Promise<void>
}

export interface StageOptions {
  readonly startClusters: StartClusters
  readonly startSidecar: (config: Config) => Promise<RunningSidecar>
  readonly stderr: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  readonly listen?: Address | undefined
  readonly admin?: Address | undefined
}

export interface Stage {
  /** Which Kafka both clusters are. */
  readonly clustersText: string
  readonly target: StageCluster
  /** Where the applications bootstrap. */
  readonly bootstrap: string
  readonly adminUrl: string
  readonly sourceIsUp: boolean
  /** Switches the source off, for good. */
  stopSource(): Promise<void>
  stop(): Promise<void>
}

const host = '127.0.0.1'

/** The first act: two clusters, and a sidecar before them. Leaves nothing behind where it rejects. */
export async function buildStage(options: StageOptions): Promise<Stage> {
  const ends: (() => Promise<void>)[] = []
  try {
    const stateDir = await mkdtemp(join(tmpdir(), 'kafka-cutover-demo-'))
    ends.push(() => rm(stateDir, { recursive: true, force: true }))
    const { text: clustersText, source, target } = await options.startClusters(options)
    let sourceStopped: Promise<void> | undefined
    const stopSource = () => (sourceStopped ??= source.stop())
    ends.push(() => target.stop(), stopSource)
    const listen = options.listen ?? { host, port: await freePortRow(brokers + 1, host) }
    const admin = options.admin ?? { host, port: await freePortRow(1, host) }
    const sidecar = await options.startSidecar(
      await sidecarConfig(
        { source: source.bootstrapServers, target: target.bootstrapServers },
        { listen: text(listen), admin: text(admin) },
        stateDir,
      ),
    )
    ends.push(sidecar.stop)
    return {
      clustersText,
      target,
      bootstrap: text(listen),
      adminUrl: `http://${text(admin)}`,
      get sourceIsUp() {
        return sourceStopped === undefined
      },
      stopSource,
      stop: () => takeDown(ends),
    }
  } catch (error) {
    await takeDown(ends)
    throw error
  }
}

/** The last comes down first; the others also where one fails. */
async function takeDown(ends: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const end of ends.toReversed()) {
    await end().catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
}

const text = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** As a user would write it; the log would write over the display. */
async function sidecarConfig(
  clusters: { readonly source: string; readonly target: string },
  addresses: { readonly listen: string; readonly admin: string },
  stateDir: string,
): Promise<Config> {
  const loaded = await loadConfig({
    file: 'demo.yaml',
    readFile: () => `stateDir: ${JSON.stringify(stateDir)}\n`,
    env: {},
    flags: { ...clusters, ...addresses, name: 'demo', logLevel: 'silent' },
  })
  if (loaded.ok) return loaded.config
  throw new Error(loaded.errors.map((error) => JSON.stringify(error)).join('\n'))
}
