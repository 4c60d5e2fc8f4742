import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import {
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'

/** One connection that asks what a test says, and tells when it was closed instead of answered. */
export class RawClient {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer | 'closed') => void)[] = []
  /** Frames that nobody has asked for yet. */
  readonly #inbox: Buffer[] = []
  #bytes = Buffer.alloc(0)
  #correlationId = 0
  #closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      while (this.#bytes.length >= 4) {
        const end = 4 + this.#bytes.readInt32BE(0)
        if (this.#bytes.length < end) break
        const frame = this.#bytes.subarray(4, end)
        const waiting = this.#waiting.shift()
        if (waiting === undefined) this.#inbox.push(frame)
        else waiting(frame)
        this.#bytes = this.#bytes.subarray(end)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      for (const resolve of this.#waiting.splice(0)) resolve('closed')
    })
  }

  static async open({ host, port }: { host: string; port: number }): Promise<RawClient> {
    const socket = connect({ host, port })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Rejects where the broker closes the connection instead of answering. */
  async ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    const correlationId = this.send(api, version, body)
    const frame = await this.frame()
    const header = decodeResponseHeader(api, version, frame, 0)
    if (header.correlationId !== correlationId)
      throw new Error(`answer ${header.correlationId} to question ${correlationId}`)
    return decodeResponse(api, version, frame, header.bodyOffset)
  }

  send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): number {
    const correlationId = ++this.#correlationId
    this.#socket.write(encodeRequest(api, version, { correlationId, clientId: 'raw' }, body))
    return correlationId
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The next frame, without its length. */
  async frame(): Promise<Buffer> {
    const arrived = this.#inbox.shift()
    if (arrived !== undefined) return arrived
    if (this.#closed) throw new Error('closed')
    const frame = await new Promise<Buffer | 'closed'>((resolve) => this.#waiting.push(resolve))
    if (frame === 'closed') throw new Error('closed')
    return frame
  }

  get isClosed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#socket.destroy()
  }
}
