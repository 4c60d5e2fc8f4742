import { createServer, type Server } from 'node:net'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { assert } from '../assert.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { Controls } from './control.ts'
import { FetchSessions } from './fetch-sessions.ts'
import type { Shared } from './shared.ts'
import type { BrokerState } from './state.ts'

/**
 * Free ports are looked for below the range from which operating systems take the local ports of
 * outgoing connections: a broker that is started again needs its port back.
 */
const freePorts = { min: 12_000, end: 32_000 }
const triesMax = 100

/** @param port 0 for a free one. @returns the port */
async function listen(server: Server, host: string, port: number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const candidate = port === 0 ? randomInt(freePorts.min, freePorts.end) : port
    try {
      server.listen(candidate, host)
      await once(server, 'listening')
      return candidate
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!isTaken || port !== 0 || tries === triesMax) throw error
    }
  }
}

/** One broker's listener. While it is down its port refuses; its port stays its own. */
export class Broker {
  readonly #state: BrokerState
  readonly #shared: Shared
  readonly #controls: Controls
  readonly #connections = new Set<Connection>()
  readonly #nextConnectionId: () => number
  #server: Server | undefined

  constructor(
    state: BrokerState,
    shared: Shared,
    controls: Controls,
    nextConnectionId: () => number,
  ) {
    this.#state = state
    this.#shared = shared
    this.#controls = controls
    this.#nextConnectionId = nextConnectionId
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Listens on the port of the state; where that is 0, on a free one, which it becomes. */
  async start(): Promise<void> {
    assert(this.#server === undefined, `broker ${this.#state.nodeId} runs already`)
    const owner: ConnectionOwner = {
      shared: this.#shared,
      controls: this.#controls,
      nodeId: this.#state.nodeId,
      sessions: new FetchSessions(this.#shared.limits.fetchSessionsMax),
    }
    const server = createServer((socket) => {
      const connection = new Connection(this.#nextConnectionId(), socket, owner)
      this.#connections.add(connection)
      socket.on('close', () => this.#connections.delete(connection))
    })
    server.maxConnections = this.#shared.limits.connectionsMax
    this.#state.port = await listen(server, this.#state.host, this.#state.port)
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const connection of this.#connections) connection.close()
    await closed
  }
}
