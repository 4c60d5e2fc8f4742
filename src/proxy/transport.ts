import net from 'node:net'
import tls from 'node:tls'

/** What a transport tells the connection that owns it. */
export interface TransportOwner {
  /** Where the next read shall land; asked after every read. */
  readTarget(): Uint8Array
  /** `length` bytes were read into the last target. Returns whether reading goes on. */
  onRead(length: number): boolean
  /** A chunk in memory of its own. Returns whether reading goes on. */
  onChunk(chunk: Buffer): boolean
  onConnect(): void
  onEnd(): void
  onClose(error: Error | undefined): void
}

export interface Transport {
  readonly socket: net.Socket
  /** `host:port` of the other side. */
  readonly peer: string
  /**
   * Sends bytes, in order. `flushed` is called once, when the kernel has taken all of them: within this
   * call if it takes them at once.
   */
  readonly write: (bytes: Uint8Array, flushed: (error?: Error | null) => void) => void
}

const keepAliveAfterMs = 60_000

/**
 * Writes without the bookkeeping of a `Writable`, which costs a fifth of a small request: `_write` is
 * what Node documents for those who implement a stream. libuv keeps the order and, when the connection
 * is ended, closes behind the last byte. The proxy's backpressure needs no more (see `Connection`).
 */
const direct =
  (socket: net.Socket): Transport['write'] =>
  (bytes, flushed) => {
    // A Buffer has no encoding; Node passes this word, its types do not know it.
    socket._write(bytes, 'buffer' as BufferEncoding, flushed)
  }

/** For sockets whose stream does more than to pass bytes on (TLS). */
const buffered =
  (socket: net.Socket): Transport['write'] =>
  (bytes, flushed) => {
    let told = false
    const tell = (error?: Error | null): void => {
      if (told) return
      told = true
      flushed(error)
    }
    socket.write(bytes, tell)
    if (socket.writableLength === 0) tell()
  }

/**
 * Takes over an accepted socket so that it reads into our buffers (`onread`, which Node offers for
 * outgoing connections only). The server must accept with `pauseOnConnect`. This moves the handle the
 * way Node itself does when it passes a socket to a child process; where that does not work, the
 * socket's own 'data' events serve.
 */
export function acceptedTransport(accepted: net.Socket, owner: TransportOwner): Transport {
  const peer = addressOf(accepted.remoteAddress, accepted.remotePort)
  const socket = takeOver(accepted, owner)
  if (socket === undefined) {
    listen(accepted, owner, true)
    accepted.resume()
    return { socket: accepted, peer, write: buffered(accepted) }
  }
  listen(socket, owner, false)
  socket.resume()
  return { socket, peer, write: direct(socket) }
}

/** The accepted side of TLS; `socket` is a TLSSocket that is past or in its handshake. */
export function acceptedTlsTransport(socket: tls.TLSSocket, owner: TransportOwner): Transport {
  listen(socket, owner, true)
  const peer = addressOf(socket.remoteAddress, socket.remotePort)
  return { socket, peer, write: buffered(socket) }
}

export function connectTransport(
  to: { readonly host: string; readonly port: number },
  tlsOptions: tls.ConnectionOptions | undefined,
  owner: TransportOwner,
): Transport {
  const peer = addressOf(to.host, to.port)
  if (tlsOptions !== undefined) {
    const socket = tls.connect({ ...tlsOptions, host: to.host, port: to.port })
    socket.once('secureConnect', () => owner.onConnect())
    listen(socket, owner, true)
    return { socket, peer, write: buffered(socket) }
  }
  const options = {
    host: to.host,
    port: to.port,
    autoSelectFamily: true,
    onread: {
      buffer: () => owner.readTarget(),
      callback: (length: number) => owner.onRead(length),
    },
  }
  const socket = net.connect(options)
  socket.once('connect', () => owner.onConnect())
  listen(socket, owner, false)
  return { socket, peer, write: direct(socket) }
}

interface HandleOwner {
  _handle: unknown
  server?: unknown
  _server?: unknown
}

function takeOver(accepted: net.Socket, owner: TransportOwner): net.Socket | undefined {
  const from = accepted as unknown as HandleOwner
  const handle = from._handle
  if (handle === null || handle === undefined) return undefined
  from._handle = null
  const options = {
    handle,
    readable: true,
    writable: true,
    pauseOnCreate: true,
    onread: {
      buffer: () => owner.readTarget(),
      callback: (length: number) => owner.onRead(length),
    },
  }
  const socket = new net.Socket(options as object)
  // The server counts its connections, and closes, by these.
  const to = socket as unknown as HandleOwner
  to.server = from.server
  to._server = from._server
  return socket
}

function listen(socket: net.Socket, owner: TransportOwner, chunks: boolean): void {
  let failure: Error | undefined
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveAfterMs)
  if (chunks) {
    socket.on('data', (chunk: Buffer) => {
      if (!owner.onChunk(chunk)) socket.pause()
    })
  }
  socket.on('error', (error) => {
    failure ??= error
  })
  socket.once('end', () => owner.onEnd())
  socket.once('close', () => owner.onClose(failure))
}

export function addressOf(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return 'unknown'
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
