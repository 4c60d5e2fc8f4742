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
import {
  answerApiVersions,
  decide,
  partedCommit,
  rewriters,
  seenProduce,
  type Decision,
  type Destination,
  type NamingAnswer,
  type Part,
  type RequestFrame,
} from '../router/index.ts'
import type { Answers } from './answers.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { FetchRequests } from './fetch-requests.ts'
import type { Membership } from './groups.ts'
import { Leading } from './leading.ts'
import { joinMoved, joinWaitMs, type JoinOwner } from './membership.ts'
import { commitInBoth } from './parallel-commit.ts'
import { ProduceRequests } from './produce-requests.ts'
import { asCutoverError, type Upstream } from './upstream.ts'
import { Waiting, type WaitingOwner } from './waiting.ts'

/** The parts of a session that its requests act on. */
export interface RequestsOwner extends JoinOwner, WaitingOwner {
  readonly context: SessionContext
  readonly answers: Answers
  /** Takes no more requests, lets those in flight finish, then closes. */
  drain(): void
  /** Every part of a split has answered; `gather` merges them. */
  merged(of: Exchange, gather: () => Buffer): void
  /** The same, where `gather` makes what clients see already. */
  translated(of: Exchange, gather: () => NamingAnswer): void
}

/** What became of the frame at hand. */
export type Outcome =
  /** It was dealt with here. */
  | 'done'
  /** It needs more bytes, or facts that are being fetched: it is presented again. */
  | 'wait'
  /** It goes to this broker as it is, in the chunks in which it comes. */
  | Upstream

/**
 * Routes one client's requests, one after the other. A request that cannot go yet - its broker is being
 * connected, a coordinator asked for - holds those behind it, as on a broker, which handles one request
 * of a connection at a time.
 */
export class Requests {
  readonly produce: ProduceRequests
  readonly fetch: FetchRequests
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  readonly #waiting: Waiting
  readonly #leading: Leading
  /** A JoinGroup that waits here for its group to have moved. */
  #joining: Promise<void> | undefined
  /** The versions that the client was offered. */
  #offered: VersionRanges = new Map()

  constructor(owner: RequestsOwner) {
    this.#owner = owner
    this.#context = owner.context
    this.#waiting = new Waiting(owner)
    this.#leading = new Leading(() => owner.context.table().view)
    this.produce = new ProduceRequests(owner, this, this.#waiting)
    this.fetch = new FetchRequests(owner, this, this.#waiting)
  }

  /** Whether the request at hand waits for a splice to be decided. */
  get holding(): boolean {
    return this.#waiting.holding
  }

  /**
   * Whether the request before waits here rather than at a broker. What came behind it would overtake it, and
   * its answers would keep back those that the waiting one needs.
   */
  get joining(): boolean {
    return this.#joining !== undefined
  }

  /** The answer to a JoinGroup, as the client gets it, with its length. */
  joined(request: RequestFrame, answer: Buffer): void {
    this.#leading.joined(request, answer)
    const { growth } = this.#context
    if (growth.awaits(request.api.key)) growth.joined(request, answer.subarray(4))
  }

  awaitJoin(): 'wait' {
    return this.#waiting.await(this.#joining ?? Promise.resolve())
  }

  /** Waits for the cluster to be known. */
  awaitDiscovery(): 'wait' {
    return this.#waiting.awaitDiscovery()
  }

  /** Whether the client was once offered what is not offered any more. */
  get outdated(): boolean {
    const { offered } = this.#context.table()
    return [...this.#offered].some(([key, { min, max }]) => {
      const now = offered.get(key)
      return now === undefined || now.min > min || now.max < max
    })
  }

  /** Any whole request but a login, without its length; the bytes are valid only during the call. */
  other(frame: Buffer): Outcome {
    const header = decodeRequestHeader(frame, 0)
    const { apiKey, apiVersion: version, correlationId, clientId, bodyOffset } = header
    if (apiKey === apis.apiVersions.key) return this.#apiVersions(version, correlationId)
    const api = apiByKey(apiKey)
    if (api === undefined) return this.malformed(apiName(apiKey))
    if (!this.#context.home().discovered) return this.#waiting.awaitDiscovery()
    const request = { api, version, correlationId, clientId, frame, bodyOffset }
    const membership = this.#context.groups.judge(request)
    if (membership !== 'ordinary') return this.#member(request, membership)
    const signal = this.#context.growth.judge(request)
    if (signal === 'rebalance') return this.#member(request, signal)
    const outcome = this.#isParted(request)
      ? this.#later(request, commitInBoth)
      : this.#ordinary(this.#leading.assigning(request))
    if (signal === 'close') this.#owner.drain()
    return outcome
  }

  /** Whether it commits what its group reads in both clusters. */
  #isParted(request: RequestFrame): boolean {
    if (request.api.key !== apis.offsetCommit.key) return false
    const table = this.#context.table()
    if (!table.view.spliced) return false
    const { version, frame, bodyOffset } = request
    const asked = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
    return partedCommit(table, asked) !== undefined
  }

  /** What is answered here when several brokers have been asked, one after the other; what follows waits. */
  #later(
    request: RequestFrame,
    ask: (owner: JoinOwner, request: RequestFrame) => Promise<Buffer | undefined>,
  ): 'done' {
    this.#owner.run.flush()
    const { answers } = this.#owner
    const made = exchangeFor(request, 'collect')
    const whole = { ...request, frame: Buffer.from(request.frame) }
    answers.expect(made)
    this.#joining = ask(this.#owner, whole)
      .then(
        (answer) => {
          if (answer === undefined) return
          if (request.api.key === apis.joinGroup.key) this.joined(whole, answer)
          answers.made(made, answer)
        },
        (error: unknown) => this.#owner.fail(asCutoverError(error, 'upstream_connect')),
      )
      .finally(() => {
        this.#joining = undefined
      })
    return 'done'
  }

  #ordinary(request: RequestFrame): Outcome {
    const decision = decide(
      this.#context.table(),
      request,
      (of, key, cluster) =>
        this.#context.cluster(cluster ?? this.#waiting.clusterOf(of, key)).coordinator(of, key),
      this.#context.limits,
    )
    return this.decided(request, decision)
  }

  /** Does what the router decided. */
  decided(request: RequestFrame, decision: Decision): Outcome {
    switch (decision.kind) {
      case 'ask':
        if (this.#waiting.ask(decision.question)) return 'wait'
        return this.#waiting.mustBeTranslated(decision.question)
          ? this.#waiting.waitForLeader(request.api.name, decision.question.cluster)
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
    if (membership === 'join') return this.#later(request, joinMoved)
    if (membership === 'outdated') return this.#refuseCommit(request)
    const errorCode = membership === 'gone' ? 0 : errorCodes.REBALANCE_IN_PROGRESS
    if (api.key === apis.heartbeat.key) this.#keepAlive(request)
    const answer = encodeResponse(api, version, correlationId, { errorCode })
    return this.answer(api.key, version, correlationId, answer)
  }

  /**
   * Clients send commits behind a JoinGroup that waits, and a broker answers them when the rebalance is
   * over. A cluster that has never seen the member would answer UNKNOWN_MEMBER_ID, which no rebalance does.
   */
  #refuseCommit({ version, correlationId, frame, bodyOffset }: RequestFrame): 'done' {
    const { topics } = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
    const answer = encodeResponse(apis.offsetCommit, version, correlationId, {
      topics: topics.map(({ partitions, ...topic }) => ({
        ...topic,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errorCodes.ILLEGAL_GENERATION,
        })),
      })),
    })
    return this.answer(apis.offsetCommit.key, version, correlationId, answer)
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

  /** An answer that is made here; it leaves when those before it have. */
  answer(apiKey: number, version: number, correlationId: number, answer: Buffer): 'done' {
    this.#owner.run.flush()
    const made = new Exchange(apiKey, version, correlationId, 'made')
    this.#owner.answers.expect(made)
    this.#owner.answers.made(made, answer)
    return 'done'
  }

  #apiVersions(version: number, correlationId: number): Outcome {
    const table = this.#context.table()
    const { key, versions } = apis.apiVersions
    if (table.offered.size === 0 && version <= versions.max) return this.#waiting.awaitDiscovery()
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
    const upstream = this.#waiting.connected(to)
    if (upstream === undefined) return 'wait'
    const { key } = request.api
    const collects = rewriters.has(key) || this.#context.growth.awaits(key)
    const sent = exchangeFor(request, collects ? 'collect' : 'stream')
    this.expect(upstream, sent)
    this.#waiting.sent()
    return upstream
  }

  #split(
    request: RequestFrame,
    parts: readonly Part[],
    merge: (whole: Exchange, answers: readonly Buffer[]) => void,
  ): Outcome {
    const { answers, run, downstream } = this.#owner
    const upstreams = parts.map(({ to }) => this.#waiting.connected(this.#destination(to)))
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
    this.#waiting.sent()
    return 'done'
  }

  /** The answer to what goes there is awaited, in its turn. */
  expect(upstream: Upstream, sent: Exchange): void {
    this.#owner.answers.expect(sent)
    upstream.expect(sent)
  }

  malformed(what: string): 'wait' {
    const message = `an application sent a ${what} that cannot be read`
    this.#owner.fail(new CutoverError('frame_invalid', message))
    return 'wait'
  }
}

/** A whole request, without its length; undefined if its API is not known. */
export function requestFrame(frame: Buffer): RequestFrame | undefined {
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
