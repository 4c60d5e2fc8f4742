import { apis, decodeRequest, encodeResponse, errorCodes } from '../protocol/index.ts'
import { partedCommit, type RequestFrame } from '../router/index.ts'
import type { SessionContext } from './context.ts'
import type { Membership } from './groups.ts'
import { Leading } from './leading.ts'
import { leaveUnasked } from './leaving.ts'
import { joinMoved, type JoinOwner } from './membership.ts'
import { commitInBoth } from './parallel-commit.ts'
import { exchangeFor, type Outcome, type RequestsOwner, type Routing } from './request.ts'
import { asCutoverError } from './upstream.ts'
import type { Waiting } from './waiting.ts'

/** What a client's group asks for: of one that moves, or that reads both clusters, some is answered here. */
export class GroupRequests {
  /** What the client calls itself (KIP-511); empty where it has not said. */
  software = ''
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  readonly #routing: Routing
  readonly #waiting: Waiting
  readonly #leading: Leading
  /** What asks several brokers, one after the other, and waits meanwhile. */
  #joining: Promise<void> | undefined

  constructor(owner: RequestsOwner, routing: Routing, waiting: Waiting) {
    this.#owner = owner
    this.#context = owner.context
    this.#routing = routing
    this.#waiting = waiting
    this.#leading = new Leading(() => owner.context.table().view)
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

  /** @param ordinary routes what is to go as the client has sent it, or as it is changed here */
  route(request: RequestFrame, ordinary: (request: RequestFrame) => Outcome): Outcome {
    const membership = this.#context.groups.judge(request)
    if (membership !== 'ordinary') return this.#member(request, membership)
    const signal = this.#context.growth.judge(request, this.software)
    if (signal === 'rebalance') return this.#member(request, signal)
    if (signal === 'leave') return this.#later(request, leaveUnasked)
    const outcome = this.#isParted(request)
      ? this.#later(request, commitInBoth)
      : ordinary(this.#leading.assigning(request))
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

  /** A request of a member whose group moves, or has moved without it. */
  #member(request: RequestFrame, membership: Exclude<Membership, 'ordinary'>): Outcome {
    const { api, version, correlationId } = request
    if (membership === 'join') return this.#later(request, joinMoved)
    if (membership === 'outdated') return this.#refuseCommit(request)
    const errorCode = membership === 'gone' ? 0 : errorCodes.REBALANCE_IN_PROGRESS
    if (api.key === apis.heartbeat.key) this.#keepAlive(request)
    const answer = encodeResponse(api, version, correlationId, { errorCode })
    return this.#routing.answer(api.key, version, correlationId, answer)
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
    return this.#routing.answer(apis.offsetCommit.key, version, correlationId, answer)
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
}
