import { apis, decodeRequestHeader, encodeResponse, errorCodes } from '../protocol/index.ts'
import {
  moveFetch,
  moveFetchInPlace,
  routeFetch,
  seenFetch,
  type Destination,
  type FetchPatcher,
  type RequestFrame,
} from '../router/index.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { requestFrame, type Outcome, type RequestsOwner, type Routing } from './request.ts'
import { TopicsRead } from './topics-read.ts'
import type { Upstream } from './upstream.ts'
import type { Waiting } from './waiting.ts'

/** How long a Fetch may wait at its broker while a splice is near, or partitions are new, in ms. */
export const shortFetchWaitMs = 100

/** A session of incremental Fetches (KIP-227) at one broker. */
interface FetchSession {
  readonly id: number
  readonly upstream: Upstream
  readonly spliced: boolean
}

/** Fetch, routed where it lies in the read buffer, and the session that the client has at one broker. */
export class FetchRequests {
  /** What the client has asked for, while nothing has moved. */
  readonly topicsRead = new TopicsRead()
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  readonly #routing: Routing
  readonly #waiting: Waiting
  /** What the client calls itself (KIP-511); empty where it has not said. */
  readonly #software: () => string
  #session: FetchSession | undefined
  /** Whether the last Fetch that asks for a session came behind the splice. */
  #askedBehindSplice = false

  /** Of which topics the Fetch that waits tells its client that there are new partitions. */
  #signal: ReadonlySet<string> | undefined

  constructor(owner: RequestsOwner, routing: Routing, waiting: Waiting, software: () => string) {
    this.#software = software
    this.#owner = owner
    this.#context = owner.context
    this.#routing = routing
    this.#waiting = waiting
  }

  sessionGiven(id: number, upstream: Upstream): void {
    const spliced = this.#askedBehindSplice
    this.#session = id === 0 ? undefined : { id, upstream, spliced }
  }

  upstreamClosed(upstream: Upstream): void {
    if (this.#session?.upstream === upstream) this.#session = undefined
  }

  /** The whole Fetch frame `[at, frameEnd)`. */
  route(buffer: Buffer, at: number, frameEnd: number, version: number): Outcome {
    const table = this.#context.table()
    const home = this.#owner.brokers.homeIn(table.view.home)
    const route = routeFetch(table, buffer, at, frameEnd, version, home)
    if (route === 'malformed') return this.#routing.malformed('Fetch')
    const { sessionId, sessionEpoch } = seenFetch
    if (table.view.hasTarget && !table.view.spliced) {
      this.topicsRead.note(seenFetch.topics, sessionEpoch > 0, () => clientIdOf(buffer, at))
    }
    const isShort = table.view.shortFetches || this.#context.growth.hurries
    if (isShort && seenFetch.maxWaitMs > shortFetchWaitMs) {
      seenFetch.maxWaitMs = shortFetchWaitMs
      buffer.writeInt32BE(shortFetchWaitMs, seenFetch.maxWaitAt)
    }
    const { maxWaitMs } = seenFetch
    const signalled = this.#signal ?? this.#signalled(buffer, at)
    if (route === 'moved' || signalled !== undefined) {
      const outcome = this.#moved(buffer, at, frameEnd, version, signalled)
      this.#signal = outcome === 'wait' ? signalled : undefined
      return outcome
    }
    let upstream: Upstream | undefined
    const session = this.#session
    if (sessionEpoch === 0) this.#askedBehindSplice = table.view.spliced
    // A session from before the splice has partitions in it that have moved since.
    const isKnown =
      session?.id === sessionId &&
      session.upstream.state !== 'closed' &&
      // Nor is one of a source that is not needed any more.
      (session.upstream.cluster === 'target' || table.view.home === 'source') &&
      session.spliced === table.view.spliced
    if (sessionId !== 0 && sessionEpoch > 0) {
      // An incremental fetch (KIP-227) means something to the broker that has its session only.
      const isThere = isKnown && (route === 'none' || this.#leads(session.upstream, route))
      if (!isThere) return this.#endSession(buffer.readInt32BE(at + 8), version)
      upstream = this.#waiting.usable(session.upstream)
    } else if (route === 'none' && isKnown) {
      // So does the end of a session.
      upstream = this.#waiting.usable(session.upstream)
    } else if (route === 'split') {
      return this.#routing.other(buffer.subarray(at + 4, frameEnd))
    } else {
      if (route === 'unknown' && this.#waiting.askLeader(seenFetch.unknownTopic, true))
        return 'wait'
      const { home: homeBroker } = this.#owner.brokers
      upstream = this.#waiting.connected(
        route === 'unknown' || route === 'none' ? homeBroker : route,
      )
    }
    if (upstream === undefined) return 'wait'
    const sent = new Exchange(1, version, buffer.readInt32BE(at + 8), 'fetch')
    sent.waitMs = maxWaitMs
    sent.spliced = table.view.spliced
    this.#routing.expect(upstream, sent)
    this.#waiting.sent()
    return upstream
  }

  /** Partitions that have moved are read where each offset lies; the answer is translated. */
  #moved(
    buffer: Buffer,
    at: number,
    frameEnd: number,
    version: number,
    signalled?: ReadonlySet<string>,
  ): Outcome {
    const { sessionId, sessionEpoch, maxWaitMs } = seenFetch
    const correlationId = buffer.readInt32BE(at + 8)
    // Sessions (KIP-227) are of one broker: the client begins anew, and gets none.
    if (sessionId !== 0 && sessionEpoch > 0) return this.#endSession(correlationId, version)
    const table = this.#context.table()
    const options = {
      splitFetchWaitMs: this.#context.limits.splitFetchWaitMs,
      gatheredBytesMax: this.#context.limits.rewrittenResponseBytesMax,
      readings: this.#context.readings,
      reader: this.#owner,
      signalled,
    }
    const inPlace = moveFetchInPlace(table, buffer, at, frameEnd, version, options)
    if (inPlace !== undefined) {
      const to = this.#waiting.connected(inPlace.to)
      if (to === undefined) return 'wait'
      this.#expect(to, version, correlationId, inPlace.translate(), maxWaitMs)
      return to
    }
    const request = requestFrame(Buffer.from(buffer.subarray(at + 4, frameEnd)))
    if (request === undefined) return this.#routing.malformed('Fetch')
    const moved = moveFetch(table, request, options)
    if (moved.kind === 'empty') return this.#answerIn(moved.afterMs, request, moved.frame)
    if (moved.kind !== 'stream') return this.#routing.decided(request, moved)
    const upstream = this.#waiting.connected(moved.to)
    if (upstream === undefined) return 'wait'
    this.#owner.run.flush()
    this.#expect(upstream, version, correlationId, moved.patcher, moved.maxWaitMs)
    upstream.write(moved.frame, this.#owner.downstream)
    return 'done'
  }

  /** As a broker that has waited in vain. */
  #answerIn(ms: number, { version, correlationId }: RequestFrame, answer: Buffer): 'done' {
    const { answers, run } = this.#owner
    run.flush()
    const made = new Exchange(apis.fetch.key, version, correlationId, 'made')
    answers.expect(made)
    this.#waiting.sent()
    setTimeout(() => {
      if (!this.#owner.gone) answers.made(made, answer)
    }, ms)
    return 'done'
  }

  #expect(
    upstream: Upstream,
    version: number,
    correlationId: number,
    patcher: FetchPatcher,
    waitMs: number,
  ): void {
    const sent = new Exchange(apis.fetch.key, version, correlationId, 'moved')
    sent.patcher = patcher
    sent.waitMs = waitMs
    this.#routing.expect(upstream, sent)
    this.#waiting.sent()
  }

  /** Of which topics the client is told that there are new partitions; where it lists all that it reads. */
  #signalled(buffer: Buffer, at: number): ReadonlySet<string> | undefined {
    const { ungrown, sessionEpoch } = seenFetch
    if (ungrown.length === 0 || sessionEpoch > 0) return undefined
    const clientId = (): string => clientIdOf(buffer, at)
    return this.#context.growth.fetched(this.#owner, clientId, this.#software(), ungrown)
  }

  #leads(upstream: Upstream, route: Destination | string): boolean {
    return typeof route !== 'string' && this.#owner.brokers.connectedTo(route) === upstream
  }

  /** The client begins a new session, with all of its partitions. */
  #endSession(correlationId: number, version: number): Outcome {
    this.#session = undefined
    const errorCode = errorCodes.FETCH_SESSION_ID_NOT_FOUND
    const answer = encodeResponse(apis.fetch, version, correlationId, { errorCode, responses: [] })
    return this.#routing.answer(apis.fetch.key, version, correlationId, answer)
  }
}

/** The whole frame lies at `at`. */
const clientIdOf = (buffer: Buffer, at: number): string =>
  decodeRequestHeader(buffer, at + 4).clientId ?? ''
