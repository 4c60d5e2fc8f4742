import { readFileSync } from 'node:fs'
import type { CommandResult, Status } from './admin/index.ts'
import type { Config, ServerAddress } from './config/index.ts'

/** A running sidecar. */
export interface Sidecar {
  readonly stop: () => Promise<void>
  /** @returns the names of what changed and cannot change at run time */
  readonly reload: (config: Config) => readonly string[]
  readonly cutover: () => Promise<CommandResult>
}

/** The admin port alone: the data plane is not joined to it yet. */
export async function startSidecar(config: Config): Promise<Sidecar> {
  const [{ startAdmin }, { createMetrics }] = await Promise.all([
    import('./admin/index.ts'),
    import('./metrics/index.ts'),
  ])
  const version = packageVersion()
  const metrics = createMetrics(version)
  const refused = (): Promise<CommandResult> =>
    Promise.resolve({ kind: 'refused', error: 'not built yet', allowed: [] })
  const status = (): Status => ({
    name: config.name,
    version,
    pid: process.pid,
    uptimeSeconds: process.uptime(),
    mode: config.cutover.mode,
    direction: 'forward',
    phase: 'source',
    waitingFor: [],
    topics: [],
    groups: [],
    sidecars: [{ name: config.name, acknowledged: false, lastSeenMs: 0 }],
    fence: { durationMs: null, heldRequests: 0 },
    allowed: [],
    source: config.source.bootstrapServers.map(addressText),
    target: config.target?.bootstrapServers.map(addressText) ?? null,
    listeners: [],
    connections: metrics.downstreamConnections(),
  })
  const admin = await startAdmin({
    ...config.admin,
    source: {
      status,
      ready: () => ({ ok: false, reason: 'the data plane is not built yet' }),
      metrics: metrics.render,
      command: refused,
      subscribe: () => () => {},
    },
  })
  return { stop: admin.close, reload: () => ['everything'], cutover: refused }
}

const addressText = ({ host, port }: ServerAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function packageVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(file)
  const isObject = typeof manifest === 'object' && manifest !== null
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown'
}
