import { CutoverError } from '../errors.ts'
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
  rewriters,
  routeFetch,
  routeProduce,
  seenFetch,
  seenProduce,
  type Decision,
  type Destination,
  type Question,
  type RequestFrame,
} from '../router/index.ts'
import type { Answers } from './answers.ts'
import type { Brokers } from './brokers.ts'
import type { Connection } from './connection.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import type { Run } from './run.ts'
import { asCutoverError, type Upstream } from './upstream.ts'

/** The parts of a session that its requests act on. */
export interface RequestsOwner {
  readonly context: SessionContext
  readonly downstream: Connection
  readonly brokers: Brokers
  readonly answers: Answers
  readonly run: Run
  /** Every part of a split has answered; `gather` merges them. */
  merged(of: Exchange, gather: () => Buffer): void
  fail(error: CutoverError): void
  readonly broke: (error: unknown) => void
}

/** What became of the frame at hand. */
export type Outcome =
  /** It was dealt with here. */
  | 'done'
  /** It needs more bytes, or facts that are being fetched: it is presented again. */
  | 'wait'
  /** It goes to this broker as it is, in the chunks in which it comes. */
  | Upstream

/** How often one request may find its broker gone before the client is sent away. */
const attemptsMax = 3
/** How long a broker may rightly keep a member of a rebalance waiting, in ms. */
const joinWaitMs = 15 * 60_000

/**
 * Routes one client's requests, one after the other. A request that cannot go yet - its broker is being
 * connected, a coordinator asked for - holds those behind it, as on a broker, which handles one request
 * of a connection at a time.
 */
export class Requests {
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  /** How often the request at hand has failed to find a broker, and whether the cluster was asked. */
  #attempts = 0
  #asked = false
  /** How many waits there have been; only the last one counts. */
  #waits = 0
  /** How many bytes of the unfinished Produce at hand must be there before it is looked at again. */
  #lookAgainAt = 0
  #fetchSession: { readonly id: number; readonly upstream: Upstream } | undefined

  constructor(owner: RequestsOwner) {
    this.#owner = owner
    this.#context = owner.context
  }

  fetchSession(id: number, upstream: Upstream): void {
    this.#fetchSession = id === 0 ? undefined : { id, upstream }
  }

  upstreamClosed(upstream: Upstream): void {
    if (this.#fetchSession?.upstream === upstream) this.#fetchSession = undefined
  }

  /** The Produce frame at `at`; not all of its bytes need be there. */
  produce(buffer: Buffer, at: number, end: number, frameEnd: number, version: number): Outcome {
    const isWhole = end >= frameEnd
    if (!isWhole && end - at < this.#lookAgainAt) return 'wait'
    const table = this.#context.table()
    const route = routeProduce(table, buffer, at, Math.min(end, frameEnd), frameEnd, version)
    if (route === 'incomplete' || (route === 'split' && !isWhole)) {
      // Looked at from its beginning for each chunk, a long list of partitions costs its square.
      this.#lookAgainAt = 2 * (end - at)
      return 'wait'
    }
    if (route === 'malformed') return this.#malformed('Produce')
    if (route === 'split') return this.other(buffer.subarray(at + 4, frameEnd))
    if (route === 'unknown' && this.#askLeader(seenProduce.unknownTopic)) return 'wait'
    const upstream = this.#connected(route === 'unknown' ? this.#owner.brokers.home : route)
    if (upstream === undefined) return 'wait'
    if (seenProduce.acks === 0) upstream.unanswered = true
    else this.#expect(upstream, new Exchange(0, version, buffer.readInt32BE(at + 8), 'produce'))
    this.#sent()
    return upstream
  }

  /** The whole Fetch frame `[at, frameEnd)`. */
  fetch(buffer: Buffer, at: number, frameEnd: number, version: number, home: HomeId): Outcome {
    const route = routeFetch(this.#context.table(), buffer, at, frameEnd, version, home)
    if (route === 'malformed') return this.#malformed('Fetch')
    const { sessionId, sessionEpoch, maxWaitMs } = seenFetch
    let upstream: Upstream | undefined
    const session = this.#fetchSession
    const isKnown = session?.id === sessionId && session.upstream.state !== 'closed'
    if (sessionId !== 0 && sessionEpoch > 0) {
      // An incremental fetch (KIP-227) means something to the broker that has its session only.
      const isThere = isKnown && (route === 'none' || this.#leads(session.upstream, route))
      if (!isThere) return this.#endFetchSession(buffer.readInt32BE(at + 8), version)
      upstream = this.#usable(session.upstream)
    } else if (route === 'none' && isKnown) {
      // So does the end of a session.
      upstream = this.#usable(session.upstream)
    } else if (route === 'split') {
      return this.other(buffer.subarray(at + 4, frameEnd))
    } else {
      if (route === 'unknown' && this.#askLeader(seenFetch.unknownTopic)) return 'wait'
      const { home: homeBroker } = this.#owner.brokers
      upstream = this.#connected(route === 'unknown' || route === 'none' ? homeBroker : route)
    }
    if (upstream === undefined) return 'wait'
    const sent = new Exchange(1, version, buffer.readInt32BE(at + 8), 'fetch')
    sent.waitMs = maxWaitMs
    this.#expect(upstream, sent)
    this.#sent()
    return upstream
  }

  /** Any whole request but a login, without its length; the bytes are valid only during the call. */
  other(frame: Buffer): Outcome {
    const header = decodeRequestHeader(frame, 0)
    const { apiKey, apiVersion: version, correlationId, clientId, bodyOffset } = header
    if (apiKey === apis.apiVersions.key) return this.#apiVersions(version, correlationId)
    const api = apiByKey(apiKey)
    if (api === undefined) return this.#malformed(apiName(apiKey))
    if (!this.#context.source.discovered) return this.awaitDiscovery()
    const request = { api, version, correlationId, clientId, frame, bodyOffset }
    const decision = decide(
      this.#context.table(),
      request,
      (of, key) => this.#context.source.coordinator(of, key),
      this.#context.limits,
    )
    const { brokers } = this.#owner
    switch (decision.kind) {
      case 'ask':
        return this.#ask(decision.question) ? 'wait' : this.#forward(request, brokers.home)
      case 'forward':
        return this.#forward(request, this.#destination(decision.to))
      case 'split':
        return this.#split(request, decision)
    }
  }

  /** An answer that is made here; it leaves when those before it have. */
  answer(apiKey: number, version: number, correlationId: number, answer: Buffer): 'done' {
    this.#owner.run.flush()
    const made = new Exchange(apiKey, version, correlationId, 'made')
    this.#owner.answers.expect(made)
    this.#owner.answers.made(made, answer)
    return 'done'
  }

  /** Waits for the source to be known. When that fails, there is nothing to try again. */
  awaitDiscovery(): 'wait' {
    this.#waitFor(this.#context.discovered(), (error) => {
      this.#owner.fail(asCutoverError(error, 'upstream_connect'))
    })
    return 'wait'
  }

  #apiVersions(version: number, correlationId: number): Outcome {
    const table = this.#context.table()
    const { key, versions } = apis.apiVersions
    if (table.offered.size === 0 && version <= versions.max) return this.awaitDiscovery()
    return this.answer(
      key,
      version,
      correlationId,
      answerApiVersions(table, version, correlationId),
    )
  }

  #destination(to: Destination | 'any' | 'home'): Destination | undefined {
    const { brokers } = this.#owner
    return to === 'any' ? brokers.any : to === 'home' ? brokers.home : to
  }

  #forward(request: RequestFrame, to: Destination | undefined): Outcome {
    const upstream = this.#connected(to)
    if (upstream === undefined) return 'wait'
    const sent = exchangeFor(request, rewriters.has(request.api.key) ? 'collect' : 'stream')
    this.#expect(upstream, sent)
    this.#sent()
    return upstream
  }

  #split(request: RequestFrame, { parts, merge }: Decision & { kind: 'split' }): Outcome {
    const { answers, run, downstream } = this.#owner
    const upstreams = parts.map(({ to }) => this.#connected(this.#destination(to)))
    if (!upstreams.every((upstream) => upstream !== undefined)) return 'wait'
    run.flush()
    const unanswered = request.api.key === apis.produce.key && seenProduce.acks === 0
    const whole = exchangeFor(request, 'collect')
    if (!unanswered) answers.expect(whole)
    const answered: Buffer[] = []
    parts.forEach(({ frame }, i) => {
      const upstream = upstreams[i] as Upstream
      if (unanswered) upstream.unanswered = true
      else {
        const part = exchangeFor(request, 'collect')
        part.turn = whole
        part.take = (answer) => {
          answered.push(Buffer.from(answer))
          if (answered.length < parts.length) return
          this.#owner.merged(whole, () => merge(answered).subarray(4))
        }
        upstream.expect(part)
      }
      upstream.write(frame, downstream)
    })
    this.#sent()
    return 'done'
  }

  #leads(upstream: Upstream, route: Destination | string): boolean {
    return typeof route !== 'string' && this.#owner.brokers.connectedTo(route) === upstream
  }

  /** The client begins a new session, with all of its partitions. */
  #endFetchSession(correlationId: number, version: number): Outcome {
    this.#fetchSession = undefined
    const errorCode = errorCodes.FETCH_SESSION_ID_NOT_FOUND
    const answer = encodeResponse(apis.fetch, version, correlationId, { errorCode, responses: [] })
    return this.answer(apis.fetch.key, version, correlationId, answer)
  }

  #expect(upstream: Upstream, sent: Exchange): void {
    this.#owner.answers.expect(sent)
    upstream.expect(sent)
  }

  #sent(): void {
    this.#lookAgainAt = 0
    this.#attempts = 0
    this.#asked = false
  }

  #malformed(what: string): 'wait' {
    const message = `an application sent a ${what} that cannot be read`
    this.#owner.fail(new CutoverError('frame_invalid', message))
    return 'wait'
  }

  /** The connection to a broker, or undefined while it is being made. */
  #connected(to: Destination | undefined): Upstream | undefined {
    const { source } = this.#context
    if (to !== undefined && source.topology.brokers.has(to.nodeId)) {
      return this.#usable(this.#owner.brokers.connect(to))
    }
    if (this.#attempts++ < attemptsMax) this.#await(source.refresh())
    else {
      const message = 'no broker of the source is known that could answer'
      this.#owner.fail(new CutoverError('upstream_connect', message))
    }
    return undefined
  }

  #usable(upstream: Upstream): Upstream | undefined {
    const ready = upstream.state === 'ready'
    if (ready && !upstream.loginExpires) return upstream
    const { identity } = this.#owner.brokers
    this.#await(ready ? this.#context.source.renewLogin(upstream, identity) : upstream.opened)
    return undefined
  }

  /** Takes no requests until `facts` are there; the one at hand is then decided anew. */
  #await(facts: Promise<unknown>): void {
    this.#waitFor(facts, (error) => {
      if (++this.#attempts >= attemptsMax) {
        this.#owner.fail(asCutoverError(error, 'upstream_connect'))
        return
      }
      // The broker may have gone, and its partitions moved: look again, then decide anew.
      this.#waitFor(this.#context.source.refresh(), this.#owner.broke)
    })
  }

  /** Only the last wait counts: deciding anew may have come to another one. */
  #waitFor(facts: Promise<unknown>, failed: (error: unknown) => void): void {
    const { downstream } = this.#owner
    const wait = ++this.#waits
    downstream.block()
    facts.then(
      () => {
        if (wait === this.#waits) downstream.unblock()
      },
      (error: unknown) => {
        if (wait === this.#waits) failed(error)
      },
    )
  }

  #askLeader(topic: string): boolean {
    return this.#ask({ kind: 'leaders', topics: topic === '' ? [] : [topic] })
  }

  /** Asks the cluster, as the client. Returns false when that was done, and told nothing. */
  #ask(question: Question): boolean {
    if (this.#asked) return false
    const { source } = this.#context
    if (!source.discovered) {
      this.awaitDiscovery()
      return true
    }
    if (question.kind === 'leaders' && !source.mayAskLeaders(question.topics)) return false
    const through = this.#connected(this.#owner.brokers.any)
    if (through === undefined) return true
    // What is collected for this connection goes first: answers come in the order of what is written.
    this.#owner.run.flush()
    this.#asked = true
    this.#await(
      question.kind === 'leaders'
        ? source.askLeaders(through, question.topics)
        : source.askCoordinators(through, question.of, question.keys),
    )
    return true
  }
}

type HomeId = Parameters<typeof routeFetch>[5]

function exchangeFor(request: RequestFrame, kind: 'collect' | 'stream'): Exchange {
  const { api, version, correlationId, frame } = request
  const made = new Exchange(api.key, version, correlationId, kind)
  const rebalances = api.key === apis.joinGroup.key || api.key === apis.syncGroup.key
  if (rebalances) made.waitMs = joinWaitMs
  if (kind === 'collect') made.request = { ...request, frame: Buffer.from(frame) }
  return made
}

export function unreadable(error: unknown, what: string): CutoverError {
  if (!(error instanceof DecodeError)) throw error
  return new CutoverError(
    'frame_invalid',
    `an application sent a ${what} that cannot be read: ${error.message}`,
  )
}
