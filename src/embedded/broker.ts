import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { assert } from '../assert.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { Controls } from './control.ts'
import { FetchSessions } from './fetch-sessions.ts'
import type { Shared } from './shared.ts'
import type { BrokerState } from './state.ts'

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
    server.listen(this.#state.port, this.#state.host)
    await once(server, 'listening')
    const address = server.address()
    assert(address !== null && typeof address === 'object', 'a listening server has an address')
    this.#state.port = address.port
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
