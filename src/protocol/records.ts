import { gunzipSync } from 'node:zlib'
import { DecodeError, located } from './codec-errors.ts'
import { crc32c } from './crc32c.ts'
import { Reader } from './reader.ts'
import {
  batchAttributes,
  batchLayout,
  batchOverheadBytes,
  compressionOf,
  type BatchHeader,
} from './record-batch.ts'
import { Writer } from './writer.ts'

/**
 * The records inside a batch. The data plane never looks here; the embedded cluster, stragglers and
 * tests do.
 */
export interface LogRecord {
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** length, attributes, timestamp and offset delta, key and value length, header count: a byte each. */
const recordBytesMin = 7
const headerBytesMin = 2
const inflatedBytesMaxDefault = 64 * 1024 * 1024

/**
 * Of an uncompressed or gzip batch; other compressions are a DecodeError.
 * @param buffer the one that `batch` was read from
 * @param inflatedBytesMax what a compressed batch may become
 */
export function decodeRecords(
  buffer: Buffer,
  batch: BatchHeader,
  inflatedBytesMax = inflatedBytesMaxDefault,
): LogRecord[] {
  const reader = new Reader(recordBytes(buffer, batch, inflatedBytesMax))
  if (batch.recordCount < 0 || batch.recordCount * recordBytesMin > reader.remaining) {
    throw new DecodeError(`${batch.recordCount} records announced, ${reader.remaining} bytes left`)
  }
  const records: LogRecord[] = []
  try {
    while (records.length < batch.recordCount) records.push(readRecord(reader, batch))
  } catch (error) {
    throw located(error, `[${records.length}]`)
  }
  if (reader.remaining > 0) throw new DecodeError(`${reader.remaining} bytes follow the records`)
  return records
}

function recordBytes(buffer: Buffer, batch: BatchHeader, inflatedBytesMax: number): Buffer {
  const stored = buffer.subarray(batch.start + batchLayout.records, batch.start + batch.size)
  const compression = compressionOf(batch)
  if (compression === 'none') return stored
  if (compression !== 'gzip') throw new DecodeError(`compression ${compression} is not supported`)
  try {
    return gunzipSync(stored, { maxOutputLength: inflatedBytesMax })
  } catch (error) {
    throw new DecodeError(`gzip: ${error instanceof Error ? error.message : 'failed'}`)
  }
}

function readRecord(outer: Reader, batch: BatchHeader): LogRecord {
  const reader = new Reader(outer.bytes(outer.varint()))
  reader.int8() // attributes, of which none is in use
  const timestampDelta = reader.varlong()
  const offset = batch.baseOffset + BigInt(reader.varint())
  const key = readNullable(reader)
  const value = readNullable(reader)
  const headers = readHeaders(reader)
  if (reader.remaining > 0) throw new DecodeError(`${reader.remaining} bytes follow the record`)
  const timestamp =
    batch.attributes & batchAttributes.logAppendTime
      ? batch.maxTimestamp
      : batch.baseTimestamp + timestampDelta
  return { offset, timestamp, key, value, headers }
}

function readNullable(reader: Reader): Buffer | null {
  const size = reader.varint()
  return size < 0 ? null : reader.bytes(size)
}

function readHeaders(reader: Reader): RecordHeader[] {
  const count = reader.varint()
  if (count < 0 || count * headerBytesMin > reader.remaining) {
    throw new DecodeError(`${count} headers announced, ${reader.remaining} bytes left`)
  }
  const headers: RecordHeader[] = []
  while (headers.length < count) {
    const key = reader.bytes(reader.varint()).toString()
    headers.push({ key, value: readNullable(reader) })
  }
  return headers
}

/** A record to encode: its offset is the one after that of the record before, unless given. */
export interface NewRecord {
  readonly offset?: bigint
  readonly timestamp: bigint
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

export interface NewBatch {
  readonly baseOffset?: bigint
  readonly partitionLeaderEpoch?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly records: readonly NewRecord[]
}

/** An uncompressed batch of format v2, with its crc. */
export function encodeBatch(batch: NewBatch): Buffer {
  const baseOffset = batch.baseOffset ?? 0n
  const baseTimestamp = batch.records[0]?.timestamp ?? -1n
  const writer = new Writer()
  writer.int64(baseOffset)
  writer.int32(0) // batchLength
  writer.int32(batch.partitionLeaderEpoch ?? -1)
  writer.int8(2)
  writer.uint32(0) // crc
  writer.int16(
    (batch.isTransactional === true ? batchAttributes.transactional : 0) |
      (batch.isControl === true ? batchAttributes.control : 0),
  )
  const offsets = offsetsOf(batch.records, baseOffset)
  writer.int32(Number((offsets.at(-1) ?? baseOffset) - baseOffset))
  writer.int64(baseTimestamp)
  writer.int64(
    batch.records.reduce((max, { timestamp }) => (timestamp > max ? timestamp : max), -1n),
  )
  writer.int64(batch.producerId ?? -1n)
  writer.int16(batch.producerEpoch ?? -1)
  writer.int32(batch.baseSequence ?? -1)
  writer.int32(batch.records.length)
  for (const [index, record] of batch.records.entries()) {
    writeRecord(
      writer,
      record,
      record.timestamp - baseTimestamp,
      (offsets[index] ?? 0n) - baseOffset,
    )
  }
  const frame = writer.written()
  writer.patchInt32(batchLayout.batchLength, frame.length - batchOverheadBytes)
  writer.patchUint32(batchLayout.crc, crc32c(frame, batchLayout.attributes))
  return frame
}

function offsetsOf(records: readonly NewRecord[], baseOffset: bigint): bigint[] {
  let next = baseOffset
  return records.map(({ offset = next }) => {
    next = offset + 1n
    return offset
  })
}

function writeRecord(
  writer: Writer,
  record: NewRecord,
  timestampDelta: bigint,
  offsetDelta: bigint,
): void {
  const body = new Writer()
  body.int8(0)
  body.varlong(timestampDelta)
  body.varint(Number(offsetDelta))
  writeNullable(body, record.key ?? null)
  writeNullable(body, record.value ?? null)
  const headers = record.headers ?? []
  body.varint(headers.length)
  for (const { key, value } of headers) {
    writeNullable(body, Buffer.from(key))
    writeNullable(body, value)
  }
  writeNullable(writer, body.written())
}

function writeNullable(writer: Writer, value: Buffer | null): void {
  writer.varint(value === null ? -1 : value.length)
  if (value !== null) writer.bytes(value)
}

/** The record with which a coordinator ends a transaction, alone in a control batch. */
export function endTransactionMarker(
  isCommit: boolean,
  coordinatorEpoch: number,
): Pick<Required<NewRecord>, 'key' | 'value'> {
  const key = new Writer()
  key.int16(0) // version
  key.int16(isCommit ? 1 : 0)
  const value = new Writer()
  value.int16(0) // version
  value.int32(coordinatorEpoch)
  return { key: key.written(), value: value.written() }
}

/** What a control record's key says; later kinds of markers are `other`. */
export function markerKind(key: Buffer | null): 'commit' | 'abort' | 'other' {
  if (key === null || key.length < 4) return 'other'
  const type = key.readInt16BE(2)
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other'
}
