import type { Socket } from 'node:net'
import {
  apis,
  DecodeError,
  decodeRequestHeader,
  encodeResponse,
  errorCodes,
  type RequestHeader,
} from '../protocol/index.ts'
import { handlers } from './apis/index.ts'
import type { Controls } from './control.ts'
import type { FetchSessions } from './fetch-sessions.ts'
import { FramesIn } from './frames-in.ts'
import { Login, type LoginStep } from './login.ts'
import { closeConnection, noAnswer, type Shared } from './shared.ts'
import { isOffered } from './versions.ts'

/**
 * One client connection of one broker. Requests are answered in order, one at a time: while one is
 * being handled no more bytes are read, as a broker mutes its channel. What is not a request that the
 * broker knows ends the connection.
 */
export interface ConnectionOwner {
  readonly shared: Shared
  readonly controls: Controls
  readonly nodeId: number
  readonly sessions: FetchSessions
}

export class Connection {
  readonly #id: number
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #frames: FramesIn
  readonly #login: Login
  readonly #gone = new AbortController()
  #busy = false

  constructor(id: number, socket: Socket, owner: ConnectionOwner) {
    this.#id = id
    this.#socket = socket
    this.#owner = owner
    this.#frames = new FramesIn(owner.shared.limits.requestBytesMax)
    this.#login = new Login(owner.shared.users)
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#frames.push(chunk)
      void this.#serve()
    })
    // A reset is an ordinary end of a connection.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#gone.abort())
  }

  close(): void {
    this.#socket.destroy()
    this.#gone.abort()
  }

  async #serve(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    this.#socket.pause()
    for (;;) {
      const frame = this.#frames.take()
      if (frame === 'invalid') this.close()
      if (frame === undefined || frame === 'invalid' || this.#gone.signal.aborted) break
      try {
        await this.#answer(frame)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        this.close()
      }
    }
    this.#busy = false
    if (!this.#gone.signal.aborted) this.#socket.resume()
  }

  async #answer(frame: Buffer): Promise<void> {
    if (this.#login.awaitsBareToken) return this.#step(this.#login.bareToken(frame))
    const header = decodeRequestHeader(frame, 0)
    const { apiKey, apiVersion } = header
    const { versions } = this.#owner.shared
    if (!isOffered(versions, apiKey, apiVersion)) {
      if (apiKey !== apis.apiVersions.key) return this.close()
      return this.#send(unsupportedApiVersions(header, this.#owner.shared))
    }
    const decision = await this.#decide(frame, header)
    if (decision === undefined) return
    if (apiKey === apis.saslHandshake.key) return this.#step(this.#login.handshake(frame, header))
    if (apiKey === apis.saslAuthenticate.key)
      return this.#step(this.#login.authenticate(frame, header))
    if (!this.#login.isDone && apiKey !== apis.apiVersions.key) return this.close()
    await this.#handle(frame, header, decision.losesAnswer)
  }

  /** What a control makes of the request; undefined where there is nothing left to do. */
  async #decide(
    frame: Buffer,
    header: RequestHeader,
  ): Promise<{ readonly losesAnswer: boolean } | undefined> {
    const { controls, nodeId } = this.#owner
    if (!controls.has(header.apiKey)) return { losesAnswer: false }
    const peer = `${this.#socket.remoteAddress ?? ''}:${this.#socket.remotePort ?? 0}`
    const decision = await controls.decide(frame, nodeId, { id: this.#id, peer, header })
    switch (decision.kind) {
      case 'go-on':
        return { losesAnswer: false }
      case 'lose-answer':
        return { losesAnswer: true }
      case 'answer':
        await this.#send(decision.frame)
        return undefined
      case 'drop':
        this.close()
        return undefined
      case 'swallow':
        return undefined
      case 'delay':
        await this.#delay(decision.ms)
        return { losesAnswer: false }
    }
  }

  /** No longer than there is a connection. */
  async #delay(ms: number): Promise<void> {
    const gone = this.#gone.signal
    await new Promise<void>((resolve) => {
      const finish = () => {
        timer.cancel()
        gone.removeEventListener('abort', finish)
        resolve()
      }
      const timer = this.#owner.shared.clock.setTimeout(finish, ms)
      gone.addEventListener('abort', finish)
    })
  }

  async #handle(frame: Buffer, header: RequestHeader, losesAnswer: boolean): Promise<void> {
    const { shared, nodeId, sessions } = this.#owner
    const outcome = await handlers.get(header.apiKey)?.answer(frame, header, {
      shared,
      nodeId,
      sessions,
      apiVersion: header.apiVersion,
      clientId: header.clientId,
      clientHost: this.#socket.remoteAddress ?? '',
      gone: this.#gone.signal,
    })
    if (outcome === undefined || outcome === closeConnection || losesAnswer) return this.close()
    if (outcome === noAnswer || this.#gone.signal.aborted) return
    await this.#send(outcome)
  }

  async #step({ answer, isOver }: LoginStep): Promise<void> {
    if (answer !== undefined) await this.#send(answer)
    if (isOver) this.#socket.end(() => this.close())
  }

  /** Resolves when the client has taken what was sent before, or has gone. */
  async #send(frame: Buffer): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(frame)) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
    })
  }
}

/** KIP-511: in version 0, with the one range that the client needs to ask again. */
function unsupportedApiVersions({ correlationId }: RequestHeader, { versions }: Shared): Buffer {
  const range = versions.get(apis.apiVersions.key)
  const known = range === undefined ? [] : [range]
  return encodeResponse(apis.apiVersions, 0, correlationId, {
    errorCode: errorCodes.UNSUPPORTED_VERSION,
    apiKeys: known.map(({ min, max }) => ({
      apiKey: apis.apiVersions.key,
      minVersion: min,
      maxVersion: max,
    })),
  })
}
