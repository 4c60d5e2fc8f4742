import { assert } from '../assert.ts'
import {
  batchAttributes,
  batchLayout,
  compressionOf,
  crc32c,
  decodeRecords,
  encodeBatch,
  endTransactionMarker,
  errorCodes,
  isControl,
  isTransactional,
  lastOffset,
  readBatchHeader,
  type BatchHeader,
  type LogRecord,
} from '../protocol/index.ts'
import { checkBatch, type Refusal } from './batch-checks.ts'
import { EpochHistory } from './epochs.ts'
import { Producers, type ActiveProducer } from './producers.ts'

/**
 * One partition's log: batches as bytes, with base offset and leader epoch set; the state of its
 * producers; where its leader epochs and aborted transactions lie. Pure: time is an argument. There
 * is one copy for all replicas, so that the high watermark is the log end.
 *
 *     log start <= last stable offset <= high watermark = log end
 */
interface StoredBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  /** Of its marker. */
  readonly lastOffset: bigint
}

export interface StoredRecord extends LogRecord {
  readonly producerId: bigint
  readonly isTransactional: boolean
}

export type AppendResult =
  | { readonly kind: 'appended'; readonly baseOffset: bigint }
  | { readonly kind: 'duplicate'; readonly baseOffset: bigint }
  | Refusal

export interface AppendOptions {
  readonly batchBytesMax: number
  readonly allowZstd: boolean
  /** The time that all records get: `message.timestamp.type` is LogAppendTime. */
  readonly appendTime?: number | undefined
}

export interface LogLimits {
  readonly logBytesMax: number
  readonly producersMax: number
}

export class PartitionLog {
  #batches: StoredBatch[] = []
  #aborted: AbortedTransaction[] = []
  readonly #limits: LogLimits
  readonly #producers: Producers
  readonly epochs = new EpochHistory()
  #start = 0n
  #end = 0n
  #bytes = 0

  constructor(limits: LogLimits) {
    this.#limits = limits
    this.#producers = new Producers(limits.producersMax)
  }

  get start(): bigint {
    return this.#start
  }

  /** Log end and high watermark. */
  get end(): bigint {
    return this.#end
  }

  get lastStable(): bigint {
    return this.#producers.firstUndecided() ?? this.#end
  }

  get bytes(): number {
    return this.#bytes
  }

  activeProducers(): ActiveProducer[] {
    return this.#producers.active()
  }

  /** Appends the one batch that a Produce request brought for this partition. */
  append(records: Buffer | null, leaderEpoch: number, options: AppendOptions): AppendResult {
    const checked = checkBatch(records, options)
    if (checked.kind === 'refused') return checked
    assert(records !== null, 'a checked batch has bytes')
    const verdict = this.#producers.judge(checked.header)
    if (verdict.kind !== 'append') return verdict
    if (this.#bytes + records.length > this.#limits.logBytesMax) {
      const message = `the partition holds ${this.#bytes} of ${this.#limits.logBytesMax} bytes`
      return { kind: 'refused', errorCode: errorCodes.KAFKA_STORAGE_ERROR, message }
    }
    const baseOffset = this.#end
    this.#producers.record(checked.header, baseOffset)
    const bytes = Buffer.from(records)
    if (options.appendTime !== undefined) stamp(bytes, options.appendTime)
    this.#store(bytes, leaderEpoch)
    return { kind: 'appended', baseOffset }
  }

  /** Ends the producer's transaction here with a control batch, as a transaction coordinator does. */
  appendMarker(
    producer: { readonly id: bigint; readonly epoch: number },
    isCommit: boolean,
    leaderEpoch: number,
    now: number,
  ): void {
    const timestamp = BigInt(now)
    const bytes = encodeBatch({
      producerId: producer.id,
      producerEpoch: producer.epoch,
      isTransactional: true,
      isControl: true,
      records: [{ timestamp, ...endTransactionMarker(isCommit, 0) }],
    })
    const markerOffset = this.#end
    this.#store(bytes, leaderEpoch)
    const firstOffset = this.#producers.end(producer.id, producer.epoch, timestamp)
    if (!isCommit && firstOffset !== undefined)
      this.#aborted.push({ producerId: producer.id, firstOffset, lastOffset: markerOffset })
  }

  #store(bytes: Buffer, leaderEpoch: number): void {
    bytes.writeBigInt64BE(this.#end, batchLayout.baseOffset)
    bytes.writeInt32BE(leaderEpoch, batchLayout.partitionLeaderEpoch)
    const header = readBatchHeader(bytes)
    this.#batches.push({ header, bytes })
    this.#bytes += bytes.length
    this.#end = lastOffset(header) + 1n
  }

  /**
   * Whole batches from the one that contains `offset` up to `limit`: at most `bytesMax`, except that
   * the first one comes whatever its size where `atLeastOne` (KIP-74).
   */
  read(offset: bigint, limit: bigint, bytesMax: number, atLeastOne: boolean): readonly Buffer[] {
    const found: Buffer[] = []
    let size = 0
    for (let index = this.#indexOf(offset); index < this.#batches.length; index++) {
      const batch = this.#batches[index]
      if (batch === undefined || batch.header.baseOffset >= limit) break
      const fits = size + batch.bytes.length <= bytesMax
      if (!fits && !(atLeastOne && found.length === 0)) break
      found.push(batch.bytes)
      size += batch.bytes.length
    }
    return found
  }

  /** The first batch that ends at or after `offset`. */
  #indexOf(offset: bigint): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const batch = this.#batches[middle]
      if (batch !== undefined && lastOffset(batch.header) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The transactions that a reader of [from, to) must leave out, by their first offset. */
  aborted(from: bigint, to: bigint): AbortedTransaction[] {
    return this.#aborted
      .filter(({ firstOffset, lastOffset: marker }) => marker >= from && firstOffset < to)
      .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  /** The first record of at least this timestamp, within the batches of any compression. */
  firstAtOrAfter(timestamp: bigint): { offset: bigint; timestamp: bigint } | undefined {
    for (const batch of this.#batches) {
      if (batch.header.maxTimestamp < timestamp) continue
      const record = recordsOf(batch).find(
        (candidate) => candidate.timestamp >= timestamp && candidate.offset >= this.#start,
      )
      if (record !== undefined) return { offset: record.offset, timestamp: record.timestamp }
    }
    return undefined
  }

  /** The first record of the greatest timestamp (KIP-734). */
  latestByTime(): { offset: bigint; timestamp: bigint } | undefined {
    let greatest = -1n
    for (const { header } of this.#batches)
      if (header.maxTimestamp > greatest) greatest = header.maxTimestamp
    return greatest < 0n ? undefined : this.firstAtOrAfter(greatest)
  }

  /** Forgets every batch that ends before `offset`, and answers no fetch below it (DeleteRecords). */
  deleteBefore(offset: bigint): void {
    assert(offset <= this.#end, `log start ${offset} beyond log end ${this.#end}`)
    if (offset <= this.#start) return
    this.#start = offset
    const kept = this.#indexOf(offset)
    for (const { bytes } of this.#batches.splice(0, kept)) this.#bytes -= bytes.length
    this.#aborted = this.#aborted.filter(({ lastOffset: marker }) => marker >= offset)
    this.epochs.truncateBefore(offset)
  }

  /** Records of applications, control records left out; for tests and the demo. */
  records(): StoredRecord[] {
    return this.#batches
      .filter(({ header }) => !isControl(header))
      .flatMap((batch) =>
        recordsOf(batch).map((record) => ({
          ...record,
          producerId: batch.header.producerId,
          isTransactional: isTransactional(batch.header),
        })),
      )
      .filter(({ offset }) => offset >= this.#start)
  }

  batches(): readonly BatchHeader[] {
    return this.#batches.map(({ header }) => header)
  }
}

function stamp(batch: Buffer, now: number): void {
  const attributes = batch.readInt16BE(batchLayout.attributes) | batchAttributes.logAppendTime
  batch.writeInt16BE(attributes, batchLayout.attributes)
  batch.writeBigInt64BE(BigInt(now), batchLayout.maxTimestamp)
  batch.writeUInt32BE(crc32c(batch, batchLayout.attributes), batchLayout.crc)
}

/** Of a compression that we cannot open: one record without content, that the batch may be found. */
function recordsOf({ header, bytes }: StoredBatch): readonly LogRecord[] {
  const compression = compressionOf(header)
  if (compression === 'none' || compression === 'gzip') return decodeRecords(bytes, header)
  const { baseOffset: offset, maxTimestamp: timestamp } = header
  return [{ offset, timestamp, key: null, value: null, headers: [] }]
}
