import { apis } from '../protocol/index.ts'
import {
  answersHere,
  batchHeaderBytes,
  Firsts,
  ProducesInFlight,
  producedBatches,
  refuseProduce,
  patchMovedProduce,
  producedShifts,
  renumberProduce,
  routeMovedProduce,
  routeProduce,
  seenMoved,
  seenProduce,
  splitMovedProduce,
  type FirstBatch,
  type KnownOfProducers,
  type ProducedBatch,
} from '../router/index.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { requestFrame, type Outcome, type RequestsOwner, type Routing } from './request.ts'
import { errorsIn, isRefused, isTaken } from './unresolved.ts'
import type { Waiting } from './waiting.ts'

/** What is known of a Produce that may go. */
type Routed = Exclude<ReturnType<typeof routeProduce>, 'incomplete' | 'malformed' | 'held'>

/** Produce, routed where it lies in the read buffer, and passed on in the chunks in which it comes. */
export class ProduceRequests {
  readonly #owner: RequestsOwner
  readonly #context: SessionContext
  readonly #routing: Routing
  readonly #waiting: Waiting
  readonly #firsts = new Firsts()
  readonly #inFlight = new ProducesInFlight()
  readonly #known: KnownOfProducers
  /** How many bytes of the unfinished request at hand must be there before it is looked at again. */
  #lookAgainAt = 0

  constructor(owner: RequestsOwner, routing: Routing, waiting: Waiting) {
    this.#owner = owner
    this.#context = owner.context
    const { retained, bases } = owner.context
    this.#known = { retained, bases, firsts: this.#firsts }
    this.#routing = routing
    this.#waiting = waiting
  }

  /** The Produce frame at `at`; not all of its bytes need be there. */
  route(buffer: Buffer, at: number, end: number, frameEnd: number, version: number): Outcome {
    const isWhole = end >= frameEnd
    if (!isWhole && end - at < this.#lookAgainAt) return 'wait'
    const table = this.#context.table()
    const route = routeProduce(table, buffer, at, Math.min(end, frameEnd), frameEnd, version)
    if (route === 'incomplete' || (route === 'split' && !isWhole)) {
      // Looked at from its beginning for each chunk, a long list of partitions costs its square.
      this.#lookAgainAt = 2 * (end - at)
      return 'wait'
    }
    if (route === 'malformed') return this.#routing.malformed('Produce')
    if (route === 'held') return this.#waiting.hold()
    if (seenProduce.acks === 0) return this.#go(buffer, at, end, frameEnd, version, route)
    const batches = producedBatches(buffer, at, Math.min(end, frameEnd), frameEnd, version)
    const inFlight = this.#inFlight
    const nowMs = performance.now()
    const isTooEarly = batches?.some((batch) => inFlight.overtakes(batch, nowMs)) === true
    if (batches === undefined || (isTooEarly && !isWhole)) {
      this.#lookAgainAt = Math.min(2 * (end - at), end - at + batchHeaderBytes)
      return 'wait'
    }
    if (inFlight.mustSettle(table, batches)) return this.#waiting.await(inFlight.settled)
    if (isTooEarly) return this.#refuse(buffer.subarray(at + 4, frameEnd), batches)
    if (batches.length === 0) return this.#go(buffer, at, end, frameEnd, version, route)
    const correlationId = buffer.readInt32BE(at + 8)
    inFlight.sent(correlationId, table, batches, nowMs)
    const outcome = this.#go(buffer, at, end, frameEnd, version, route)
    if (outcome === 'wait') inFlight.withdraw(correlationId)
    return outcome
  }

  /** A leader has refused what this comes behind, and it does not lead any more: nobody gets it. */
  #refuse(frame: Buffer, batches: readonly ProducedBatch[]): Outcome {
    const request = requestFrame(frame)
    if (request === undefined) return this.#routing.malformed('Produce')
    this.#inFlight.refused(batches, performance.now())
    this.#lookAgainAt = 0
    this.#waiting.sent()
    const { version, correlationId } = request
    return this.#routing.answer(apis.produce.key, version, correlationId, refuseProduce(request))
  }

  #go(
    buffer: Buffer,
    at: number,
    end: number,
    frameEnd: number,
    version: number,
    route: Routed,
  ): Outcome {
    if (route === 'moved') return this.#moved(buffer, at, end, frameEnd, version)
    if (route === 'split') return this.#routing.other(buffer.subarray(at + 4, frameEnd))
    if (route === 'unknown' && this.#waiting.askLeader(seenProduce.unknownTopic)) return 'wait'
    const upstream = this.#waiting.connected(route === 'unknown' ? this.#owner.brokers.home : route)
    if (upstream === undefined) return 'wait'
    if (seenProduce.acks === 0) upstream.unanswered = true
    else {
      const sent = new Exchange(0, version, buffer.readInt32BE(at + 8), 'produce')
      const { view } = this.#context.table()
      if (view.shortFetches) sent.acked = this.#context.acked
      this.#routing.expect(upstream, sent)
    }
    this.#lookAgainAt = 0
    this.#waiting.sent()
    return upstream
  }

  /** A Produce to a partition that has moved: its batches get the producer ids that are known there. */
  #moved(buffer: Buffer, at: number, end: number, frameEnd: number, version: number): Outcome {
    const table = this.#context.table()
    const isWhole = end >= frameEnd
    const there = Math.min(end, frameEnd)
    const correlationId = buffer.readInt32BE(at + 8)
    const known = this.#known
    const { bases } = known
    const fresh: FirstBatch[] = []
    // Before record batches (v3) there were no producer ids, and nothing to look at.
    const route =
      version < 3
        ? 'split'
        : routeMovedProduce(table, buffer, at, there, frameEnd, version, known, fresh)
    if (route === 'incomplete' || (route === 'split' && !isWhole)) {
      this.#lookAgainAt = 2 * (end - at)
      return 'wait'
    }
    if (route === 'malformed') return this.#routing.malformed('Produce')
    if (route === 'loading') return this.#waiting.hold()
    if (route === 'second') return this.#waiting.await(this.#firsts.answered)
    if (route === 'split') {
      const frame = Buffer.from(buffer.subarray(at, frameEnd))
      const here =
        version < 3 ? new Map() : answersHere(table, frame, 0, frame.length, version, known)
      if (version >= 3) {
        patchMovedProduce(table, frame, 0, frame.length, frame.length, version, bases)
      }
      const request = requestFrame(frame.subarray(4))
      if (request === undefined) return this.#routing.malformed('Produce')
      const decision = splitMovedProduce(table, request, here)
      const outcome = this.#routing.decided(request, decision)
      if (outcome === 'done') this.#sentFirsts(correlationId, fresh)
      return outcome
    }
    if (route === 'unknown') {
      return this.#waiting.askLeader(seenProduce.unknownTopic)
        ? 'wait'
        : this.#waiting.waitForLeader('Produce')
    }
    const upstream = this.#waiting.connected(route)
    if (upstream === undefined) return 'wait'
    patchMovedProduce(table, buffer, at, there, frameEnd, version, bases)
    const renumbered = seenMoved.renumbered
      ? renumberProduce(table, buffer, at, there, frameEnd, version)
      : undefined
    if (seenProduce.acks === 0) upstream.unanswered = true
    else {
      const sent = new Exchange(0, version, correlationId, 'produce')
      sent.shifts = producedShifts(table, renumbered)
      this.#routing.expect(upstream, sent)
      this.#sentFirsts(correlationId, fresh)
    }
    this.#lookAgainAt = 0
    this.#waiting.sent()
    return upstream
  }

  #sentFirsts(correlationId: number, batches: readonly FirstBatch[]): void {
    if (batches.length > 0 && seenProduce.acks !== 0) this.#firsts.sent(correlationId, batches)
  }

  /** An answer has streamed by: no partition refused its batch. */
  streamed({ apiKey, correlationId }: Exchange): void {
    if (apiKey !== apis.produce.key) return
    this.#inFlight.answered(correlationId, () => false, performance.now())
    if (this.#firsts.awaits(correlationId)) this.#firsts.settle(() => true)
  }

  /** An answer was made whole. */
  answered({ apiKey, correlationId, version }: Exchange, answer: Buffer): void {
    if (apiKey !== apis.produce.key || this.#inFlight.of(correlationId) === undefined) return
    const errorOf = errorsIn(version, answer.subarray(4))
    this.#inFlight.answered(correlationId, (...at) => isRefused(errorOf(...at)), performance.now())
    if (this.#firsts.awaits(correlationId)) this.#firsts.settle((...at) => isTaken(errorOf(...at)))
  }
}
