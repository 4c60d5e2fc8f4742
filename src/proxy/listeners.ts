import net from 'node:net'
import tls from 'node:tls'
import type { SlotNumber } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import { explainTls, listenerTlsOptions, type ListenerTls } from '../security/index.ts'
import { addressOf } from './transport.ts'

export interface ListenersOptions {
  readonly host: string
  /** Of the bootstrap listener; a virtual broker's is that and its number. */
  readonly port: number
  readonly tls: ListenerTls | null
  readonly handshakeTimeoutMs: number
  readonly observer: Observer
  readonly log: Log
  /** A connection that nothing was read from yet; under TLS, behind its handshake. */
  readonly accept: (slot: SlotNumber | 0, socket: net.Socket) => void
}

/** The ports that applications connect to: the bootstrap listener (0), and one for each virtual broker. */
export class Listeners {
  readonly #options: ListenersOptions
  readonly #servers = new Map<SlotNumber | 0, net.Server>()
  /** What lies under TLS, from before its handshake on. */
  readonly #tlsSockets = new Set<net.Socket>()
  #closing = false

  constructor(options: ListenersOptions) {
    this.#options = options
  }

  addressOf(slot: SlotNumber | 0): string {
    return addressOf(this.#options.host, this.#options.port + slot)
  }

  /** Rejects if the port cannot be opened. */
  open(slot: SlotNumber | 0): Promise<void> {
    const { host, port, observer, log } = this.#options
    // The listeners share one limit; `maxConnections` of a server would count its own only.
    const server = this.#serverFor(slot)
    this.#servers.set(slot, server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: port + slot, backlog: 1024 }, () => {
        server.off('error', reject)
        server.on('error', (error: Error) => {
          observer.failed('accept_failed')
          log.error({ err: error.message }, 'a connection could not be accepted')
        })
        if (this.#closing) server.close()
        resolve()
      })
    })
  }

  /** Accepts no more. Resolves when the last connection has ended. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(
      [...this.#servers.values()].map(
        (server) => new Promise<void>((resolve) => server.close(() => resolve())),
      ),
    )
  }

  /** Cuts off what is in the middle of its handshake, where no session has it yet. */
  cutHandshakes(): void {
    for (const unfinished of this.#tlsSockets) unfinished.destroy()
  }

  #serverFor(slot: SlotNumber | 0): net.Server {
    const { tls: options, accept, handshakeTimeoutMs } = this.#options
    if (options === null) {
      return net.createServer({ pauseOnConnect: true }, (socket) => accept(slot, socket))
    }
    const handshakeTimeout = handshakeTimeoutMs
    return tls
      .createServer({ ...listenerTlsOptions(options), handshakeTimeout }, (socket) => {
        accept(slot, socket)
      })
      .on('connection', (socket: net.Socket) => {
        this.#tlsSockets.add(socket)
        socket.once('close', () => this.#tlsSockets.delete(socket))
      })
      .on('tlsClientError', (error, socket) => {
        this.#options.observer.failed('auth_downstream')
        this.#options.log.warn(
          {
            peer: addressOf(socket.remoteAddress, socket.remotePort),
            err: explainTls(error, socket),
          },
          'an application could not open TLS',
        )
      })
  }
}
