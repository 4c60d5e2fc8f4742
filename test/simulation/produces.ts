import { nodeId } from '../../src/ids.ts'
import { apis } from '../../src/protocol/index.ts'
import { errorsIn, isRefused, isTaken } from '../../src/proxy/unresolved.ts'
import {
  answersHere,
  destination,
  everyPartitionAcked,
  Firsts,
  noteAcked,
  patchMovedProduce,
  patchProduceResponse,
  producedBatches,
  producedShifts,
  ProducesInFlight,
  refuseProduce,
  renumberProduce,
  routeMovedProduce,
  routeProduce,
  seenMoved,
  seenProduce,
  splitMovedProduce,
  type Decision,
  type Destination,
  type FirstBatch,
  type RequestFrame,
  type ShiftLookup,
} from '../../src/router/index.ts'
import { requestFrame, type Exchange, type Outcome } from './exchange.ts'
import type { Incarnation } from './incarnation.ts'
import type { Upstream } from './upstream.ts'

/** What a client's Produces need of its session. */
export interface ProducesOwner {
  readonly owner: Incarnation
  /** Whether the leaders were asked for, for the request at hand. */
  readonly hasAsked: boolean
  hold(): 'wait'
  waitFor(facts: Promise<unknown>): void
  askLeaders(...clusters: readonly ('source' | 'target')[]): 'wait'
  connected(to: Destination): Upstream | undefined
  other(frame: Buffer): Outcome
  decided(request: RequestFrame, decision: Decision): Outcome
  expect(apiKey: number): Exchange
  judge(of: Exchange, version: number, answer: Buffer): void
  answered(of: Exchange, answer: Buffer): void
}

/** src/proxy/produce-requests.ts */
export class Produces {
  readonly #session: ProducesOwner
  readonly #firsts = new Firsts()
  readonly #inFlight = new ProducesInFlight()

  constructor(session: ProducesOwner) {
    this.#session = session
  }

  route(frame: Buffer, version: number): Outcome {
    const { table } = this.#session.owner
    const size = frame.length
    const route = routeProduce(table, frame, 0, size, size, version)
    if (route === 'incomplete' || route === 'malformed') throw new Error(`a Produce is ${route}`)
    if (route === 'held') {
      this.#session.owner.heldProduce(requestFrame(frame.subarray(4)))
      return this.#session.hold()
    }
    if (seenProduce.acks === 0) return this.#goProduce(frame, version, route)
    const batches = producedBatches(frame, 0, size, size, version) ?? []
    const inFlight = this.#inFlight
    const nowMs = this.#session.owner.scheduler.now()
    if (inFlight.mustSettle(table, batches)) {
      this.#session.waitFor(inFlight.settled)
      return 'wait'
    }
    if (batches.some((batch) => inFlight.overtakes(batch, nowMs))) {
      inFlight.refused(batches, nowMs)
      this.#session.answered(
        this.#session.expect(apis.produce.key),
        refuseProduce(requestFrame(frame.subarray(4))),
      )
      return 'done'
    }
    if (batches.length === 0) return this.#goProduce(frame, version, route)
    inFlight.sent(frame.readInt32BE(8), table, batches, nowMs)
    const outcome = this.#goProduce(frame, version, route)
    if (outcome === 'wait') inFlight.withdraw(frame.readInt32BE(8))
    return outcome
  }

  #goProduce(frame: Buffer, version: number, route: ReturnType<typeof routeProduce>): Outcome {
    const { table, acked } = this.#session.owner
    if (route === 'moved') return this.#movedProduce(frame, version)
    if (route === 'split') return this.#session.other(frame.subarray(4))
    if (typeof route === 'string' && !this.#session.hasAsked)
      return this.#session.askLeaders('source')
    const to = typeof route === 'string' ? destination('source', nodeId(1)) : route
    const upstream = this.#session.connected(to)
    if (upstream === undefined) return 'wait'
    const noted = table.view.shortFetches ? acked : null
    return this.#sendProduce(upstream, frame, version, noted, null)
  }

  #movedProduce(frame: Buffer, version: number): Outcome {
    const { table, retained, bases } = this.#session.owner
    const size = frame.length
    const known = { retained, bases, firsts: this.#firsts }
    const fresh: FirstBatch[] = []
    const route = routeMovedProduce(table, frame, 0, size, size, version, known, fresh)
    if (route === 'incomplete' || route === 'malformed') throw new Error(`a Produce is ${route}`)
    if (route === 'loading') return this.#session.hold()
    if (route === 'second') {
      this.#session.waitFor(this.#firsts.answered)
      return 'wait'
    }
    if (route === 'split') {
      const whole = Buffer.from(frame)
      const here = answersHere(table, whole, 0, size, version, known)
      patchMovedProduce(table, whole, 0, size, size, version, bases)
      const request = requestFrame(whole.subarray(4))
      const outcome = this.#session.decided(request, splitMovedProduce(table, request, here))
      if (outcome === 'done') this.#sentFirsts(frame, fresh)
      return outcome
    }
    // `Waiting.askLeader`, then `Waiting.waitForLeader`
    if (route === 'unknown') return this.#session.askLeaders('target')
    const upstream = this.#session.connected(route)
    if (upstream === undefined) return 'wait'
    patchMovedProduce(table, frame, 0, size, size, version, bases)
    const renumbered = seenMoved.renumbered
      ? renumberProduce(table, frame, 0, size, size, version)
      : undefined
    this.#sentFirsts(frame, fresh)
    return this.#sendProduce(upstream, frame, version, null, producedShifts(table, renumbered))
  }

  #sentFirsts(frame: Buffer, batches: readonly FirstBatch[]): void {
    if (batches.length === 0 || seenProduce.acks === 0) return
    this.#firsts.sent(frame.readInt32BE(8), batches)
  }

  #sendProduce(
    upstream: Upstream,
    frame: Buffer,
    version: number,
    acked: Map<string, bigint> | null,
    shifts: ShiftLookup | null,
  ): Outcome {
    if (seenProduce.acks === 0) {
      upstream.unanswered = true
      upstream.write(frame)
      return 'done'
    }
    const exchange = this.#session.expect(apis.produce.key)
    upstream.request(frame, (answer) => {
      const end = answer.length
      if (acked !== null) noteAcked(answer, 0, end, version, acked)
      if (shifts !== null) patchProduceResponse(answer, 0, end, version, shifts)
      if (!everyPartitionAcked(answer, 0, end, version)) this.#session.owner.leadersMoved()
      this.#session.judge(exchange, version, answer)
      this.#session.answered(exchange, answer)
    })
    return 'done'
  }

  /** An answer has come. */
  answered(version: number, answer: Buffer): void {
    const correlationId = answer.readInt32BE(4)
    if (this.#inFlight.of(correlationId) === undefined) return
    const errorOf = errorsIn(version, answer.subarray(4))
    const nowMs = this.#session.owner.scheduler.now()
    this.#inFlight.answered(correlationId, (...at) => isRefused(errorOf(...at)), nowMs)
    if (this.#firsts.awaits(correlationId)) {
      this.#firsts.settle((...at) => isTaken(errorOf(...at)))
    }
  }
}
