import { once } from 'node:events'
import * as net from 'node:net'
import {
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'

/** A Kafka client that does exactly what a test tells it: bytes out, frames in. */
export interface Client {
  readonly socket: net.Socket
  /** Every frame that has come and was not taken, without its length. */
  readonly frames: Buffer[]
  /** How many bytes have come. */
  readonly receivedBytes: number
  readonly isClosed: boolean
  /** Resolves when the connection is gone; fails after a while. */
  readonly closed: Promise<void>
  write(bytes: Uint8Array): void
  /** The next frame; fails when the connection ends first, or after a while. */
  next(timeoutMs?: number): Promise<Buffer>
  ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>>
  close(): Promise<void>
}

const patienceMs = 10_000
let correlationIds = 1000

/** A request frame with a correlation id of its own. */
export function frameOf<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
  correlationId = ++correlationIds,
): Buffer {
  return encodeRequest(api, version, { correlationId, clientId: 'test' }, body)
}

export function answerOf<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  frame: Buffer,
): Decoded<S> {
  const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
  return decodeResponse(api, version, frame, bodyOffset)
}

/** Nobody waits for ever: what does not come is named. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export async function connectClient(port: number, socket?: net.Socket): Promise<Client> {
  const opened = socket ?? net.connect({ port, host: '127.0.0.1' })
  if (socket === undefined) await once(opened, 'connect')
  return clientOn(opened)
}

/** Speaks on a socket that is open. */
export function clientOn(socket: net.Socket): Client {
  socket.setNoDelay(true)
  const frames: Buffer[] = []
  let pending: Buffer = Buffer.alloc(0)
  let receivedBytes = 0
  let isClosed = false
  let wake: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      frames.push(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
    wake()
  })
  socket.on('error', () => undefined)
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true
      resolve()
      wake()
    })
  })
  const client: Client = {
    socket,
    frames,
    get receivedBytes() {
      return receivedBytes
    },
    get isClosed() {
      return isClosed
    },
    get closed() {
      return within(patienceMs, 'the connection was not closed', gone)
    },
    write: (bytes) => void socket.write(bytes),
    async next(timeoutMs = patienceMs) {
      const end = performance.now() + timeoutMs
      for (;;) {
        const frame = frames.shift()
        if (frame !== undefined) return frame
        if (isClosed) throw new Error('the connection was closed before an answer')
        const left = end - performance.now()
        if (left <= 0) throw new Error(`no answer within ${timeoutMs} ms`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
    async ask(api, version, body) {
      const correlationId = ++correlationIds
      client.write(frameOf(api, version, body, correlationId))
      const frame = await client.next()
      const answered = decodeResponseHeader(api, version, frame, 0).correlationId
      if (answered !== correlationId) throw new Error(`${answered} answered to ${correlationId}`)
      return answerOf(api, version, frame)
    },
    close() {
      socket.destroy()
      return gone
    },
  }
  return client
}
