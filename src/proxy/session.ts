import { AssertionError } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import type { NodeId, SlotNumber } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import {
  apiByKey,
  apiName,
  apis,
  DecodeError,
  decodeRequestHeader,
  encodeResponse,
  errorCodes,
} from '../protocol/index.ts'
import {
  answerApiVersions,
  decide,
  destination,
  rewriters,
  routeFetch,
  routeProduce,
  seenFetch,
  seenProduce,
  type Destination,
  type Question,
  type RequestFrame,
  type RoutingTable,
} from '../router/index.ts'
import { saslTokenBytesMax, sniffFirstBytes, sniffRemedies } from '../security/index.ts'
import type { BufferPool } from './buffers.ts'
import type { ClusterClient, Identity } from './cluster-client.ts'
import { Connection, type ConnectionHandler } from './connection.ts'
import { Exchange } from './exchange.ts'
import { Queue } from './queue.ts'
import { SessionLogin, type LoginAnswer, type LoginPolicy } from './session-login.ts'
import type { Transport, TransportOwner } from './transport.ts'
import { asCutoverError, type Upstream, type UpstreamOwner } from './upstream.ts'

export interface SessionLimits {
  readonly requestBytesMax: number
  readonly inFlightRequestsMax: number
  readonly answerTimeoutMs: number
  readonly unfinishedRequestTimeoutMs: number
  readonly unreadAnswerTimeoutMs: number
  readonly splitFetchWaitMs: number
}

/** What a session needs of the proxy that it belongs to. */
export interface SessionContext {
  readonly table: () => RoutingTable
  readonly source: ClusterClient
  /** Resolves when the source's brokers are known, rejects when that takes too long. */
  readonly discovered: () => Promise<void>
  /** Resolves when each of these brokers has a virtual one, as far as it can have. */
  readonly settled: (nodeIds: readonly NodeId[]) => Promise<void>
  readonly login: Omit<LoginPolicy, 'verify'>
  readonly limits: SessionLimits
  readonly pool: BufferPool
  readonly observer: Observer
  readonly log: Log
  readonly closed: (session: Session) => void
}

/** How often one request may find its broker gone before the client is sent away. */
const attemptsMax = 3
const frameBytesMin = 10
/** How long a connection that is being closed may take to flush its last answers. */
const lingerMs = 5_000
const legalBeforeLogin = new Set([
  apis.apiVersions.key,
  apis.saslHandshake.key,
  apis.saslAuthenticate.key,
])

/**
 * One client connection's life. Requests are routed one after the other; a request that cannot go yet
 * (its broker is being connected, a coordinator asked for) holds those behind it, as on a broker, which
 * handles one request of a connection at a time.
 *
 *     received -> request -> forward --stream--> upstream     answers (in the order of the requests)
 *                        \-> split, ask, answer here            <- streamed | collected, rewritten
 */
export class Session implements ConnectionHandler, UpstreamOwner {
  readonly id: number
  readonly downstream: Connection
  /** 0 is the bootstrap listener, which has no home. */
  readonly slot: SlotNumber | 0
  readonly #home: NodeId | undefined
  readonly #context: SessionContext
  readonly #login: SessionLogin
  readonly #upstreams = new Map<Destination, Upstream>()
  readonly #answers = new Queue<Exchange>()
  #fetchSession: { readonly id: number; readonly upstream: Upstream } | undefined

  /** The frame that is being passed on: what is left of it, in bytes, and where it goes. */
  #streamLeft = 0
  #streamTo: Upstream | undefined
  /** How often the request at hand has failed to find a broker, and whether it has been asked about. */
  #attempts = 0
  #asked = false
  #first = true
  #full = false
  /** No more requests are taken; the connection closes once every answer is out. */
  #draining = false
  #endingSince: number | undefined
  #closed = false
  #lastReceivedAt = performance.now()
  #unreadSince: number | undefined
  #unreadBytes = 0

  constructor(
    id: number,
    slot: SlotNumber | 0,
    home: NodeId | undefined,
    context: SessionContext,
    open: (owner: TransportOwner) => Transport,
  ) {
    this.id = id
    this.slot = slot
    this.#home = home
    this.#context = context
    this.#login = new SessionLogin({
      ...context.login,
      verify: (identity) => this.#verify(identity),
    })
    this.downstream = new Connection(context.pool, this)
    context.observer.downstreamOpened()
    this.downstream.attach(open)
  }

  connected(): void {}

  received(buffer: Buffer, start: number, end: number): number {
    let position = start
    let runStart = start
    let runTo: Upstream | undefined
    this.#lastReceivedAt = performance.now()
    while (position < end && !this.#closed) {
      if (this.#streamLeft > 0) {
        const bytes = Math.min(this.#streamLeft, end - position)
        if (this.#streamTo !== runTo) {
          runTo?.write(buffer.subarray(runStart, position), this.downstream)
          runTo = this.#streamTo
          runStart = position
        }
        this.#streamLeft -= bytes
        position += bytes
        continue
      }
      if (this.#draining) break
      if (this.#answers.length >= this.#context.limits.inFlightRequestsMax) {
        this.#full = true
        this.downstream.block()
        break
      }
      if (end - position < 4) break
      const size = buffer.readInt32BE(position)
      if (!this.#sizeAllowed(buffer, position, end, size)) break
      // What is not streamed may answer here, or go to the same broker in another form: what was
      // collected for one write must leave before it.
      const streams = this.#streams(buffer, position, end)
      if (!streams && runTo !== undefined) {
        runTo.write(buffer.subarray(runStart, position), this.downstream)
        runTo = undefined
      }
      const consumed = this.#request(buffer, position, end, size + 4)
      if (consumed > 0) position += consumed
      else if (this.#streamLeft === 0) break
      if (runTo === undefined) runStart = position
    }
    runTo?.write(buffer.subarray(runStart, position), this.downstream)
    if (this.#draining && this.#streamLeft === 0 && this.#answers.length === 0) this.#end()
    if (position > start) this.#context.observer.received('client', position - start)
    return position
  }

  /** Whether the frame at `at` is of the two kinds that are routed where they lie. */
  #streams(buffer: Buffer, at: number, end: number): boolean {
    return end - at >= 6 && buffer[at + 4] === 0 && (buffer[at + 5] as number) <= 1
  }

  #sizeAllowed(buffer: Buffer, at: number, end: number, size: number): boolean {
    const { requestBytesMax } = this.#context.limits
    const sizeMax = this.#login.expectsToken ? saslTokenBytesMax : requestBytesMax
    const sizeMin = this.#login.expectsToken ? 0 : frameBytesMin
    if (size >= sizeMin && size <= sizeMax) return true
    const spoken = this.#first ? sniffFirstBytes(buffer.subarray(at, end)) : 'unknown'
    if (spoken === 'http' || spoken === 'tls') {
      this.#fail(
        'not_kafka',
        `an application spoke ${spoken.toUpperCase()} on this port: ${sniffRemedies[spoken]}`,
      )
    } else if (size > sizeMax) {
      this.#fail(
        'frame_too_large',
        `an application announced a request of ${size} bytes; limits.requestBytes allows ${sizeMax}`,
      )
    } else {
      this.#fail('frame_invalid', `an application announced a request of ${size} bytes`)
    }
    return false
  }

  /**
   * Routes the request whose frame lies at `at`. Returns how many bytes were dealt with here; 0 when
   * more bytes or facts are needed; or 0 with `#streamLeft` set when the frame is to be passed on.
   */
  #request(buffer: Buffer, at: number, end: number, frameBytes: number): number {
    if (this.#login.expectsToken) {
      if (end - at < frameBytes) return 0
      this.#logIn(this.#login.token(Buffer.from(buffer.subarray(at + 4, at + frameBytes))), 36)
      return frameBytes
    }
    if (end - at < 12) return 0
    const apiKey = buffer.readInt16BE(at + 4)
    const version = buffer.readInt16BE(at + 6)
    if (!this.#versionAllowed(apiKey, version)) return 0
    this.#first = false
    if (!this.#login.allowed && !legalBeforeLogin.has(apiKey)) {
      this.#fail('auth_downstream', `an application sent ${apiName(apiKey)} before it logged in`)
      return 0
    }
    try {
      if (apiKey === apis.produce.key) return this.#produce(buffer, at, end, frameBytes, version)
      if (end - at < frameBytes) return 0
      if (apiKey === apis.fetch.key) return this.#fetch(buffer, at, frameBytes, version)
      return this.#other(buffer.subarray(at + 4, at + frameBytes), frameBytes)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#fail(
        'frame_invalid',
        `an application sent a ${apiName(apiKey)} v${version} that cannot be read: ${error.message}`,
      )
      return 0
    }
  }

  #versionAllowed(apiKey: number, version: number): boolean {
    // One that we do not know is answered too, with those that we do (KIP-511).
    if (apiKey === apis.apiVersions.key && version >= 0) return true
    // Logging in comes before versions are asked, in old clients.
    if (apiKey === apis.saslHandshake.key || apiKey === apis.saslAuthenticate.key) {
      const range = apiByKey(apiKey)?.versions
      if (range !== undefined && version >= range.min && version <= range.max) return true
    }
    const { offered } = this.#context.table()
    if (offered.size === 0) {
      this.#awaitDiscovery()
      return false
    }
    const range = offered.get(apiKey)
    if (range !== undefined && version >= range.min && version <= range.max) return true
    this.#fail(
      'unsupported_api',
      range === undefined
        ? `an application asked for API ${apiName(apiKey)} (${apiKey}), which is not offered`
        : `an application asked for ${apiName(apiKey)} v${version}; offered are ${range.min} to ${range.max}`,
    )
    return false
  }

  #produce(buffer: Buffer, at: number, end: number, frameBytes: number, version: number): number {
    const table = this.#context.table()
    const frameEnd = at + frameBytes
    const route = routeProduce(table, buffer, at, Math.min(end, frameEnd), frameEnd, version)
    switch (route) {
      case 'incomplete':
        return 0
      case 'malformed':
        this.#fail('frame_invalid', 'an application sent a Produce that cannot be read')
        return 0
      case 'unknown':
        if (this.#askLeader(seenProduce.unknownTopic)) return 0
        return this.#passOn(buffer, at, frameBytes, this.#homeOrAny(), version, 'produce')
      case 'split':
        if (end < frameEnd) return 0
        return this.#other(buffer.subarray(at + 4, frameEnd), frameBytes)
      default:
        return this.#passOn(buffer, at, frameBytes, route, version, 'produce')
    }
  }

  #fetch(buffer: Buffer, at: number, frameBytes: number, version: number): number {
    const table = this.#context.table()
    const route = routeFetch(table, buffer, at, at + frameBytes, version, this.#home)
    const { sessionId, sessionEpoch } = seenFetch
    if (route === 'malformed') {
      this.#fail('frame_invalid', 'an application sent a Fetch that cannot be read')
      return 0
    }
    if (sessionId !== 0 && sessionEpoch > 0) {
      // An incremental fetch (KIP-227) means something to the broker that has its session only.
      const session = this.#fetchSession
      const there =
        session?.id === sessionId &&
        session.upstream.state !== 'closed' &&
        (route === 'none' || this.#upstreamAt(route) === session.upstream)
      if (!there) return this.#endFetchSession(buffer, at, frameBytes, version)
      return this.#passOn(buffer, at, frameBytes, session.upstream, version, 'fetch')
    }
    if (route === 'unknown') {
      if (this.#askLeader(seenFetch.unknownTopic)) return 0
      return this.#passOn(buffer, at, frameBytes, this.#homeOrAny(), version, 'fetch')
    }
    if (route === 'split') return this.#other(buffer.subarray(at + 4, at + frameBytes), frameBytes)
    const to = route === 'none' ? this.#homeOrAny() : route
    return this.#passOn(buffer, at, frameBytes, to, version, 'fetch')
  }

  #upstreamAt(route: Destination | string): Upstream | undefined {
    return typeof route === 'string' ? undefined : this.#upstreams.get(route)
  }

  /** The client begins a new session, with all of its partitions. */
  #endFetchSession(buffer: Buffer, at: number, frameBytes: number, version: number): number {
    this.#fetchSession = undefined
    const correlationId = buffer.readInt32BE(at + 8)
    this.#answerHere(
      apis.fetch.key,
      version,
      correlationId,
      encodeResponse(apis.fetch, version, correlationId, {
        errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND,
        responses: [],
      }),
    )
    return frameBytes
  }

  /** Passes a Produce or Fetch on as it is, in the chunks in which it comes. */
  #passOn(
    buffer: Buffer,
    at: number,
    frameBytes: number,
    to: Destination | Upstream | undefined,
    version: number,
    kind: 'produce' | 'fetch',
  ): 0 {
    const upstream = to !== undefined && 'nodeId' in to ? this.#upstream(to) : this.#usable(to)
    if (upstream === undefined) return 0
    const correlationId = buffer.readInt32BE(at + 8)
    if (kind === 'produce' && seenProduce.acks === 0) {
      upstream.unanswered = true
    } else {
      const sent = new Exchange(kind === 'produce' ? 0 : 1, version, correlationId, kind)
      if (kind === 'fetch') sent.waitMs = seenFetch.maxWaitMs
      this.#answers.push(sent)
      upstream.expect(sent)
    }
    this.#requestSent()
    this.#streamTo = upstream
    this.#streamLeft = frameBytes
    return 0
  }

  /** Every other request: decided when whole. `frame` is valid only during the call. */
  #other(frame: Buffer, frameBytes: number): number {
    const context = this.#context
    const header = decodeRequestHeader(frame, 0)
    const { apiKey, apiVersion: version, correlationId, clientId, bodyOffset } = header
    const api = apiByKey(apiKey)
    if (apiKey === apis.apiVersions.key) {
      const table = context.table()
      if (table.offered.size === 0 && version <= apis.apiVersions.versions.max) {
        this.#awaitDiscovery()
        return 0
      }
      this.#answerHere(
        apiKey,
        version,
        correlationId,
        answerApiVersions(table, version, correlationId),
      )
      return frameBytes
    }
    if (api === undefined) return 0
    const request: RequestFrame = { api, version, correlationId, clientId, frame, bodyOffset }
    if (apiKey === apis.saslHandshake.key) {
      this.#logIn(Promise.resolve(this.#login.handshake(request)), apiKey)
      return frameBytes
    }
    if (apiKey === apis.saslAuthenticate.key) {
      this.#logIn(this.#login.authenticate({ ...request, frame: Buffer.from(frame) }), apiKey)
      return frameBytes
    }
    if (!context.source.discovered) {
      this.#awaitDiscovery()
      return 0
    }
    const decision = decide(
      context.table(),
      request,
      (of, key) => context.source.coordinator(of, key),
      context.limits,
    )
    switch (decision.kind) {
      case 'ask':
        if (this.#ask(decision.question)) return 0
        return this.#forward(request, this.#homeOrAny(), frameBytes)
      case 'forward': {
        const to =
          decision.to === 'any'
            ? this.#any()
            : decision.to === 'home'
              ? this.#homeOrAny()
              : decision.to
        return this.#forward(request, to, frameBytes)
      }
      case 'split': {
        const upstreams = decision.parts.map(({ to }) =>
          this.#upstream(to === 'any' ? this.#any() : to),
        )
        if (!upstreams.every((upstream) => upstream !== undefined)) return 0
        const acks0 = apiKey === apis.produce.key && seenProduce.acks === 0
        const whole = this.#exchangeFor(request, 'collect')
        if (!acks0) this.#answers.push(whole)
        const answers: Buffer[] = []
        decision.parts.forEach((part, i) => {
          const upstream = upstreams[i] as Upstream
          if (acks0) upstream.unanswered = true
          else {
            const mine = new Exchange(apiKey, version, correlationId, 'collect', whole.sentAt)
            mine.turn = whole
            mine.waitMs = whole.waitMs
            mine.take = (answer) => {
              answers.push(Buffer.from(answer))
              if (answers.length === decision.parts.length) {
                this.#rewrite(whole, () => decision.merge(answers).subarray(4))
              }
            }
            upstream.expect(mine)
          }
          upstream.write(part.frame, this.downstream)
        })
        this.#requestSent()
        return frameBytes
      }
    }
  }

  #forward(request: RequestFrame, to: Destination | undefined, frameBytes: number): number {
    const upstream = this.#upstream(to)
    if (upstream === undefined) return 0
    const names = rewriters.has(request.api.key)
    const sent = this.#exchangeFor(request, names ? 'collect' : 'stream')
    this.#answers.push(sent)
    upstream.expect(sent)
    this.#requestSent()
    const { frame } = request
    // The length lies directly before the frame in the same buffer.
    upstream.write(
      Buffer.from(frame.buffer, frame.byteOffset - 4, frame.length + 4),
      this.downstream,
    )
    return frameBytes
  }

  #exchangeFor(request: RequestFrame, kind: 'collect' | 'stream'): Exchange {
    const { api, version, correlationId, frame } = request
    const sent = new Exchange(api.key, version, correlationId, kind)
    sent.waitMs = ownWaitMs(request)
    if (kind === 'collect') sent.request = { ...request, frame: Buffer.from(frame) }
    return sent
  }

  #requestSent(): void {
    this.#attempts = 0
    this.#asked = false
  }

  /** An answer that is made here leaves when those before it have. */
  #answerHere(apiKey: number, version: number, correlationId: number, answer: Buffer): void {
    const made = new Exchange(apiKey, version, correlationId, 'made')
    made.answer = answer
    this.#answers.push(made)
    this.#flushAnswers()
  }

  collected(sent: Exchange, frame: Buffer): void {
    this.#rewrite(sent, () => Buffer.from(frame))
  }

  /** A gathered answer: what it tells is learned, the brokers in it become virtual. */
  #rewrite(sent: Exchange, gather: () => Buffer): void {
    const request = sent.request ?? produceRequest(sent)
    try {
      const frame = gather()
      const rewriter = rewriters.get(sent.apiKey)
      if (rewriter === undefined) {
        this.#answered(sent, withLength(frame))
        return
      }
      const naming = rewriter(request, frame)
      for (const fact of naming.facts) this.#context.source.learn(fact)
      const encode = (): void => this.#answered(sent, naming.encode(this.#context.table()))
      const { slotOf } = this.#context.table()
      if (naming.nodeIds.every((id) => slotOf.has(id))) encode()
      else this.#context.settled(naming.nodeIds).then(encode).catch(this.broke)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#fail(
        'upstream_invalid',
        `a broker answered ${request.api.name} v${request.version} with bytes that cannot be read: ${error.message}`,
      )
    }
  }

  #answered(sent: Exchange, answer: Buffer): void {
    sent.answer = answer
    this.#flushAnswers()
  }

  #flushAnswers(): void {
    let first = this.#answers.first
    while (first?.answer != null && !this.#closed) {
      const { observer } = this.#context
      observer.sent('client', first.answer.length)
      this.downstream.write(first.answer, this.downstream)
      const answerer = first.kind === 'made' ? 'sidecar' : 'source'
      observer.requestAnswered(first.apiKey, answerer, (performance.now() - first.sentAt) / 1000)
      this.#answers.shift()
      first = this.#answers.first
    }
    this.#turnChanged()
  }

  isTurn(of: Exchange): boolean {
    return this.#answers.first === of
  }

  isNext(of: Exchange | undefined): boolean {
    return of !== undefined && of.kind !== 'collect' && this.#answers.second === of
  }

  streamed(bytes: Buffer, from: Connection): void {
    this.#context.observer.sent('client', bytes.length)
    this.downstream.write(bytes, from)
  }

  finished(of: Exchange): void {
    this.#context.observer.requestAnswered(
      of.apiKey,
      'source',
      (performance.now() - of.sentAt) / 1000,
    )
    this.#answers.shift()
    if (this.#answers.first?.answer != null) this.#flushAnswers()
    else this.#turnChanged()
  }

  #turnChanged(): void {
    if (this.#answers.length > 0) {
      for (const upstream of this.#upstreams.values()) upstream.wake()
    } else if (this.#draining) {
      this.#end()
      return
    }
    if (this.#full && this.#answers.length < this.#context.limits.inFlightRequestsMax) {
      this.#full = false
      this.downstream.unblock()
    }
  }

  fetchSession(_of: Exchange, sessionId: number, from: Upstream): void {
    this.#fetchSession = sessionId === 0 ? undefined : { id: sessionId, upstream: from }
  }

  #homeOrAny(): Destination | undefined {
    const { source } = this.#context
    return this.#home !== undefined && source.topology.brokers.has(this.#home)
      ? destination(source.name, this.#home)
      : this.#any()
  }

  /** A broker for what every broker answers: one that is connected already, or the home. */
  #any(): Destination | undefined {
    const { source } = this.#context
    const home = this.#home === undefined ? undefined : destination(source.name, this.#home)
    if (home !== undefined && this.#upstreams.get(home)?.state === 'ready') return home
    for (const [to, upstream] of this.#upstreams) if (upstream.state === 'ready') return to
    return source.anyBroker(this.#home)
  }

  /** The connection to a broker, or undefined while it is being made; then the request waits. */
  #upstream(to: Destination | undefined): Upstream | undefined {
    const { source } = this.#context
    if (to === undefined || !source.topology.brokers.has(to.nodeId)) {
      if (this.#attempts++ < attemptsMax) this.#await(source.refresh())
      else this.#fail('upstream_connect', 'no broker of the source is known that could answer')
      return undefined
    }
    let upstream = this.#upstreams.get(to)
    if (upstream === undefined || upstream.state === 'closed') {
      upstream = source.open(this, to, source.identity ?? this.#login.identity)
      this.#upstreams.set(to, upstream)
    }
    return this.#usable(upstream)
  }

  #usable(upstream: Upstream | undefined): Upstream | undefined {
    if (upstream === undefined) return undefined
    if (upstream.state === 'ready' && !upstream.loginExpires) return upstream
    this.#await(
      upstream.state === 'ready'
        ? this.#context.source.renewLogin(upstream, this.#login.identity)
        : upstream.opened,
    )
    return undefined
  }

  /** Stops taking requests until `facts` are there; the request at hand is then decided anew. */
  #await(facts: Promise<unknown>): void {
    this.downstream.block()
    void facts.then(
      () => this.downstream.unblock(),
      (error: unknown) => {
        if (this.#closed) return
        if (++this.#attempts >= attemptsMax) {
          this.#failWith(asCutoverError(error, 'upstream_connect'))
          return
        }
        // The broker may have gone, and its partitions moved: look again, then decide anew.
        void this.#context.source.refresh().then(() => this.downstream.unblock())
      },
    )
  }

  /** The wait is bounded by itself: when it fails, there is nothing to try again. */
  #awaitDiscovery(): void {
    this.downstream.block()
    void this.#context.discovered().then(
      () => this.downstream.unblock(),
      (error: unknown) => this.#failWith(asCutoverError(error, 'upstream_connect')),
    )
  }

  /** Asks once for each request; returns false when it was asked already. */
  #askLeader(topic: string): boolean {
    return this.#ask({ kind: 'leaders', topics: topic === '' ? [] : [topic] })
  }

  #ask(question: Question): boolean {
    if (this.#asked) return false
    const { source } = this.#context
    if (!source.discovered) {
      this.#awaitDiscovery()
      return true
    }
    if (question.kind === 'leaders' && !source.mayAskLeaders(question.topics)) return false
    const through = this.#upstream(this.#any())
    if (through === undefined) return true
    this.#asked = true
    this.#await(
      question.kind === 'leaders'
        ? source.askLeaders(through, question.topics)
        : source.askCoordinators(through, question.of, question.keys),
    )
    return true
  }

  #logIn(step: Promise<LoginAnswer>, apiKey: number): void {
    this.downstream.block()
    step
      .then(({ answer, close, failure }) => {
        if (this.#closed) return
        if (failure !== undefined) this.#report(failure)
        if (close) this.#draining = true
        if (answer.length > 0) this.#answerHere(apiKey, 0, 0, answer)
        if (close) this.#end()
        else this.downstream.unblock()
      })
      .catch((error: unknown) => {
        if (error instanceof DecodeError) {
          this.#fail(
            'frame_invalid',
            `an application sent a login that cannot be read: ${error.message}`,
          )
        } else this.broke(error)
      })
  }

  /** Credentials that an application brought: the cluster says whether they hold. */
  async #verify(identity: NonNullable<Identity>): Promise<void> {
    const { source } = this.#context
    if (source.identity !== null) return
    await source.tryLogin(identity)
    source.lend(identity)
    if (!source.discovered) await this.#context.discovered()
  }

  upstreamClosed(upstream: Upstream, error: CutoverError): void {
    for (const [to, mine] of this.#upstreams) if (mine === upstream) this.#upstreams.delete(to)
    if (this.#fetchSession?.upstream === upstream) this.#fetchSession = undefined
    if (this.#closed) return
    const owed =
      upstream.inFlight.length > 0 ||
      upstream.unanswered ||
      (this.#streamTo === upstream && this.#streamLeft > 0)
    // A broker that goes away with nothing owed is connected again when it is needed.
    if (owed) this.#failWith(error)
  }

  /** As a broker does: who will send no more is not waited for, nor answered. */
  ended(): void {
    this.downstream.destroy()
  }

  closed(error: Error | undefined): void {
    if (this.#closed) return
    if (error instanceof AssertionError) this.#logBug(error)
    this.#closed = true
    // What was sent without asking for an answer (acks=0) still leaves.
    for (const upstream of this.#upstreams.values()) upstream.end()
    this.#context.observer.downstreamClosed()
    this.#context.closed(this)
  }

  /** Takes no more requests, lets those in flight finish, then closes. */
  drain(): void {
    if (this.#closed) return
    this.#draining = true
    if (this.#answers.length === 0 && this.#streamLeft === 0) this.#end()
  }

  /** Looks at every clock of the session; called about once a second. */
  sweep(now: number): void {
    const { limits } = this.#context
    if (this.#endingSince !== undefined) {
      if (now - this.#endingSince > lingerMs) this.downstream.destroy()
      return
    }
    for (const upstream of this.#upstreams.values()) {
      const first = upstream.inFlight.first
      if (first === undefined || upstream.blocked || upstream.state !== 'ready') continue
      if (this.downstream.unflushedBytes > 0) continue
      const waitedMs = now - first.sentAt
      if (waitedMs > limits.answerTimeoutMs + first.waitMs) {
        upstream.close(
          new CutoverError(
            'upstream_timeout',
            `${upstream.peer} did not answer ${apiName(first.apiKey)} within ${Math.round(waitedMs)} ms (limits.answerTimeout is ${limits.answerTimeoutMs})`,
          ),
        )
      }
    }
    const unfinished = this.#streamLeft > 0 || this.downstream.unconsumedBytes > 0
    if (
      unfinished &&
      !this.downstream.stopped &&
      now - this.#lastReceivedAt > limits.unfinishedRequestTimeoutMs
    ) {
      this.#fail(
        'client_idle',
        `an application left a request unfinished for ${limits.unfinishedRequestTimeoutMs} ms (limits.unfinishedRequestTimeout)`,
      )
    }
    const unread = this.downstream.unflushedBytes
    if (unread === 0 || unread !== this.#unreadBytes) {
      this.#unreadBytes = unread
      this.#unreadSince = unread === 0 ? undefined : now
    } else if (now - (this.#unreadSince ?? now) > limits.unreadAnswerTimeoutMs) {
      this.#fail(
        'client_idle',
        `an application left ${unread} bytes of answers unread for ${limits.unreadAnswerTimeoutMs} ms (limits.unreadAnswerTimeout)`,
      )
    }
  }

  #end(): void {
    this.#draining = true
    this.#endingSince ??= performance.now()
    this.downstream.end()
  }

  #fail(kind: CutoverError['kind'], message: string): void {
    this.#failWith(new CutoverError(kind, message))
  }

  #failWith(error: CutoverError): void {
    if (this.#closed) return
    this.#report(error)
    this.#draining = true
    this.downstream.block()
    this.#end()
  }

  /** A bug of ours ends this session, loudly, and nobody else's. */
  readonly broke = (error: unknown): void => {
    if (this.#closed) return
    this.#logBug(error)
    this.downstream.destroy()
  }

  #logBug(err: unknown): void {
    this.#context.log.error(
      { sessionId: this.id, peer: this.downstream.peer, err },
      'a session broke',
    )
  }

  #report(error: CutoverError): void {
    this.#context.observer.failed(error.kind)
    this.#context.log.warn(
      { sessionId: this.id, peer: this.downstream.peer, err: error.message },
      'a client connection was closed',
    )
  }
}

/** A Produce is passed on unparsed; its rewriter needs no more than this of it. */
function produceRequest(sent: Exchange): RequestFrame {
  return {
    api: apis.produce,
    version: sent.version,
    correlationId: sent.correlationId,
    clientId: null,
    frame: Buffer.alloc(0),
    bodyOffset: 0,
  }
}

function withLength(frame: Buffer): Buffer {
  const answer = Buffer.allocUnsafe(frame.length + 4)
  answer.writeInt32BE(frame.length)
  frame.copy(answer, 4)
  return answer
}

/** How long a broker may rightly keep a request: a rebalance lasts as long as its slowest member. */
function ownWaitMs(request: RequestFrame): number {
  return request.api.key === apis.joinGroup.key || request.api.key === apis.syncGroup.key
    ? joinWaitMs
    : 0
}

const joinWaitMs = 15 * 60_000
