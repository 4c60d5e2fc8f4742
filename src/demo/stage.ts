import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '../config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../embedded/index.ts'
import { freePortRow } from './ports.ts'

/** The first act: two clusters in this process, and a sidecar before them. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface RunningSidecar {
  readonly stop: () => Promise<void>
}

export interface StageOptions {
  readonly startSidecar: (config: Config) => Promise<RunningSidecar>
  readonly listen?: Address | undefined
  readonly admin?: Address | undefined
}

export interface Stage {
  readonly source: EmbeddedCluster
  readonly target: EmbeddedCluster
  /** Where the applications bootstrap. */
  readonly bootstrap: string
  readonly adminUrl: string
  readonly sourceIsUp: boolean
  /** Switches the source off, for good. */
  stopSource(): Promise<void>
  stop(): Promise<void>
}

export const topic = 'orders'
export const partitions = 6
const brokers = 3
const host = '127.0.0.1'
/** Other node ids than those of the source, as any other cluster may have them. */
const targetNodeIdFirst = 101
/** `group.initial.rebalance.delay.ms`, as brokers have it where nobody has changed it. */
const initialRebalanceDelayMs = 3_000

export async function buildStage(options: StageOptions): Promise<Stage> {
  const topics = [{ name: topic, partitions }]
  const source = await startEmbeddedCluster({ brokers, topics })
  const target = await startEmbeddedCluster({
    brokers,
    topics,
    firstNodeId: targetNodeIdFirst,
    limits: { initialRebalanceDelayMs },
  })
  const stateDir = await mkdtemp(join(tmpdir(), 'kafka-cutover-demo-'))
  let sourceStopped: Promise<void> | undefined
  const stopSource = () => (sourceStopped ??= source.stop())
  const undo = async () => {
    await stopSource()
    await target.stop()
    await rm(stateDir, { recursive: true, force: true })
  }
  try {
    const listen = options.listen ?? { host, port: await freePortRow(brokers + 1, host) }
    const admin = options.admin ?? { host, port: await freePortRow(1, host) }
    const sidecar = await options.startSidecar(
      await sidecarConfig(
        { source: source.bootstrapServers, target: target.bootstrapServers },
        { listen: text(listen), admin: text(admin) },
        stateDir,
      ),
    )
    return {
      source,
      target,
      bootstrap: text(listen),
      adminUrl: `http://${text(admin)}`,
      get sourceIsUp() {
        return sourceStopped === undefined
      },
      stopSource,
      async stop() {
        await sidecar.stop()
        await undo()
      },
    }
  } catch (error) {
    await undo()
    throw error
  }
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
