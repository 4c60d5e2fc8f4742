import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { adminApp } from './app.ts'
import { EventStreams, type EventsLimits } from './events.ts'
import type { AdminSource } from './source.ts'

export interface AdminOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly token: string | null
  readonly source: AdminSource
  readonly limits?: Partial<AdminLimits>
}

export interface AdminLimits extends EventsLimits {
  readonly connectionsMax: number
  readonly headerTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly headerBytesMax: number
}

export const adminLimitDefaults: AdminLimits = {
  connectionsMax: 256,
  headerTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  headerBytesMax: 16 * 1024,
  subscribersMax: 100,
  queuedEventsMax: 256,
  heartbeatMs: 15_000,
}

export interface Admin {
  readonly host: string
  readonly port: number
  /** Ends every connection, also those that listen to events. */
  readonly close: () => Promise<void>
}

/** @throws what `listen` throws, such as EADDRINUSE */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, token, source } = options
  const limits: AdminLimits = { ...adminLimitDefaults, ...options.limits }
  const events = new EventStreams(source, limits)
  const app = adminApp({ source, events, host, token })
  const listener = getRequestListener(app.fetch, { hostname: host, overrideGlobalObjects: false })
  const server = createServer(
    {
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      // How often Node looks for requests that are over their time.
      connectionsCheckingInterval: Math.min(1_000, limits.headerTimeoutMs),
    },
    (request, response) => void listener(request, response),
  )
  server.maxConnections = limits.connectionsMax
  server.listen(port, host)
  await once(server, 'listening')
  return {
    host,
    port: boundPort(server, port),
    async close() {
      events.closeAll()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function boundPort(server: Server, asked: number): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : asked
}
