import { apis, encodeResponse, errorCodes } from '../protocol/index.ts'
import { bodyOf, type RequestFrame } from './decision.ts'
import { partitionKey } from './migration/state.ts'
import { batchProducer, walkProduceBatches } from './patch/index.ts'
import type { RoutingTable } from './table.ts'

/** An idempotent producer's batch for one partition, as its client knows it. */
export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/**
 * The batches of idempotent producers in the Produce frame at `at`; undefined where more bytes are needed. What
 * is malformed has none that anybody takes.
 */
export function producedBatches(
  buffer: Buffer,
  at: number,
  end: number,
  frameEnd: number,
  version: number,
): readonly ProducedBatch[] | undefined {
  const batches: ProducedBatch[] = []
  // Before record batches (v3) there were no producer ids.
  if (version < 3) return batches
  const walked = walkProduceBatches(
    buffer,
    at,
    end,
    frameEnd,
    version,
    (topic, partition, batchAt) => {
      const producer = batchAt < 0 ? undefined : batchProducer(buffer, batchAt)
      if (producer === undefined || producer.producerId < 0n) return
      const { producerId, producerEpoch, baseSequence } = producer
      batches.push({ topic, partition, producerId, producerEpoch, baseSequence })
    },
  )
  return walked === 'incomplete' ? undefined : batches
}

/** Refuses a whole Produce as a broker that leads none of its partitions any more. */
export function refuseProduce(request: RequestFrame): Buffer {
  const { topicData } = bodyOf(apis.produce, request)
  return encodeResponse(apis.produce, request.version, request.correlationId, {
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER,
        baseOffset: -1n,
      })),
    })),
  })
}

interface Sent {
  /** By which it was routed. */
  readonly table: RoutingTable
  readonly batches: readonly ProducedBatch[]
}

interface Refused extends ProducedBatch {
  readonly atMs: number
}

/** So soon a client has heard of a refusal: what it sends later, it sends in spite of it. */
const unheardMsMax = 1_000

/**
 * What idempotent producers have in flight on one connection. A client sends all of it to one broker, which
 * takes none behind a batch that it refused. Here a leader that moves meanwhile gets what comes later: it has
 * not seen the refused batch, and its OUT_OF_ORDER_SEQUENCE_NUMBER, which no single broker would have said,
 * makes some clients begin another epoch, and write again what is there. So the next routing waits for what
 * the last one has in flight, and what overtakes a refused batch is refused as that was.
 */
export class ProducesInFlight {
  readonly #sent = new Map<number, Sent>()
  readonly #refused = new Map<string, Refused>()
  #settled: PromiseWithResolvers<void> | undefined

  /** Resolves when nothing is in flight. */
  get settled(): Promise<void> {
    if (this.#sent.size === 0) return Promise.resolve()
    return (this.#settled ??= Promise.withResolvers()).promise
  }

  /** Whether a topic of these was routed otherwise when what is in flight was sent. */
  mustSettle(table: RoutingTable, batches: readonly ProducedBatch[]): boolean {
    for (const sent of this.#sent.values()) {
      if (sent.table === table) continue
      if (batches.some(({ topic }) => sent.table.topics.get(topic) !== table.topics.get(topic))) {
        return true
      }
    }
    return false
  }

  /** Whether a batch comes behind one that was refused, from a client that has not heard of it. */
  overtakes(batch: ProducedBatch, nowMs: number): boolean {
    if (this.#refused.size === 0) return false
    const refused = this.#refused.get(partitionKey(batch.topic, batch.partition))
    return (
      refused !== undefined &&
      refused.producerId === batch.producerId &&
      refused.producerEpoch === batch.producerEpoch &&
      refused.baseSequence < batch.baseSequence &&
      nowMs - refused.atMs < unheardMsMax
    )
  }

  /** A request goes. What was refused and is sent again, or given up for another epoch, is forgotten. */
  sent(
    correlationId: number,
    table: RoutingTable,
    batches: readonly ProducedBatch[],
    nowMs: number,
  ): void {
    this.#sent.set(correlationId, { table, batches })
    if (this.#refused.size === 0) return
    for (const batch of batches) {
      if (!this.overtakes(batch, nowMs)) {
        this.#refused.delete(partitionKey(batch.topic, batch.partition))
      }
    }
  }

  /** A request is refused without being sent: what comes behind it is, too. */
  refused(batches: readonly ProducedBatch[], nowMs: number): void {
    for (const batch of batches) this.#refuse(batch, nowMs)
  }

  #refuse(batch: ProducedBatch, nowMs: number): void {
    // Of several, the first one tells what comes too early.
    if (this.overtakes(batch, nowMs)) return
    this.#refused.set(partitionKey(batch.topic, batch.partition), { ...batch, atMs: nowMs })
  }

  /** What is in flight under this id; undefined where none of it is an idempotent producer's. */
  of(correlationId: number): readonly ProducedBatch[] | undefined {
    return this.#sent.get(correlationId)?.batches
  }

  /** It does not go yet. */
  withdraw(correlationId: number): void {
    this.#sent.delete(correlationId)
    this.#settle()
  }

  /** It was answered. @param isRefused whether a partition's batch was not taken, and is sent again */
  answered(
    correlationId: number,
    isRefused: (topic: string, partition: number) => boolean,
    nowMs: number,
  ): void {
    const batches = this.of(correlationId) ?? []
    if (!this.#sent.delete(correlationId)) return
    for (const batch of batches) {
      if (isRefused(batch.topic, batch.partition)) this.#refuse(batch, nowMs)
    }
    this.#settle()
  }

  #settle(): void {
    if (this.#sent.size > 0) return
    this.#settled?.resolve()
    this.#settled = undefined
  }
}
