import { performance } from 'node:perf_hooks'
import { AssertionError } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import type { SlotNumber } from '../ids.ts'
import { apiByKey, apiName, apis, decodeRequestHeader } from '../protocol/index.ts'
import { loginFlaw, sizeFlaw, tokenSizeFlaw, versionFlaw } from './admission.ts'
import { Answers, type AnswersOwner } from './answers.ts'
import { Brokers } from './brokers.ts'
import { Connection, type ConnectionHandler } from './connection.ts'
import type { SessionContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import { cutLateFetch, type NamingAnswer } from '../router/index.ts'
import { unreadable, type Outcome, type RequestsOwner } from './request.ts'
import { Requests } from './requests.ts'
import { learn, rewrite, unreadableAnswer, type Rewritten } from './rewriting.ts'
import { Run } from './run.ts'
import { SessionLogin, type LoginAnswer } from './session-login.ts'
import { isUnresolved } from './unresolved.ts'
import { Stalls } from './stalls.ts'
import type { Reading } from './topics-read.ts'
import type { Transport, TransportOwner } from './transport.ts'
import type { Identity } from './upstream-login.ts'
import type { Upstream, UpstreamOwner } from './upstream.ts'

/** How long a connection that is being closed may take to flush its last answers. */
const lingerMs = 5_000

/**
 * One client connection's life.
 *
 *     serving --drain, fail, refused login--> ending --flushed, or lingered--> closed
 *        \________ client gone, bug ____________________________________________/
 *
 *     received -> Requests -> Run    -> Upstream -> broker
 *                    \-> made here |      |
 *     client <----- Answers <------ rewritten | streamed
 */
export class Session
  implements ConnectionHandler, UpstreamOwner, RequestsOwner, AnswersOwner, Rewritten
{
  readonly id: number
  readonly context: SessionContext
  readonly downstream: Connection
  readonly brokers: Brokers
  readonly answers: Answers
  readonly run: Run
  readonly #login: SessionLogin
  readonly #requests: Requests
  readonly #stalls: Stalls
  readonly #whenClosed: (session: Session) => void
  /** The frame that is being passed on: what is left of it, in bytes, and where it goes. */
  #streamLeft = 0
  #streamTo: Upstream | undefined
  /** How many requests have been passed on whole. */
  #streamed = 0
  #first = true
  /** As many requests are unanswered as may be. */
  #full = false
  #endingSince: number | undefined
  #draining = false
  #closed = false

  /** @param slot the virtual broker that was asked; 0 for the bootstrap listener */
  constructor(
    id: number,
    slot: SlotNumber | 0,
    context: SessionContext,
    open: (owner: TransportOwner) => Transport,
    whenClosed: (session: Session) => void,
  ) {
    this.id = id
    this.context = context
    this.#whenClosed = whenClosed
    this.downstream = new Connection(context.pool, this)
    this.brokers = new Brokers(this, context, slot)
    this.answers = new Answers(this, context.observer)
    this.run = new Run(this.downstream)
    this.#requests = new Requests(this)
    this.#stalls = new Stalls(context.limits)
    this.#login = new SessionLogin({
      ...context.login,
      verify: (identity) => this.#verify(identity),
    })
    context.observer.downstreamOpened()
    this.downstream.attach(open)
  }

  connected(): void {}

  received(buffer: Buffer, start: number, end: number): number {
    let position = start
    this.#stalls.received(performance.now())
    // A login that is being judged blocks; what came behind it is presented again.
    while (position < end && !this.#closed && !this.downstream.blocked) {
      if (this.#streamLeft > 0 && this.#streamTo !== undefined) {
        const bytes = Math.min(this.#streamLeft, end - position)
        this.run.add(this.#streamTo, buffer, position, position + bytes)
        this.#streamLeft -= bytes
        if (this.#streamLeft === 0) this.#streamed++
        position += bytes
        continue
      }
      if (this.#draining) {
        // Nothing more is taken of a client that goes on sending.
        this.downstream.block()
        break
      }
      if (end - position < 4 || this.#isFull()) break
      const frameEnd = position + 4 + buffer.readInt32BE(position)
      const flaw = this.#login.expectsToken
        ? tokenSizeFlaw(frameEnd - position - 4)
        : sizeFlaw(
            frameEnd - position - 4,
            this.context.limits.requestBytesMax,
            this.#first ? buffer.subarray(position, end) : undefined,
          )
      if (flaw !== undefined) {
        this.fail(flaw)
        break
      }
      const outcome = this.#request(buffer, position, end, frameEnd)
      if (outcome === 'wait') break
      if (outcome === 'done') position = frameEnd
      else {
        this.#streamTo = outcome
        this.#streamLeft = frameEnd - position
      }
    }
    this.run.flush()
    this.#endIfDrained()
    if (position > start) this.context.observer.received('client', position - start)
    return position
  }

  #request(buffer: Buffer, at: number, end: number, frameEnd: number): Outcome {
    if (this.#login.expectsToken) {
      if (end < frameEnd) return 'wait'
      const token = Buffer.from(buffer.subarray(at + 4, frameEnd))
      return this.#logIn(this.#login.token(token), apis.saslAuthenticate.key)
    }
    if (end - at < 12) return 'wait'
    const apiKey = buffer.readInt16BE(at + 4)
    const version = buffer.readInt16BE(at + 6)
    const flaw =
      versionFlaw(this.context.table(), apiKey, version) ??
      (this.#login.allowed ? undefined : loginFlaw(apiKey))
    if (flaw === 'unknown') return this.#requests.awaitDiscovery()
    if (flaw !== undefined) {
      this.fail(flaw)
      return 'wait'
    }
    this.#first = false
    if (this.#requests.group.joining) return this.#requests.group.awaitJoin()
    try {
      if (apiKey === 0) return this.#requests.produce.route(buffer, at, end, frameEnd, version)
      if (end < frameEnd) return 'wait'
      if (apiKey === 1) return this.#requests.fetch.route(buffer, at, frameEnd, version)
      return this.#loginOrOther(apiKey, buffer.subarray(at + 4, frameEnd))
    } catch (error) {
      // Bytes that cannot be read end the session.
      this.fail(unreadable(error, `${apiName(apiKey)} v${version}`))
      return 'wait'
    }
  }

  #loginOrOther(apiKey: number, frame: Buffer): Outcome {
    const isHandshake = apiKey === apis.saslHandshake.key
    if (!isHandshake && apiKey !== apis.saslAuthenticate.key) return this.#requests.other(frame)
    const api = apiByKey(apiKey)
    if (api === undefined) return 'wait'
    const { apiVersion: version, ...header } = decodeRequestHeader(frame, 0)
    const request = { api, version, ...header, frame: Buffer.from(frame) }
    return this.#logIn(
      isHandshake
        ? Promise.resolve(this.#login.handshake(request))
        : this.#login.authenticate(request),
      apiKey,
    )
  }

  /** A login takes a while; nothing else of this client is read meanwhile. */
  #logIn(step: Promise<LoginAnswer>, apiKey: number): 'done' {
    this.downstream.block()
    step
      .then(({ answer, close, failure }) => {
        if (this.#closed) return
        this.brokers.identity = this.#login.identity
        if (failure !== undefined) this.#report(failure)
        if (close) this.#draining = true
        if (answer.length > 0) this.#requests.answer(apiKey, 0, 0, answer)
        if (close) this.#end()
        else this.downstream.unblock()
      })
      .catch((error: unknown) => {
        this.fail(unreadable(error, apiName(apiKey)))
      })
      .catch(this.broke)
    return 'done'
  }

  /** Credentials that an application brought: the cluster says whether they hold. */
  async #verify(identity: NonNullable<Identity>): Promise<void> {
    const { cluster, home, discovered, table } = this.context
    if (home().identity !== null) return
    await home().tryLogin(identity)
    cluster('source').lend(identity)
    if (table().view.hasTarget) cluster('target').lend(identity)
    if (!home().discovered) await discovered()
  }

  #isFull(): boolean {
    if (this.answers.length < this.context.limits.inFlightRequestsMax) return false
    this.#full = true
    this.downstream.block()
    return true
  }

  isTurn(of: Exchange): boolean {
    return this.answers.isTurn(of)
  }

  isLate(of: Exchange): boolean {
    const { spliced, settling } = this.context.table().view
    return !of.spliced && (spliced || settling)
  }

  isNext(of: Exchange | undefined): boolean {
    return of !== undefined && of.kind !== 'collect' && this.answers.isNext(of)
  }

  streamed(bytes: Buffer, from: Connection): void {
    this.context.observer.sent('client', bytes.length)
    this.downstream.write(bytes, from)
  }

  finished(of: Exchange): void {
    this.#requests.produce.streamed(of)
    this.answers.streamed(of)
  }

  collected(of: Exchange, answer: Buffer): void {
    if (of.apiKey === apis.fetch.key) return this.#late(of, answer)
    rewrite(of, () => Buffer.from(answer), this.context, this)
  }

  /** A Fetch from before a splice. One that comes while it is being decided waits: it may end before what this brings. */
  #late(of: Exchange, answer: Buffer): void {
    const { table, tableChanged } = this.context
    if (!table().view.settling) {
      return this.done(of, cutLateFetch(table(), of.version, of.correlationId, answer))
    }
    const whole = Buffer.from(answer)
    tableChanged()
      .then(() => this.#late(of, whole))
      .catch(this.broke)
  }

  translated(of: Exchange, gather: () => NamingAnswer): void {
    try {
      const answer = gather()
      learn(answer.facts, of.cluster, this.context)
      this.done(of, answer.encode(this.context.table()))
    } catch (error) {
      this.fail(unreadableAnswer(error, of))
    }
  }

  merged(of: Exchange, gather: () => Buffer): void {
    if (of.apiKey === apis.fetch.key && this.isLate(of)) return this.collected(of, gather())
    rewrite(of, gather, this.context, this)
  }

  done(of: Exchange, answer: Buffer): void {
    if (this.#closed) return
    if (of.apiKey === apis.produce.key && this.context.table().view.held) {
      of.unresolved = isUnresolved(of.version, answer.subarray(4))
    }
    this.#requests.produce.answered(of, answer)
    if (of.apiKey === apis.joinGroup.key && of.request !== null) {
      this.#requests.group.joined(of.request, answer)
    }
    this.answers.made(of, answer)
  }

  fetchSession(sessionId: number, from: Upstream): void {
    this.#requests.fetch.sessionGiven(sessionId, from)
  }

  turnChanged(): void {
    if (this.answers.length > 0) this.brokers.wake()
    else this.#endIfDrained()
    if (this.#full && this.answers.length < this.context.limits.inFlightRequestsMax) {
      this.#full = false
      this.downstream.unblock()
    }
  }

  upstreamClosed(upstream: Upstream, error: CutoverError): void {
    this.brokers.closed(upstream)
    this.#requests.fetch.upstreamClosed(upstream)
    const streaming = this.#streamTo === upstream && this.#streamLeft > 0
    // A broker that goes away with nothing owed is connected again when it is needed.
    const owed = upstream.owesAnswers || upstream.unanswered || streaming
    if (owed || error.kind === 'upstream_invalid') this.fail(error)
  }

  /** As a broker does: who will send no more is not waited for, nor answered. */
  ended(): void {
    this.downstream.destroy()
  }

  closed(error: Error | undefined): void {
    if (this.#closed) return
    if (error instanceof AssertionError) this.#logBug(error)
    if (error instanceof CutoverError) this.#report(error)
    this.#closed = true
    this.brokers.end()
    this.context.observer.downstreamClosed()
    this.#whenClosed(this)
  }

  /**
   * @returns what became of all that was being produced when this was called. `unresolved`: a broker refused
   * some of it for now, or a connection ended under it, so that the client may send it again
   */
  producing(): () => 'pending' | 'resolved' | 'unresolved' {
    const owed = this.answers.of(apis.produce.key)
    const streamed = this.#streamLeft > 0 ? this.#streamed : -1
    return () => {
      const pending = owed.filter((of) => this.answers.includes(of))
      if (owed.some((of) => of.unresolved)) return 'unresolved'
      if (this.#closed) return pending.length > 0 ? 'unresolved' : 'resolved'
      return streamed === this.#streamed || pending.length > 0 ? 'pending' : 'resolved'
    }
  }

  /** Resolves when brokers have handled what was produced without asking for an answer (acks=0). */
  async flushUnanswered(): Promise<void> {
    this.run.flush()
    for (const upstream of this.brokers.connected) {
      if (!upstream.unanswered || upstream.state !== 'ready') continue
      // A broker handles the requests of one connection one after the other.
      await upstream.request(apis.apiVersions, 0, {}).catch(() => {})
    }
  }

  /** Whether the client was once offered versions that are not offered any more. */
  get outdated(): boolean {
    return this.#requests.outdated
  }

  /** Whether its request at hand waits for a splice to be decided. */
  get holding(): boolean {
    return this.#requests.holding
  }

  /** Which topics the client reads, while nothing has moved. */
  get reading(): Reading | undefined {
    return this.#requests.fetch.topicsRead.reading
  }

  /** How many Fetches are in flight whose broker may wait longer than `waitMs`. */
  fetchesLongerThan(waitMs: number): number {
    return this.answers.of(apis.fetch.key).filter((of) => of.waitMs > waitMs).length
  }

  /** Whether nobody is there any more to answer. */
  get gone(): boolean {
    return this.#closed
  }

  /** Takes no more requests, lets those in flight finish, then closes. */
  drain(): void {
    this.#draining = true
    this.#endIfDrained()
  }

  /** Looks at every clock of the session; called about once a second. */
  sweep(now: number): void {
    if (this.#endingSince !== undefined) {
      if (now - this.#endingSince > lingerMs) this.downstream.destroy()
      return
    }
    const clientReads = this.downstream.unflushedBytes === 0
    this.brokers.sweep(now, this.context.limits.answerTimeoutMs, clientReads)
    const unfinished = this.#streamLeft > 0 || this.downstream.unconsumedBytes > 0
    const stall = this.#stalls.find(now, this.downstream, unfinished)
    if (stall !== undefined) this.fail(stall)
  }

  /** Ends the session for an error of the world. */
  fail(error: CutoverError): void {
    if (this.#closed || this.#endingSince !== undefined) return
    this.#report(error)
    this.downstream.block()
    this.#end()
  }

  /** A bug of ours ends this session, loudly, and nobody else's. */
  readonly broke = (error: unknown): void => {
    if (this.#closed) return
    this.#logBug(error)
    this.downstream.destroy()
  }

  #endIfDrained(): void {
    if (this.#draining && this.#streamLeft === 0 && this.answers.length === 0) this.#end()
  }

  #end(): void {
    if (this.#closed) return
    this.#draining = true
    this.#endingSince ??= performance.now()
    this.downstream.end()
  }

  #logBug(err: unknown): void {
    const { id: sessionId } = this
    this.context.log.error({ sessionId, peer: this.downstream.peer, err }, 'a session broke')
  }

  #report(error: CutoverError): void {
    const { id: sessionId } = this
    this.context.observer.failed(error.kind)
    this.context.log.warn(
      { sessionId, peer: this.downstream.peer, err: error.message },
      'a client connection was closed',
    )
  }
}
