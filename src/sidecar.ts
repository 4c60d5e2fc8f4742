import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { CommandResult, Status } from './admin/index.ts'
import type { Config, ServerAddress } from './config/index.ts'
import { noCutover, openCutover } from './cutover.ts'
import { CutoverError } from './errors.ts'
import { openLog } from './log.ts'
import { keepMemorySmall } from './memory.ts'
import { createMetrics } from './metrics/index.ts'
import { connectionsAllowed, descriptorLimit, Proxy } from './proxy/index.ts'
import { localUsers } from './security/index.ts'
import { openVirtualBrokersFile } from './virtual-brokers-file.ts'

/** A running sidecar. */
export interface Sidecar {
  readonly stop: () => Promise<void>
  /** @returns the names of what changed and cannot change at run time */
  readonly reload: (config: Config) => readonly string[]
  readonly cutover: () => Promise<CommandResult>
}

/** Starts the data plane, then the admin port. Rejects if a port cannot be opened. */
export async function startSidecar(config: Config): Promise<Sidecar> {
  const version = packageVersion()
  const log = openLog(config.log.level)
  const metrics = createMetrics(version)
  const connections = connectionsAllowed(config.limits.connectionsMax, descriptorLimit())
  if ('error' in connections) throw new Error(connections.error)
  const users = config.listen.sasl === null ? null : await localUsers(config.listen.sasl.users)
  const proxy = new Proxy({
    source: { ...config.source, identity: config.source.sasl },
    target: config.target === null ? null : { ...config.target, identity: config.target.sasl },
    listen: { ...config.listen, users },
    limits: { ...config.limits, ...connections },
    version,
    observer: metrics.observer,
    log,
    virtualBrokers: openVirtualBrokersFile(virtualBrokersPath(config), (err) => {
      log.warn(
        { err: err.message, peer: config.stateDir },
        'the numbers of the virtual brokers could not be kept',
      )
    }),
  })
  const cutover =
    config.target === null
      ? noCutover(config.name, proxy)
      : await openCutover({ config, proxy, metrics, log })
  await proxy.start()
  const status = (): Status => ({
    name: config.name,
    version,
    pid: process.pid,
    uptimeSeconds: process.uptime(),
    mode: config.cutover.mode,
    ...cutover.status(),
    source: config.source.bootstrapServers.map(addressText),
    target: config.target?.bootstrapServers.map(addressText) ?? null,
    listeners: proxy.listeners,
    connections: proxy.connections,
  })
  const { startAdmin } = await import('./admin/index.ts')
  let admin: Awaited<ReturnType<typeof startAdmin>>
  try {
    admin = await startAdmin({
      ...config.admin,
      source: {
        status,
        ready: () => proxy.readiness,
        metrics: metrics.render,
        command: cutover.command,
        offsets: cutover.offsets,
        subscribe: cutover.subscribe,
      },
    })
  } catch (error) {
    await cutover.stop()
    await proxy.stop()
    throw error
  }
  log.info(
    { pid: process.pid, version, peer: addressText(config.listen) },
    'the sidecar listens for applications',
  )
  if (config.target !== null) {
    log.info(
      {},
      'consumer-protocol (KIP-848), share and streams groups are not offered: a cutover cannot move them yet',
    )
  }
  const leaveMemory = keepMemorySmall(() => proxy.trim())
  return {
    async stop() {
      leaveMemory()
      await cutover.stop()
      await proxy.stop()
      await admin.close()
    },
    reload: (next) => changedNames(config, next),
    cutover: () => cutover.command('cutover', {}),
  }
}

/** One file for each source: another cluster's brokers are numbered by themselves. */
function virtualBrokersPath(config: Config): string {
  const servers = config.source.bootstrapServers.map(addressText).sort().join()
  const key = createHash('sha256').update(`${config.listen.port} ${servers}`).digest('hex')
  return join(config.stateDir, `virtual-brokers-${key.slice(0, 16)}.json`)
}

/** Nothing can change at run time yet but what is the same. */
function changedNames(before: Config, after: Config): readonly string[] {
  const names = Object.keys(before) as (keyof Config)[]
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
}

const addressText = ({ host, port }: ServerAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function packageVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(file)
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version)
  }
  throw new CutoverError('accept_failed', 'package.json names no version')
}
