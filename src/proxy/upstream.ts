import { performance } from 'node:perf_hooks'
import type tls from 'node:tls'
import { AssertionError } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import type { Observer } from '../observer.ts'
import {
  DecodeError,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../protocol/index.ts'
import {
  answeredSessionId,
  answeredSessionIdEndsAt,
  everyPartitionAcked,
  noteAcked,
  patchProduceResponse,
} from '../router/index.ts'
import type { BufferPool } from './buffers.ts'
import { Connection, type ConnectionHandler } from './connection.ts'
import { Exchange } from './exchange.ts'
import { Queue } from './queue.ts'
import { Standstill } from './stalls.ts'
import { connectTransport } from './transport.ts'

/** Who uses an upstream connection: a client's session, or the sidecar itself. */
export interface UpstreamOwner {
  /** Where streamed answers go. */
  readonly downstream: Connection | null
  /** Whether an answer may be handed over now: answers leave in the order of the questions. */
  isTurn(of: Exchange): boolean
  /** Whether a Fetch was asked before the splice, and is answered behind it: it is gathered, and cut. */
  isLate(of: Exchange): boolean
  /** Whether this answer's turn comes directly after the present one's. */
  isNext(of: Exchange | undefined): boolean
  /** Bytes of the answer whose turn it is, in the upstream's buffer. */
  streamed(bytes: Buffer, from: Connection): void
  /** A gathered answer, without its length, in the upstream's buffer. */
  collected(of: Exchange, answer: Buffer): void
  /** The answer has been handed over whole. */
  finished(of: Exchange): void
  /** A Fetch was answered in this session (KIP-227); 0 is none. */
  fetchSession(sessionId: number, from: Upstream): void
  upstreamClosed(upstream: Upstream, error: CutoverError): void
  /** A bug of ours closed the connection. */
  readonly broke: (error: unknown) => void
}

export interface UpstreamOptions {
  readonly cluster: ClusterName
  readonly address: { readonly host: string; readonly port: number }
  readonly tls: tls.ConnectionOptions | undefined
  /** What is said on a new connection before anything else: versions, login. */
  readonly greet: (upstream: Upstream) => Promise<void>
  readonly answerBytesMax: number
  readonly pool: BufferPool
  readonly observer: Observer
}

/** How long a connection that is being closed may take to flush what was sent last. */
const lingerMs = 5_000
/** Answers come in order, so that this need not differ from a client's; it reads "KC" in a capture. */
const ownCorrelationId = 0x4b43

/**
 * One connection to one broker. It belongs to one client connection (or to the sidecar): identity,
 * quotas and order stay per client. Answers come in the order of the requests, so the first in flight
 * is always the one that is being answered.
 *
 *     opening --connected, greeted--> ready --error, end--> closed
 */
export class Upstream implements ConnectionHandler {
  readonly cluster: ClusterName
  readonly peer: string
  /** Settles once: the connection can be used, or never will be. */
  readonly opened: Promise<void>
  readonly openedAt = performance.now()
  state: 'opening' | 'ready' | 'closed' = 'opening'
  /** A request without an answer (acks=0) went this way: only a closed connection tells of its failure. */
  unanswered = false
  /** `performance.now()` from which on a login must be renewed before the next request (KIP-368). */
  renewLoginAt = Infinity
  /** The renewal that is under way. */
  renewing: Promise<void> | undefined
  readonly #owner: UpstreamOwner
  readonly #options: UpstreamOptions
  readonly #connection: Connection
  readonly #inFlight = new Queue<Exchange>()
  readonly #standstill = new Standstill()
  /** What is left of the answer that is streaming, in bytes. */
  #streamLeft = 0
  #failure: CutoverError | undefined
  #isConnected = false
  #lingering: NodeJS.Timeout | undefined
  #resolveConnected: (() => void) | undefined
  #rejectConnected: ((error: Error) => void) | undefined

  constructor(owner: UpstreamOwner, options: UpstreamOptions) {
    this.#owner = owner
    this.#options = options
    this.cluster = options.cluster
    const connected = new Promise<void>((resolve, reject) => {
      this.#resolveConnected = resolve
      this.#rejectConnected = reject
    })
    this.#connection = new Connection(options.pool, this).attach((connection) =>
      connectTransport(options.address, options.tls, connection),
    )
    this.peer = this.#connection.peer
    options.observer.upstreamOpened(this.cluster)
    this.opened = connected
      .then(() => options.greet(this))
      .then(
        () => {
          if (this.state === 'closed') throw this.#failure ?? this.#gone()
          this.state = 'ready'
        },
        (error: unknown) => {
          this.close(asCutoverError(error, 'upstream_connect'))
          throw this.#failure ?? error
        },
      )
    this.opened.catch(() => {})
  }

  get inFlight(): Queue<Exchange> {
    return this.#inFlight
  }

  /** Whether a client waits for an answer of this broker; requests of our own are asked again. */
  get owesAnswers(): boolean {
    for (const { turn } of this.#inFlight) if (turn !== null) return true
    return false
  }

  /** Whether the login must be renewed before the next request. */
  get loginExpires(): boolean {
    return this.renewLoginAt !== Infinity && performance.now() >= this.renewLoginAt
  }

  get blocked(): boolean {
    return this.#connection.blocked
  }

  /** How long the broker has taken nothing of what waits for it. */
  takesNothingMs(now: number): number {
    return this.#standstill.lastsMs(now, this.#connection)
  }

  /** Sends bytes of requests; whoever writes has announced them with `expect`. */
  write(bytes: Uint8Array, source: Connection | null): void {
    this.#options.observer.sent(this.cluster, bytes.length)
    this.#connection.write(bytes, source ?? this.#connection)
  }

  expect(answer: Exchange): void {
    answer.cluster = this.cluster
    this.#inFlight.push(answer)
  }

  /** A request of our own on this connection. @param waitMs how long the broker may wait by itself */
  request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    waitMs = 0,
  ): Promise<Decoded<S>> {
    return this.requestAnswer(api, version, body, waitMs).then((frame) => {
      const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
      return decodeResponse(api, version, frame, bodyOffset)
    })
  }

  /** The same; gives the answer's frame undecoded (a broker may answer in another version). */
  requestAnswer<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    waitMs = 0,
  ): Promise<Buffer> {
    const header = { correlationId: ownCorrelationId, clientId: 'kafka-cutover' }
    const frame = encodeRequest(api, version, header, body)
    return new Promise((resolve, reject) => {
      if (this.state === 'closed') return reject(this.#failure ?? this.#gone())
      this.#rejections.add(reject)
      const own = new Exchange(api.key, version, ownCorrelationId, 'collect')
      own.turn = null
      own.waitMs = waitMs
      own.take = (answer) => {
        this.#rejections.delete(reject)
        resolve(Buffer.from(answer))
      }
      this.expect(own)
      this.write(frame, null)
    })
  }
  readonly #rejections = new Set<(error: Error) => void>()

  /** The turn has changed: an answer that waited may go. */
  wake(): void {
    if (this.#connection.blocked) this.#connection.unblock()
  }

  /** Flushes what is written, then closes: nothing more is expected. Who does not take it is left. */
  end(): void {
    if (this.state === 'closed') return
    this.#failure ??= this.#gone()
    this.#connection.end()
    this.#lingering ??= setTimeout(() => this.#connection.destroy(), lingerMs).unref()
  }

  close(error: CutoverError): void {
    if (this.state === 'closed') return
    this.#failure ??= error
    this.#connection.destroy()
  }

  connected(): void {
    this.#isConnected = true
    this.#resolveConnected?.()
  }

  ended(): void {
    this.#connection.destroy()
  }

  closed(error: Error | undefined): void {
    const opening = this.state === 'opening'
    this.state = 'closed'
    clearTimeout(this.#lingering)
    if (error instanceof AssertionError) this.#owner.broke(error)
    this.#options.observer.upstreamClosed(this.cluster)
    const what = !opening
      ? 'closed the connection'
      : this.#isConnected
        ? `closed the connection before it let us in${this.#options.tls === undefined ? `: does it want TLS (${this.cluster}.tls)?` : ''}`
        : 'could not be reached'
    const failure =
      this.#failure ??
      (error instanceof CutoverError ? error : undefined) ??
      new CutoverError(
        opening ? 'upstream_connect' : 'upstream_closed',
        `${this.peer} ${what}${error === undefined ? '' : `: ${error.message}`}`,
        { cause: error },
      )
    this.#failure = failure
    this.#rejectConnected?.(failure)
    for (const reject of this.#rejections) reject(failure)
    this.#rejections.clear()
    this.#owner.upstreamClosed(this, failure)
  }

  received(buffer: Buffer, start: number, end: number): number {
    try {
      return this.#receive(buffer, start, end)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#invalid(`sent an answer that cannot be read: ${error.message}`)
      return end
    }
  }

  #receive(buffer: Buffer, start: number, end: number): number {
    let position = start
    let runStart = start
    const flush = (): void => {
      if (position > runStart) {
        this.#owner.streamed(buffer.subarray(runStart, position), this.#connection)
      }
      runStart = position
    }
    while (position < end) {
      if (this.#streamLeft > 0) {
        const patcher = this.#inFlight.first?.patcher
        const upTo = position + Math.min(this.#streamLeft, end - position)
        const passed = patcher == null ? upTo : patcher.patch(buffer, position, upTo)
        this.#streamLeft -= passed - position
        position = passed
        // What the patcher leaves is less than a field, and comes again with what follows it.
        if (this.#streamLeft > 0) break
        const done = this.#inFlight.shift() as Exchange
        // Answers that follow each other on both sides leave in one write.
        if (!this.#owner.isNext(this.#inFlight.first)) flush()
        this.#owner.finished(done)
        continue
      }
      const answer = this.#inFlight.first
      if (answer === undefined) {
        flush()
        this.#invalid('sent an answer that nobody asked for')
        break
      }
      if (end - position < 8) break
      const size = buffer.readInt32BE(position)
      if (size < 4 || buffer.readInt32BE(position + 4) !== answer.correlationId) {
        flush()
        this.#invalid('sent an answer with a wrong length or correlation id')
        break
      }
      if (answer.turn !== null && !this.#owner.isTurn(answer.turn)) {
        flush()
        this.#connection.block()
        break
      }
      if (answer.kind === 'stream' || answer.kind === 'moved') {
        this.#streamLeft = size + 4
        continue
      }
      if (answer.kind === 'fetch' && !this.#owner.isLate(answer)) {
        if (end - position < Math.min(size + 4, answeredSessionIdEndsAt)) break
        if (size + 4 >= answeredSessionIdEndsAt && answer.version >= 7) {
          const sessionId = answeredSessionId(buffer, position, answer.version)
          this.#owner.fetchSession(sessionId, this)
        }
        this.#streamLeft = size + 4
        continue
      }
      if (size > this.#options.answerBytesMax) {
        flush()
        this.#invalid(`announced an answer of ${size} bytes, above limits.rewrittenResponseBytes`)
        break
      }
      if (end - position < size + 4) break
      if (answer.acked !== null) {
        noteAcked(buffer, position, position + size + 4, answer.version, answer.acked)
      }
      if (answer.shifts !== null) {
        patchProduceResponse(buffer, position, position + size + 4, answer.version, answer.shifts)
        answer.shifts = null
      }
      if (
        answer.kind === 'produce' &&
        everyPartitionAcked(buffer, position, position + 4 + size, answer.version)
      ) {
        this.#streamLeft = size + 4
        continue
      }
      flush()
      position += size + 4
      runStart = position
      this.#inFlight.shift()
      const frame = buffer.subarray(position - size, position)
      if (answer.take === null) this.#owner.collected(answer, frame)
      else answer.take(frame)
    }
    flush()
    if (position > start) this.#options.observer.received(this.cluster, position - start)
    return position
  }

  #invalid(what: string): void {
    this.close(new CutoverError('upstream_invalid', `${this.peer} ${what}`))
  }

  #gone(): CutoverError {
    return new CutoverError('upstream_closed', `the connection to ${this.peer} is closed`)
  }
}

export function asCutoverError(error: unknown, kind: CutoverError['kind']): CutoverError {
  if (error instanceof CutoverError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new CutoverError(kind, message, { cause: error })
}
