import { crc32c } from './crc32c.ts'
import { DecodeError } from './codec-errors.ts'

/**
 * Record batches, format v2 (KIP-98). A records field is a sequence of batches, of which the last
 * may be cut off: a broker fills a Fetch response by bytes.
 *
 *     0  baseOffset int64            21 attributes int16        43 producerId int64
 *     8  batchLength int32           23 lastOffsetDelta int32   51 producerEpoch int16
 *     12 partitionLeaderEpoch int32  27 baseTimestamp int64     53 baseSequence int32
 *     16 magic int8 = 2              35 maxTimestamp int64      57 recordCount int32
 *     17 crc uint32 of 21..end                                  61 records
 *
 * `baseOffset` and `partitionLeaderEpoch` lie before the crc, so that a broker, or we, may set them.
 * Formats v0 and v1 (`magic` 0 and 1) share offset, length and the place of the magic byte; they are
 * found by `entries` but not opened.
 */
export const batchLayout = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Bytes before and with `batchLength`, which it does not count. */
export const batchOverheadBytes = 12
/** Up to and with the magic byte: what is needed to tell the formats apart. */
const magicEnd = batchLayout.magic + 1
/** The least that `batchLength` says, by magic. */
const lengthMin = [14, 22, batchLayout.records - batchOverheadBytes] as const

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof compressions)[number]

export const batchAttributes = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  /** baseTimestamp is the time from which a compacted tombstone may go (KIP-534). */
  deleteHorizon: 0x40,
} as const

export interface BatchHeader {
  readonly kind: 'batch'
  /** Where the batch starts in the buffer, and how many bytes it takes there. */
  readonly start: number
  readonly size: number
  readonly baseOffset: bigint
  readonly partitionLeaderEpoch: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  /** -1 for a producer that is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** A message, or a compressed set of messages, of format v0 or v1. */
export interface LegacyEntry {
  readonly kind: 'legacy'
  readonly start: number
  readonly size: number
  readonly magic: 0 | 1
  /** Of the last message inside, if it is compressed. */
  readonly offset: bigint
}

/** An undefined result: the buffer ends before the entry does. */
function readEntry(buffer: Buffer, start: number): BatchHeader | LegacyEntry | undefined {
  if (buffer.length - start < magicEnd) return undefined
  const magic = buffer.readInt8(start + batchLayout.magic)
  if (magic !== 0 && magic !== 1 && magic !== 2) throw new DecodeError(`magic ${magic} is unknown`)
  const length = buffer.readInt32BE(start + batchLayout.batchLength)
  if (length < lengthMin[magic]) {
    throw new DecodeError(`batch of ${length} bytes, ${lengthMin[magic]} are the least`)
  }
  const size = length + batchOverheadBytes
  if (size > buffer.length - start) return undefined
  if (magic !== 2) {
    return { kind: 'legacy', start, size, magic, offset: buffer.readBigInt64BE(start) }
  }
  return {
    kind: 'batch',
    start,
    size,
    baseOffset: buffer.readBigInt64BE(start + batchLayout.baseOffset),
    partitionLeaderEpoch: buffer.readInt32BE(start + batchLayout.partitionLeaderEpoch),
    crc: buffer.readUInt32BE(start + batchLayout.crc),
    attributes: buffer.readInt16BE(start + batchLayout.attributes),
    lastOffsetDelta: buffer.readInt32BE(start + batchLayout.lastOffsetDelta),
    baseTimestamp: buffer.readBigInt64BE(start + batchLayout.baseTimestamp),
    maxTimestamp: buffer.readBigInt64BE(start + batchLayout.maxTimestamp),
    producerId: buffer.readBigInt64BE(start + batchLayout.producerId),
    producerEpoch: buffer.readInt16BE(start + batchLayout.producerEpoch),
    baseSequence: buffer.readInt32BE(start + batchLayout.baseSequence),
    recordCount: buffer.readInt32BE(start + batchLayout.recordCount),
  }
}

/** The header of a batch that is whole and of format v2. */
export function readBatchHeader(buffer: Buffer, start = 0): BatchHeader {
  const entry = readEntry(buffer, start)
  if (entry === undefined) throw new DecodeError('the buffer ends inside of the batch')
  if (entry.kind === 'legacy') throw new DecodeError(`magic 2 wanted, ${entry.magic} found`)
  return entry
}

/** Every whole entry of a records field, old formats included; a cut-off last one is left out. */
export function* entries(records: Buffer): Generator<BatchHeader | LegacyEntry, void> {
  for (let start = 0; ;) {
    const entry = readEntry(records, start)
    if (entry === undefined) return
    yield entry
    start += entry.size
  }
}

/** Every whole batch of a records field; an entry of an older format is a DecodeError. */
export function* batches(records: Buffer): Generator<BatchHeader, void> {
  for (const entry of entries(records)) {
    if (entry.kind === 'legacy') throw new DecodeError(`magic 2 wanted, ${entry.magic} found`)
    yield entry
  }
}

export const isTransactional = (batch: BatchHeader): boolean =>
  (batch.attributes & batchAttributes.transactional) !== 0

/** A control batch holds markers (commit, abort) of the log, not records of an application. */
export const isControl = (batch: BatchHeader): boolean =>
  (batch.attributes & batchAttributes.control) !== 0

export const lastOffset = (batch: BatchHeader): bigint =>
  batch.baseOffset + BigInt(batch.lastOffsetDelta)

export function compressionOf(batch: BatchHeader): Compression {
  const code = batch.attributes & batchAttributes.compressionMask
  const compression = compressions[code]
  if (compression === undefined) throw new DecodeError(`compression ${code} is unknown`)
  return compression
}

/** @param buffer the one that `batch` was read from */
export const hasValidCrc = (buffer: Buffer, batch: BatchHeader): boolean =>
  crc32c(buffer, batch.start + batchLayout.attributes, batch.start + batch.size) === batch.crc
