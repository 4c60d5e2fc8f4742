import { expect } from 'vitest'
import { limitDefaults } from '../../src/config/defaults.ts'
import type { ErrorKind } from '../../src/errors.ts'
import type { Log, LogKeys } from '../../src/log.ts'
import type { Answerer, Observer, Peer } from '../../src/observer.ts'
import { Proxy, type ProxyOptions } from '../../src/proxy/index.ts'
import { freePortRow, until } from '../kafka/ports.ts'
import { connectClient, type Client } from './client.ts'

/** The data plane in this process, and everything that it says of itself. */
export interface Sidecar {
  readonly proxy: Proxy
  /** The bootstrap port; virtual broker i listens on this + i. */
  readonly port: number
  readonly lines: readonly LogLine[]
  readonly seen: Seen
  connect(slot?: number): Promise<Client>
  /** Stops it and insists that nothing is left: no connection, no buffer, no complaint about itself. */
  stop(): Promise<void>
}

export interface LogLine extends LogKeys {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly message: string
}

/** What the observer was told. */
export interface Seen {
  downstreams: number
  upstreams: number
  readonly failures: ErrorKind[]
  readonly answers: { readonly apiKey: number; readonly answerer: Answerer }[]
  readonly held: { readonly apiKey: number; readonly seconds: number }[]
  readonly bytes: Map<string, number>
}

type Overrides = Partial<Omit<ProxyOptions, 'limits' | 'listen' | 'source'>> & {
  readonly limits?: Partial<ProxyOptions['limits']>
  readonly listen?: Partial<ProxyOptions['listen']>
  readonly source?: Partial<ProxyOptions['source']>
  /** How many virtual brokers there may come to be. */
  readonly slots?: number
}

const running: Sidecar[] = []

/** Stops every sidecar that a test has started; for `afterEach`. */
export async function stopSidecars(): Promise<void> {
  for (const sidecar of running.splice(0)) await sidecar.stop()
}

/** @param bootstrapServers `host:port,...`, as clients are given them */
export async function startSidecar(
  bootstrapServers: string,
  { limits, listen, source, slots = 8, ...others }: Overrides = {},
): Promise<Sidecar> {
  const lines: LogLine[] = []
  const seen: Seen = {
    downstreams: 0,
    upstreams: 0,
    failures: [],
    answers: [],
    held: [],
    bytes: new Map(),
  }
  const host = '127.0.0.1'
  const port = listen?.port ?? (await freePortRow(slots + 1, host))
  const proxy = new Proxy({
    source: {
      bootstrapServers: bootstrapServers.split(',').map((server) => {
        const [name = '', number] = server.split(':')
        return { host: name, port: Number(number) }
      }),
      tls: null,
      identity: null,
      ...source,
    },
    target: null,
    listen: { host, port, advertisedHost: host, tls: null, users: null, ...listen },
    limits: { ...limitDefaults, connectionsMax: 1000, connectTimeoutMs: 2_000, ...limits },
    version: 'test',
    observer: recorder(seen),
    log: logTo(lines),
    virtualBrokers: { known: [], keep: () => undefined },
    ...others,
  })
  await proxy.start()
  let stopped = false
  const sidecar: Sidecar = {
    proxy,
    port,
    lines,
    seen,
    connect: (slot = 0) => connectClient(port + slot),
    async stop() {
      if (stopped) return
      stopped = true
      await proxy.stop()
      await until(() => seen.upstreams === 0, 3_000, 10)
      const left = {
        connections: proxy.connections,
        downstreams: seen.downstreams,
        upstreams: seen.upstreams,
        bufferedBytes: proxy.bufferedBytes,
      }
      expect(left).toEqual({ connections: 0, downstreams: 0, upstreams: 0, bufferedBytes: 0 })
      expect(lines.filter(({ message }) => message === 'a session broke')).toEqual([])
    },
  }
  running.push(sidecar)
  return sidecar
}

/** Waits until the sidecar has found the source and every virtual broker listens. */
export async function untilReady({ proxy }: Sidecar): Promise<void> {
  expect(await until(() => proxy.readiness.ok && proxy.source.discovered, 5_000, 5)).toBe(true)
}

/** The one warning or error that was logged. */
export function complaintOf({ lines }: Sidecar): LogLine {
  const complaints = lines.filter(({ level }) => level === 'warn' || level === 'error')
  const [complaint] = complaints
  if (complaint === undefined || complaints.length > 1) {
    throw new Error(`one complaint wanted: ${JSON.stringify(complaints)}`)
  }
  return complaint
}

function recorder(seen: Seen): Observer {
  const count = (key: string, bytes: number): void => {
    seen.bytes.set(key, (seen.bytes.get(key) ?? 0) + bytes)
  }
  return {
    downstreamOpened: () => void seen.downstreams++,
    downstreamClosed: () => void seen.downstreams--,
    upstreamOpened: () => void seen.upstreams++,
    upstreamClosed: () => void seen.upstreams--,
    requestHeld: (apiKey, seconds) => void seen.held.push({ apiKey, seconds }),
    requestAnswered: (apiKey, answerer) => void seen.answers.push({ apiKey, answerer }),
    received: (peer: Peer, bytes) => count(`received ${peer}`, bytes),
    sent: (peer: Peer, bytes) => count(`sent ${peer}`, bytes),
    failed: (kind) => void seen.failures.push(kind),
  }
}

function logTo(lines: LogLine[]): Log {
  const at = (level: LogLine['level']) => (keys: LogKeys, message: string) =>
    void lines.push({ level, message, ...keys })
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
