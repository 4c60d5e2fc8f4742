import { setTimeout as sleep } from 'node:timers/promises'
import type { VersionRanges } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import {
  apiByKey,
  apiName,
  apis,
  DecodeError,
  decodeRequest,
  decodeRequestHeader,
  encodeResponse,
  errorCodes,
} from '../protocol/index.ts'
import type { ClusterName } from '../ids.ts'
import {
  answerApiVersions,
  anyOf,
  decide,
  leadersOf,
  moveFetch,
  patchMovedProduce,
  placeOf,
  producedShifts,
  rewriters,
  routeFetch,
  routeMovedProduce,
  routeProduce,
  seenFetch,
  seenProduce,
  splitMovedProduce,
  writtenIn,
  type CoordinatorKind,
  type Decision,
  type Destination,
  type NamingAnswer,
  type Part,
  type Question,
  type RequestFrame,
} from '../router/index.ts'
import type { Answers } from './answers.ts'
import type { Brokers } from './brokers.ts'
import type { Connection } from './connection.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { joinMoved, joinWaitMs, type JoinOwner } from './membership.ts'
import type { Membership } from './groups.ts'
import type { Run } from './run.ts'
import { asCutoverError, type Upstream } from './upstream.ts'

/** The parts of a session that its requests act on. */
export interface RequestsOwner extends JoinOwner {
  readonly context: SessionContext
  readonly downstream: Connection
  readonly brokers: Brokers
  readonly answers: Answers
  readonly run: Run
  /** Every part of a split has answered; `gather` merges them. */
  merged(of: Exchange, gather: () => Buffer): void
  /** The same, where `gather` makes what clients see already. */
  translated(of: Exchange, gather: () => NamingAnswer): void
  fail(error: CutoverError): void
  readonly broke: (error: unknown) => void
}

/** A session of incremental Fetches (KIP-227) at one broker. */
interface FetchSession {
  readonly id: number
  readonly upstream: Upstream
  readonly spliced: boolean
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
/** How soon a request whose leader is not known is decided anew, in ms. */
const leaderRetryMs = 100
/** How long a Fetch may wait at its broker while a splice is near, in ms. */
export const shortFetchWaitMs = 100

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
  #asked = new Set<string>()
  /** Since when the request at hand waits for a leader or coordinator of what has moved. */
  #waitsSinceMs: number | undefined
  /** How many waits there have been; only the last one counts. */
  #waits = 0
  /** How many bytes of the unfinished Produce at hand must be there before it is looked at again. */
  #lookAgainAt = 0
  #fetchSession: FetchSession | undefined
  #heldSinceMs: number | undefined
  /** The versions that the client was offered. */
  #offered: VersionRanges = new Map()
  /** Whether the last Fetch that asks for a session came behind the splice. */
  #askedBehindSplice = false

  constructor(owner: RequestsOwner) {
    this.#owner = owner
    this.#context = owner.context
  }

  /** Whether the request at hand waits for a splice to be decided. */
  get holding(): boolean {
    return this.#heldSinceMs !== undefined
  }

  /** Whether the client was once offered what is not offered any more. */
  get outdated(): boolean {
    const { offered } = this.#context.table()
    return [...this.#offered].some(([key, { min, max }]) => {
      const now = offered.get(key)
      return now === undefined || now.min > min || now.max < max
    })
  }

  fetchSession(id: number, upstream: Upstream): void {
    const spliced = this.#askedBehindSplice
    this.#fetchSession = id === 0 ? undefined : { id, upstream, spliced }
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
    if (route === 'held') return this.#hold()
    if (route === 'moved') return this.#movedProduce(buffer, at, end, frameEnd, version)
    if (route === 'split') return this.other(buffer.subarray(at + 4, frameEnd))
    if (route === 'unknown' && this.#askLeader(seenProduce.unknownTopic)) return 'wait'
    const upstream = this.#connected(route === 'unknown' ? this.#owner.brokers.home : route)
    if (upstream === undefined) return 'wait'
    if (seenProduce.acks === 0) upstream.unanswered = true
    else {
      const sent = new Exchange(0, version, buffer.readInt32BE(at + 8), 'produce')
      if (table.view.shortFetches) sent.acked = this.#context.acked
      this.#expect(upstream, sent)
    }
    this.#sent()
    return upstream
  }

  /** Waits until the splice is decided; the client notices nothing but that its answer is late. */
  #hold(): 'wait' {
    this.#heldSinceMs ??= performance.now()
    this.#waitFor(this.#context.tableChanged(), this.#owner.broke)
    return 'wait'
  }

  /** A Produce to a partition that has moved: its batches get the producer ids that are known there. */
  #movedProduce(
    buffer: Buffer,
    at: number,
    end: number,
    frameEnd: number,
    version: number,
  ): Outcome {
    const table = this.#context.table()
    const { retained, bases } = this.#context
    const isWhole = end >= frameEnd
    const there = Math.min(end, frameEnd)
    // Before record batches (v3) there were no producer ids, and nothing to look at.
    const route =
      version < 3
        ? 'split'
        : routeMovedProduce(table, buffer, at, there, frameEnd, version, retained, bases)
    if (route === 'incomplete' || (route === 'split' && !isWhole)) {
      this.#lookAgainAt = 2 * (end - at)
      return 'wait'
    }
    if (route === 'malformed') return this.#malformed('Produce')
    if (route === 'loading') return this.#hold()
    if (route === 'split') {
      const frame = Buffer.from(buffer.subarray(at, frameEnd))
      const written =
        version < 3
          ? new Map<string, bigint>()
          : writtenIn(table, frame, 0, frame.length, version, retained)
      if (version >= 3) {
        patchMovedProduce(table, frame, 0, frame.length, frame.length, version, bases)
      }
      const request = requestFrame(frame.subarray(4))
      return request === undefined
        ? this.#malformed('Produce')
        : this.#decided(request, splitMovedProduce(table, request, written))
    }
    if (route === 'unknown') {
      return this.#askLeader(seenProduce.unknownTopic) ? 'wait' : this.#waitForLeader('Produce')
    }
    const upstream = this.#connected(route)
    if (upstream === undefined) return 'wait'
    patchMovedProduce(table, buffer, at, there, frameEnd, version, bases)
    if (seenProduce.acks === 0) upstream.unanswered = true
    else {
      const sent = new Exchange(0, version, buffer.readInt32BE(at + 8), 'produce')
      sent.shifts = producedShifts(table)
      this.#expect(upstream, sent)
    }
    this.#sent()
    return upstream
  }

  /** The whole Fetch frame `[at, frameEnd)`. */
  fetch(buffer: Buffer, at: number, frameEnd: number, version: number): Outcome {
    const table = this.#context.table()
    const home = this.#owner.brokers.homeIn(table.view.home)
    const route = routeFetch(table, buffer, at, frameEnd, version, home)
    if (route === 'malformed') return this.#malformed('Fetch')
    const { sessionId, sessionEpoch } = seenFetch
    if (table.view.shortFetches && seenFetch.maxWaitMs > shortFetchWaitMs) {
      seenFetch.maxWaitMs = shortFetchWaitMs
      buffer.writeInt32BE(shortFetchWaitMs, seenFetch.maxWaitAt)
    }
    const { maxWaitMs } = seenFetch
    if (route === 'moved') return this.#movedFetch(buffer.subarray(at + 4, frameEnd), version)
    let upstream: Upstream | undefined
    const session = this.#fetchSession
    if (sessionEpoch === 0) this.#askedBehindSplice = table.view.spliced
    // A session from before the splice has partitions in it that have moved since.
    const isKnown =
      session?.id === sessionId &&
      session.upstream.state !== 'closed' &&
      session.spliced === table.view.spliced
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
    if (!this.#context.home().discovered) return this.awaitDiscovery()
    const request = { api, version, correlationId, clientId, frame, bodyOffset }
    const membership = this.#context.groups.judge(request)
    if (membership !== 'ordinary') return this.#member(request, membership)
    const decision = decide(
      this.#context.table(),
      request,
      (of, key, cluster) =>
        this.#context.cluster(cluster ?? this.#clusterOf(of, key)).coordinator(of, key),
      this.#context.limits,
    )
    return this.#decided(request, decision)
  }

  #decided(request: RequestFrame, decision: Decision): Outcome {
    switch (decision.kind) {
      case 'ask':
        if (this.#ask(decision.question)) return 'wait'
        return this.#mustBeTranslated(decision.question)
          ? this.#waitForLeader(request.api.name)
          : this.#forward(request, this.#owner.brokers.home)
      case 'forward':
        return this.#forward(request, this.#destination(decision.to))
      case 'split':
        return this.#split(request, decision.parts, (whole, answers) =>
          this.#owner.merged(whole, () => decision.merge(answers).subarray(4)),
        )
      case 'translate':
        return this.#split(request, decision.parts, (whole, answers) =>
          this.#owner.translated(whole, () => decision.merge(answers)),
        )
      case 'answer':
        return this.answer(request.api.key, request.version, request.correlationId, decision.frame)
    }
  }

  /** A request of a member whose group moves, or has moved without it. */
  #member(request: RequestFrame, membership: Exclude<Membership, 'ordinary'>): Outcome {
    const { api, version, correlationId } = request
    if (membership === 'join') {
      this.#owner.run.flush()
      const { answers } = this.#owner
      const made = exchangeFor(request, 'collect')
      const whole = { ...request, frame: Buffer.from(request.frame) }
      answers.expect(made)
      joinMoved(this.#owner, whole).then(
        (answer) => {
          if (answer !== undefined) answers.made(made, answer)
        },
        (error: unknown) => this.#owner.fail(asCutoverError(error, 'upstream_connect')),
      )
      return 'done'
    }
    const errorCode = membership === 'gone' ? 0 : errorCodes.REBALANCE_IN_PROGRESS
    if (api.key === apis.heartbeat.key) this.#keepAlive(request)
    const answer = encodeResponse(api, version, correlationId, { errorCode })
    return this.answer(api.key, version, correlationId, answer)
  }

  /** The source keeps the member until it leaves; what it says to the heartbeat concerns nobody. */
  #keepAlive({ version, frame, bodyOffset }: RequestFrame): void {
    const body = decodeRequest(apis.heartbeat, version, frame, bodyOffset)
    const to = this.#context.cluster('source').coordinator('group', body.groupId)
    const upstream = to === undefined ? undefined : this.#owner.brokers.connectedTo(to)
    if (upstream?.state !== 'ready') return
    this.#owner.run.flush()
    upstream.request(apis.heartbeat, version, body).catch(() => {})
  }

  #movedFetch(frame: Buffer, version: number): Outcome {
    const { sessionId, sessionEpoch } = seenFetch
    // Sessions (KIP-227) are of one broker: the client begins anew, and gets none.
    if (sessionId !== 0 && sessionEpoch > 0) {
      return this.#endFetchSession(frame.readInt32BE(4), version)
    }
    const request = requestFrame(Buffer.from(frame))
    if (request === undefined) return this.#malformed('Fetch')
    const moved = moveFetch(this.#context.table(), request, {
      splitFetchWaitMs: this.#context.limits.splitFetchWaitMs,
      gatheredBytesMax: this.#context.limits.rewrittenResponseBytesMax,
      readings: this.#context.readings,
      reader: this.#owner,
    })
    if (moved.kind !== 'stream') return this.#decided(request, moved)
    const upstream = this.#connected(moved.to)
    if (upstream === undefined) return 'wait'
    this.#owner.run.flush()
    const sent = new Exchange(apis.fetch.key, version, request.correlationId, 'moved')
    sent.patcher = moved.patcher
    sent.waitMs = moved.maxWaitMs
    this.#expect(upstream, sent)
    upstream.write(moved.frame, this.#owner.downstream)
    this.#sent()
    return 'done'
  }

  /** Whether a request that needs this answer means something to one cluster only after it is translated. */
  #mustBeTranslated(question: Question): boolean {
    const { view } = this.#context.table()
    if (!view.spliced) return false
    if (question.kind === 'coordinator') return true
    const planned = [...view.topics.values()]
    return question.topics.some((topic) =>
      planned.some(({ name, targetName }) => topic === name || topic === targetName),
    )
  }

  /** Nobody leads what has moved, for now: no other broker may have the request. It is decided anew. */
  #waitForLeader(what: string): 'wait' {
    this.#waitsSinceMs ??= performance.now()
    const { answerTimeoutMs } = this.#context.limits
    if (performance.now() - this.#waitsSinceMs > answerTimeoutMs) {
      const message = `no broker of the target could take a ${what} within ${answerTimeoutMs} ms`
      this.#owner.fail(new CutoverError('upstream_connect', message))
      return 'wait'
    }
    this.#asked.clear()
    void this.#context.cluster('target').refresh()
    this.#waitFor(sleep(leaderRetryMs), this.#owner.broke)
    return 'wait'
  }

  /** Where a group or a transaction lives now. */
  #clusterOf(of: CoordinatorKind, key: string): ClusterName {
    const { view } = this.#context.table()
    if (of === 'transaction') return view.spliced ? 'target' : view.home
    return placeOf(view, key) === 'target' ? 'target' : 'source'
  }

  /** An answer that is made here; it leaves when those before it have. */
  answer(apiKey: number, version: number, correlationId: number, answer: Buffer): 'done' {
    this.#owner.run.flush()
    const made = new Exchange(apiKey, version, correlationId, 'made')
    this.#owner.answers.expect(made)
    this.#owner.answers.made(made, answer)
    return 'done'
  }

  /** Waits for the cluster to be known. When that fails, there is nothing to try again. */
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
    this.#offered = table.offered
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

  #split(
    request: RequestFrame,
    parts: readonly Part[],
    merge: (whole: Exchange, answers: readonly Buffer[]) => void,
  ): Outcome {
    const { answers, run, downstream } = this.#owner
    const upstreams = parts.map(({ to }) => this.#connected(this.#destination(to)))
    if (!upstreams.every((upstream) => upstream !== undefined)) return 'wait'
    run.flush()
    const unanswered = request.api.key === apis.produce.key && seenProduce.acks === 0
    const whole = exchangeFor(request, 'collect')
    if (!unanswered) answers.expect(whole)
    whole.cluster = upstreams[0]?.cluster ?? whole.cluster
    const answered: Buffer[] = []
    let left = parts.length
    if (left === 0) merge(whole, answered)
    parts.forEach(({ frame }, i) => {
      const upstream = upstreams[i] as Upstream
      if (unanswered) upstream.unanswered = true
      else {
        const part = exchangeFor(request, 'collect')
        part.turn = whole
        part.take = (answer) => {
          answered[i] = Buffer.from(answer)
          if (--left === 0) merge(whole, answered)
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
    this.#released()
    this.#lookAgainAt = 0
    this.#attempts = 0
    this.#asked.clear()
    this.#waitsSinceMs = undefined
  }

  #released(): void {
    if (this.#heldSinceMs === undefined) return
    const seconds = (performance.now() - this.#heldSinceMs) / 1_000
    this.#context.observer.requestHeld(apis.produce.key, seconds)
    this.#heldSinceMs = undefined
  }

  #malformed(what: string): 'wait' {
    const message = `an application sent a ${what} that cannot be read`
    this.#owner.fail(new CutoverError('frame_invalid', message))
    return 'wait'
  }

  /** The connection to a broker, or undefined while it is being made. */
  #connected(to: Destination | undefined): Upstream | undefined {
    const cluster = to?.cluster ?? this.#context.table().view.home
    const broker = to === undefined ? undefined : this.#owner.brokers.resolve(to)
    if (broker !== undefined) return this.#usable(this.#owner.brokers.connect(broker))
    if (this.#attempts++ < attemptsMax)
      this.#await(this.#context.cluster(cluster).refresh(), cluster)
    else {
      const message = `no broker of the ${cluster} is known that could answer`
      this.#owner.fail(new CutoverError('upstream_connect', message))
    }
    return undefined
  }

  #usable(upstream: Upstream): Upstream | undefined {
    const ready = upstream.state === 'ready'
    if (ready && !upstream.loginExpires) return upstream
    const { identity } = this.#owner.brokers
    const cluster = this.#context.cluster(upstream.cluster)
    this.#await(ready ? cluster.renewLogin(upstream, identity) : upstream.opened, upstream.cluster)
    return undefined
  }

  /** Takes no requests until `facts` are there; the one at hand is then decided anew. */
  #await(facts: Promise<unknown>, cluster: ClusterName): void {
    this.#waitFor(facts, (error) => {
      if (++this.#attempts >= attemptsMax) {
        this.#owner.fail(asCutoverError(error, 'upstream_connect'))
        return
      }
      // The broker may have gone, and its partitions moved: look again, then decide anew.
      this.#waitFor(this.#context.cluster(cluster).refresh(), this.#owner.broke)
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
    return this.#ask(leadersOf(this.#context.table(), topic === '' ? [] : [topic]))
  }

  /** Asks the cluster, as the client. Returns false when that was done, and told nothing. */
  #ask(question: Question): boolean {
    if (!this.#context.home().discovered) {
      this.awaitDiscovery()
      return true
    }
    const name =
      question.cluster ??
      (question.kind === 'leaders'
        ? 'source'
        : this.#clusterOf(question.of, question.keys[0] ?? ''))
    const cluster = this.#context.cluster(name)
    const key = JSON.stringify([name, question])
    if (this.#asked.has(key)) return false
    if (question.kind === 'leaders' && !cluster.mayAskLeaders(question.topics)) return false
    const through = this.#connected(this.#owner.brokers.anyOf(name) ?? anyOf(name))
    if (through === undefined) return true
    // What is collected for this connection goes first: answers come in the order of what is written.
    this.#owner.run.flush()
    this.#asked.add(key)
    this.#await(
      question.kind === 'leaders'
        ? cluster.askLeaders(through, question.topics)
        : cluster.askCoordinators(through, question.of, question.keys),
      name,
    )
    return true
  }
}

/** A whole request, without its length; undefined if its API is not known. */
function requestFrame(frame: Buffer): RequestFrame | undefined {
  const { apiKey, apiVersion: version, ...header } = decodeRequestHeader(frame, 0)
  const api = apiByKey(apiKey)
  return api === undefined ? undefined : { api, version, ...header, frame }
}

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
