import type { VersionRanges } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import { apiByKey, apiName, apis, decodeRequest, decodeRequestHeader } from '../protocol/index.ts'
import {
  answerApiVersions,
  decide,
  rewriters,
  seenProduce,
  type Decision,
  type Destination,
  type Part,
  type RequestFrame,
} from '../router/index.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { FetchRequests } from './fetch-requests.ts'
import { GroupRequests } from './group-requests.ts'
import { ProduceRequests } from './produce-requests.ts'
import { exchangeFor, type Outcome, type RequestsOwner, type Routing } from './request.ts'
import type { Upstream } from './upstream.ts'
import { Waiting } from './waiting.ts'

/** The version of ApiVersions in which clients began to say what they are (KIP-511). */
const namedSince = 3

/**
 * Routes one client's requests, one after the other. A request that cannot go yet - its broker is being
 * connected, a coordinator asked for - holds those behind it, as on a broker, which handles one request
 * of a connection at a time.
 */
export class Requests implements Routing {
  readonly produce: ProduceRequests
  readonly fetch: FetchRequests
  readonly group: GroupRequests
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  readonly #waiting: Waiting
  /** The versions that the client was offered. */
  #offered: VersionRanges = new Map()

  constructor(owner: RequestsOwner) {
    this.#owner = owner
    this.#context = owner.context
    this.#waiting = new Waiting(owner)
    this.produce = new ProduceRequests(owner, this, this.#waiting)
    this.fetch = new FetchRequests(owner, this, this.#waiting, () => this.group.software)
    this.group = new GroupRequests(owner, this, this.#waiting)
  }

  /** Whether the request at hand waits for a splice to be decided. */
  get holding(): boolean {
    return this.#waiting.holding
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
    const api = apiByKey(apiKey)
    if (api === undefined) return this.malformed(apiName(apiKey))
    const request = { api, version, correlationId, clientId, frame, bodyOffset }
    if (apiKey === apis.apiVersions.key) return this.#apiVersions(request)
    if (!this.#context.home().discovered) return this.#waiting.awaitDiscovery()
    return this.group.route(request, (whole) => this.#ordinary(whole))
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

  /** An answer that is made here; it leaves when those before it have. */
  answer(apiKey: number, version: number, correlationId: number, answer: Buffer): 'done' {
    this.#owner.run.flush()
    const made = new Exchange(apiKey, version, correlationId, 'made')
    this.#owner.answers.expect(made)
    this.#owner.answers.made(made, answer)
    return 'done'
  }

  #apiVersions({ version, correlationId, frame, bodyOffset }: RequestFrame): Outcome {
    const table = this.#context.table()
    const { key, versions } = apis.apiVersions
    const isKnown = version <= versions.max
    if (table.offered.size === 0 && isKnown) return this.#waiting.awaitDiscovery()
    this.#offered = table.offered
    if (isKnown && version >= namedSince) {
      const named = decodeRequest(apis.apiVersions, version, frame, bodyOffset)
      this.group.software = named.clientSoftwareName
    }
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
