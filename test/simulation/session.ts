import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  errorCodes,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import {
  anyBrokerId,
  decide,
  destination,
  everyPartitionAcked,
  homeBrokerId,
  moveFetch,
  placeOf,
  routeFetch,
  seenFetch,
  seenProduce,
  type Decision,
  type Destination,
  cutLateFetch,
  type FetchPatcher,
  type RequestFrame,
} from '../../src/router/index.ts'
import { nodeId, type ClusterName } from '../../src/ids.ts'
import { Leading } from '../../src/proxy/leading.ts'
import { shortFetchWaitMs, type Incarnation } from './incarnation.ts'
import { Link, type LinkEnd } from './link.ts'
import { commitInBoth, isParted, joinMoved, leaveUnasked, type MemberOwner } from './membership.ts'
import { isUnresolved } from '../../src/proxy/unresolved.ts'
import { requestFrame, type Exchange, type Outcome } from './exchange.ts'
import { Produces, type ProducesOwner } from './produces.ts'
import { Upstream } from './upstream.ts'

const options = { splitFetchWaitMs: 100 }

/** One client connection's life, as src/proxy/session.ts and what it is made of. */
export class SimSession implements LinkEnd, MemberOwner, ProducesOwner {
  readonly owner: Incarnation
  readonly link: Link
  #requests: Buffer[] = []
  readonly #answers: Exchange[] = []
  readonly #upstreams = new Map<Destination, Upstream>()
  #blocked = false
  /** How many waits there have been: only the last one counts (`Waiting`, src/proxy/waiting.ts). */
  #waits = 0
  hasAsked = false
  readonly #produces = new Produces(this)
  readonly #leading: Leading
  /** A request that waits here rather than at a broker. */
  #joining: Promise<void> | undefined
  /** Of which topics the Fetch that waits tells its client that there are new partitions. */
  #signal: ReadonlySet<string> | undefined
  #draining = false
  gone = false

  constructor(owner: Incarnation, client: LinkEnd) {
    this.owner = owner
    this.#leading = new Leading(() => owner.table.view)
    this.link = new Link(owner.scheduler, client, this)
  }

  received(frame: Buffer): void {
    this.#requests.push(frame)
    this.#route()
  }

  closed(): void {
    this.close()
  }

  close(): void {
    if (this.gone) return
    this.gone = true
    if (this.producing()() === 'unresolved') this.owner.lostProduces++
    this.link.end()
    for (const upstream of this.#upstreams.values()) upstream.end()
    this.owner.sessions.delete(this)
  }

  /** `Session.producing` */
  producing(): () => 'pending' | 'resolved' | 'unresolved' {
    const owed = this.#answers.filter(({ apiKey }) => apiKey === apis.produce.key)
    return () => {
      const pending = owed.filter((of) => this.#answers.includes(of))
      if (owed.some((of) => of.unresolved)) return 'unresolved'
      if (this.gone) return pending.length > 0 ? 'unresolved' : 'resolved'
      return pending.length > 0 ? 'pending' : 'resolved'
    }
  }

  /** `Session.flushUnanswered` */
  async flushUnanswered(): Promise<void> {
    for (const upstream of this.#upstreams.values()) {
      if (!upstream.unanswered || !upstream.ready) continue
      await this.#ask(upstream, apis.apiVersions, 0, {}).catch(() => {})
    }
  }

  fetchesLongerThan(ms: number): number {
    return this.#answers.filter((of) => of.apiKey === apis.fetch.key && of.maxWaitMs > ms).length
  }

  /** `Session.received`: one after the other, and nothing behind one that waits. */
  #route(): void {
    while (!this.gone && !this.#blocked && !this.#draining) {
      const frame = this.#requests[0]
      if (frame === undefined) return
      if (this.#request(frame) === 'wait') return
      this.#requests.shift()
      this.hasAsked = false
    }
  }

  #request(frame: Buffer): Outcome {
    const { apiKey, apiVersion: version } = decodeRequestHeader(frame, 4)
    if (this.#joining !== undefined) {
      this.waitFor(this.#joining)
      return 'wait'
    }
    if (apiKey === apis.produce.key) return this.#produces.route(frame, version)
    if (apiKey === apis.fetch.key) return this.#fetch(frame, version)
    return this.other(frame.subarray(4))
  }

  /** src/proxy/fetch-requests.ts; clients here make no sessions (KIP-227). */
  #fetch(frame: Buffer, version: number): Outcome {
    const { table } = this.owner
    const route = routeFetch(table, frame, 0, frame.length, version, undefined)
    if (route === 'malformed') throw new Error('a Fetch is malformed')
    const isShort = table.view.shortFetches || this.owner.growth.hurries
    if (isShort && seenFetch.maxWaitMs > shortFetchWaitMs) {
      seenFetch.maxWaitMs = shortFetchWaitMs
      frame.writeInt32BE(shortFetchWaitMs, seenFetch.maxWaitAt)
    }
    const { maxWaitMs } = seenFetch
    const signalled = this.#signal ?? this.#signalled(frame)
    if (route === 'moved' || signalled !== undefined) {
      const outcome = this.#movedFetch(frame, maxWaitMs, signalled)
      this.#signal = outcome === 'wait' ? signalled : undefined
      return outcome
    }
    if (route === 'split') return this.other(frame.subarray(4))
    if (typeof route === 'string' && !this.hasAsked) return this.askLeaders('source')
    const to = typeof route === 'string' ? destination('source', nodeId(1)) : route
    return this.#pass(frame, to, apis.fetch.key, maxWaitMs, undefined)
  }

  /** `FetchRequests.#signalled` */
  #signalled(frame: Buffer): ReadonlySet<string> | undefined {
    const { ungrown } = seenFetch
    if (ungrown.length === 0) return undefined
    const clientId = () => decodeRequestHeader(frame, 4).clientId ?? ''
    return this.owner.growth.fetched(this, clientId, this.owner.options.software, ungrown)
  }

  #movedFetch(
    frame: Buffer,
    maxWaitMs: number,
    signalled: ReadonlySet<string> | undefined,
  ): Outcome {
    const { table, readings, scheduler } = this.owner
    const request = requestFrame(frame.subarray(4))
    const moved = moveFetch(table, request, {
      ...options,
      gatheredBytesMax: 1 << 20,
      readings,
      reader: this,
      signalled,
    })
    if (moved.kind === 'empty') {
      const exchange = this.expect(apis.fetch.key, maxWaitMs)
      scheduler.after(moved.afterMs, () => this.answered(exchange, moved.frame))
      return 'done'
    }
    if (moved.kind !== 'stream') return this.decided(request, moved)
    return this.#pass(moved.frame, moved.to, apis.fetch.key, moved.maxWaitMs, moved.patcher)
  }

  #pass(
    frame: Buffer,
    to: Destination,
    apiKey: number,
    maxWaitMs: number,
    patcher: FetchPatcher | undefined,
  ): Outcome {
    const upstream = this.connected(to)
    if (upstream === undefined) return 'wait'
    const exchange = this.expect(apiKey, maxWaitMs)
    const version = frame.readInt16BE(6)
    const { spliced } = this.owner.table.view
    const asked = apiKey === apis.joinGroup.key ? whole(frame) : undefined
    upstream.request(frame, (answer) => {
      patcher?.patch(answer, 0, answer.length)
      if (asked !== undefined) this.#joined(asked, answer)
      if (apiKey === apis.fetch.key && !spliced) this.#late(exchange, version, answer)
      else this.answered(exchange, answer)
    })
    return 'done'
  }

  /** src/proxy/requests.ts */
  other(frame: Buffer): Outcome {
    const request = requestFrame(frame)
    const { groups, growth } = this.owner
    const membership = groups.judge(request)
    if (membership === 'join') return this.#later(request, joinMoved)
    if (membership === 'outdated') return this.#refuseCommit(request)
    const signal =
      membership === 'ordinary' ? growth.judge(request, this.owner.options.software) : membership
    if (signal === 'gone' || signal === 'rebalance') {
      const errorCode = signal === 'gone' ? 0 : errorCodes.REBALANCE_IN_PROGRESS
      const { api, version, correlationId } = request
      const exchange = this.expect(api.key)
      if (api.key === apis.heartbeat.key) this.#keepAlive(request)
      this.answered(exchange, encodeResponse(api, version, correlationId, { errorCode }))
      return 'done'
    }
    if (signal === 'leave') return this.#later(request, leaveUnasked)
    const outcome = isParted(this.owner, request)
      ? this.#later(request, commitInBoth)
      : this.#ordinary(this.#leading.assigning(request))
    if (signal === 'close') this.#drain()
    return outcome
  }

  #ordinary(request: RequestFrame): Outcome {
    const { table } = this.owner
    const decision = decide(
      table,
      request,
      (_, key, cluster) =>
        destination(
          cluster ?? (placeOf(table.view, key) === 'target' ? 'target' : 'source'),
          nodeId(1),
        ),
      options,
    )
    return this.decided(request, decision)
  }

  #refuseCommit({ version, correlationId, frame, bodyOffset }: RequestFrame): 'done' {
    const { topics } = decodeRequest(apis.offsetCommit, version, frame, bodyOffset)
    const errorCode = errorCodes.ILLEGAL_GENERATION
    const answer = encodeResponse(apis.offsetCommit, version, correlationId, {
      topics: topics.map(({ partitions, ...topic }) => ({
        ...topic,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    })
    this.answered(this.expect(apis.offsetCommit.key), answer)
    return 'done'
  }

  /** `Session.drain` */
  #drain(): void {
    this.#draining = true
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    if (this.#draining && this.#answers.length === 0) this.close()
  }

  /** `Requests.#keepAlive`: the source keeps the member until it leaves. */
  #keepAlive({ version, frame, bodyOffset }: RequestFrame): void {
    const body = decodeRequest(apis.heartbeat, version, frame, bodyOffset)
    const upstream = this.#upstreams.get(destination('source', nodeId(1)))
    if (upstream?.ready === true) {
      this.#ask(upstream, apis.heartbeat, version, body).catch(() => {})
    }
  }

  decided(request: RequestFrame, decision: Decision): Outcome {
    const { view } = this.owner.table
    const resolve = (to: Destination | 'any' | 'home'): Destination => {
      if (typeof to === 'string') return destination(view.home, nodeId(1))
      const isAny = to.nodeId === anyBrokerId || to.nodeId === homeBrokerId
      return isAny ? destination(to.cluster, nodeId(1)) : to
    }
    switch (decision.kind) {
      case 'ask':
        return this.askLeaders('source', 'target')
      case 'answer':
        this.answered(this.expect(request.api.key), decision.frame)
        return 'done'
      case 'forward': {
        const size = Buffer.alloc(4)
        size.writeInt32BE(request.frame.length)
        const frame = Buffer.concat([size, request.frame])
        return this.#pass(frame, resolve(decision.to), request.api.key, 0, undefined)
      }
      case 'split':
      case 'translate':
        break
    }
    const upstreams = decision.parts.map(({ to }) => this.connected(resolve(to)))
    if (upstreams.some((upstream) => upstream === undefined)) return 'wait'
    const isUnanswered = request.api.key === apis.produce.key && seenProduce.acks === 0
    const whole = isUnanswered ? undefined : this.expect(request.api.key)
    const { spliced } = this.owner.table.view
    const answers: Buffer[] = []
    let left = decision.parts.length
    const asked = request.api.key === apis.joinGroup.key ? { ...request } : undefined
    const finish = () => {
      if (whole === undefined) return
      const answer =
        decision.kind === 'split'
          ? decision.merge(answers)
          : decision.merge(answers).encode(this.owner.table)
      const isProduce = request.api.key === apis.produce.key
      const { version } = request
      if (isProduce && !everyPartitionAcked(answer, 0, answer.length, version)) {
        this.owner.leadersMoved()
      }
      this.judge(whole, version, answer)
      if (asked !== undefined) this.#joined(asked, answer)
      const isFetch = request.api.key === apis.fetch.key && decision.kind === 'split'
      if (isFetch && !spliced) this.#late(whole, version, answer)
      else this.answered(whole, answer)
    }
    if (left === 0) finish()
    decision.parts.forEach(({ frame }, i) => {
      const upstream = upstreams[i] as Upstream
      if (isUnanswered) {
        upstream.unanswered = true
        return upstream.write(frame)
      }
      upstream.request(frame, (answer) => {
        answers[i] = answer.subarray(4)
        if (--left === 0) finish()
      })
    })
    return 'done'
  }

  /** `Requests.#later`: what follows waits until it is answered. */
  #later(
    request: RequestFrame,
    ask: (session: MemberOwner, request: RequestFrame) => Promise<Buffer | undefined>,
  ): 'done' {
    const exchange = this.expect(request.api.key)
    const whole = { ...request, frame: Buffer.from(request.frame) }
    this.#joining = ask(this, whole).then(
      (answer) => {
        this.#joining = undefined
        if (answer === undefined) return
        if (request.api.key === apis.joinGroup.key) this.#joined(whole, answer)
        this.answered(exchange, answer)
      },
      () => this.close(),
    )
    return 'done'
  }

  /** `Requests.joined` */
  #joined(request: RequestFrame, answer: Buffer): void {
    this.#leading.joined(request, answer)
    this.owner.growth.joined(request, answer.subarray(4))
  }

  async askCoordinator<Q extends Fields, S extends Fields>(
    cluster: ClusterName,
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    const upstream = await this.#opened(destination(cluster, nodeId(1)))
    return this.#ask(upstream, api, version, body)
  }

  #ask<Q extends Fields, S extends Fields>(
    upstream: Upstream,
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    const header = { correlationId: 7, clientId: 'kafka-cutover' }
    return new Promise((resolve, reject) => {
      upstream.request(
        encodeRequest(api, version, header, body),
        (answer) => {
          const { bodyOffset } = decodeResponseHeader(api, version, answer, 4)
          resolve(decodeResponse(api, version, answer, bodyOffset))
        },
        reject,
      )
    })
  }

  async #opened(to: Destination): Promise<Upstream> {
    const upstream = this.#upstreamOf(to)
    await upstream.opened
    return upstream
  }

  #upstreamOf(to: Destination): Upstream {
    const known = this.#upstreams.get(to)
    if (known !== undefined) return known
    const upstream = new Upstream(this.owner.cluster(to.cluster), to.nodeId, (owed) => {
      this.#upstreams.delete(to)
      // `Session.upstreamClosed`
      if (owed) this.close()
    })
    this.#upstreams.set(to, upstream)
    return upstream
  }

  connected(to: Destination): Upstream | undefined {
    const upstream = this.#upstreamOf(to)
    if (upstream.ready) return upstream
    this.waitFor(upstream.opened)
    return undefined
  }

  askLeaders(...clusters: readonly ('source' | 'target')[]): 'wait' {
    const owner = this.owner
    const pauseMs = this.hasAsked ? 100 : 0
    this.hasAsked = true
    const asked = clusters.map((cluster) => owner.doors[cluster].refresh())
    this.waitFor(Promise.all(asked).then(() => owner.sleep(pauseMs)))
    return 'wait'
  }

  hold(): 'wait' {
    this.waitFor(this.owner.tableChanged)
    return 'wait'
  }

  waitFor(facts: Promise<unknown>): void {
    const wait = ++this.#waits
    this.#blocked = true
    const unblock = () => {
      if (wait !== this.#waits) return
      this.#blocked = false
      this.#route()
    }
    facts.then(unblock, unblock)
  }

  expect(apiKey: number, maxWaitMs = 0): Exchange {
    const exchange = { apiKey, maxWaitMs, answer: undefined, unresolved: false }
    this.#answers.push(exchange)
    return exchange
  }

  /** `Session.isLate`, `Session.#late`: a Fetch that was asked before a splice. */
  #late(of: Exchange, version: number, answer: Buffer): void {
    const { table, tableChanged } = this.owner
    const { settling, spliced } = table.view
    if (settling) {
      void tableChanged.then(() => this.#late(of, version, answer))
      return
    }
    const cut = () => cutLateFetch(table, version, answer.readInt32BE(4), answer.subarray(4))
    this.answered(of, spliced ? cut() : answer)
  }

  /** `Session.done` */
  judge(of: Exchange, version: number, answer: Buffer): void {
    if (of.apiKey !== apis.produce.key) return
    this.#produces.answered(version, answer)
    if (!this.owner.table.view.held) return
    of.unresolved = isUnresolved(version, answer.subarray(4))
  }

  answered(of: Exchange, answer: Buffer): void {
    of.answer = answer
    for (let next = this.#answers[0]; next?.answer !== undefined; next = this.#answers[0]) {
      this.#answers.shift()
      this.link.reply(next.answer)
    }
    this.#endIfDrained()
  }
}

/** As it was asked, for when the answer comes. @param frame with its length */
const whole = (frame: Buffer): RequestFrame => requestFrame(Buffer.from(frame.subarray(4)))
