import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '../config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../embedded/index.ts'
import { freePortRow } from './ports.ts'

/** The first act: a cluster in this process, and a sidecar before it. */
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
  /** Where the applications bootstrap. */
  readonly bootstrap: string
  readonly adminUrl: string
  stop(): Promise<void>
}

export const topic = 'orders'
export const partitions = 6
const brokers = 3
const host = '127.0.0.1'

export async function buildStage(options: StageOptions): Promise<Stage> {
  const source = await startEmbeddedCluster({ brokers, topics: [{ name: topic, partitions }] })
  const stateDir = await mkdtemp(join(tmpdir(), 'kafka-cutover-demo-'))
  const undo = async () => {
    await source.stop()
    await rm(stateDir, { recursive: true, force: true })
  }
  try {
    const listen = options.listen ?? { host, port: await freePortRow(brokers + 1, host) }
    const admin = options.admin ?? { host, port: await freePortRow(1, host) }
    const config = await sidecarConfig(source, listen, admin, stateDir)
    const sidecar = await options.startSidecar(config)
    return {
      source,
      bootstrap: text(listen),
      adminUrl: `http://${text(admin)}`,
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
  source: EmbeddedCluster,
  listen: Address,
  admin: Address,
  stateDir: string,
): Promise<Config> {
  const loaded = await loadConfig({
    file: 'demo.yaml',
    readFile: () => `stateDir: ${JSON.stringify(stateDir)}\n`,
    env: {},
    flags: {
      source: source.bootstrapServers,
      listen: text(listen),
      admin: text(admin),
      name: 'demo',
      logLevel: 'silent',
    },
  })
  if (loaded.ok) return loaded.config
  throw new Error(loaded.errors.map((error) => JSON.stringify(error)).join('\n'))
}
