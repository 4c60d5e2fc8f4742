import { batchLayout, batchOverheadBytes, crc32c, crc32cShift } from '../../protocol/index.ts'
import { addInt64, type Shift } from './shift.ts'

/**
 * Record batches, patched by their headers alone: their payload is neither read nor needed, so that a
 * batch streams through.
 */

/** Every field in front of the records: what must be there of a batch to patch its producer. */
export const batchHeaderBytes = batchLayout.records
/** Up to and with the magic byte: what must be there of an entry of a log to shift it. */
export const entryHeaderBytes = batchLayout.magic + 1
/** The least that an entry's length says, in any format. */
const entryLengthMin = 14

export interface BatchProducer {
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  /** The last record's offset less the first's: their number less one, in a Produce. */
  lastOffsetDelta: number
}

const read: BatchProducer = {
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  lastOffsetDelta: 0,
}

/**
 * Who produced the batch at `at`, and where it stands in the sequence; undefined if it is no batch of
 * format v2 (KIP-98), which a broker refuses. Always the same object: look at it before the next call.
 *
 * @param at its `batchHeaderBytes` must be there
 */
export function batchProducer(buffer: Buffer, at: number): Readonly<BatchProducer> | undefined {
  if (!isBatch(buffer, at)) return undefined
  read.producerId = buffer.readBigInt64BE(at + batchLayout.producerId)
  read.producerEpoch = buffer.readInt16BE(at + batchLayout.producerEpoch)
  read.baseSequence = buffer.readInt32BE(at + batchLayout.baseSequence)
  read.lastOffsetDelta = buffer.readInt32BE(at + batchLayout.lastOffsetDelta)
  return read
}

/**
 * Gives the batch at `batchAt` another producer id and, unless `baseSequence` is null, another first
 * sequence number. Its CRC stays as right or as wrong as it was, so that a broker still refuses what
 * came damaged. False, and nothing done, if it is no batch of format v2.
 *
 * @param batchAt its `batchHeaderBytes` must be there
 */
export function patchBatchProducer(
  buffer: Buffer,
  batchAt: number,
  producerId: bigint,
  baseSequence: number | null,
): boolean {
  if (!isBatch(buffer, batchAt)) return false
  const start = batchAt + batchLayout.producerId
  const end = batchAt + batchLayout.recordCount
  const before = crc32c(buffer, start, end)
  buffer.writeBigInt64BE(producerId, start)
  if (baseSequence !== null) buffer.writeInt32BE(baseSequence, batchAt + batchLayout.baseSequence)
  const difference = before ^ crc32c(buffer, start, end)
  const behind = batchBytes(buffer, batchAt) - batchLayout.recordCount
  const crc = buffer.readInt32BE(batchAt + batchLayout.crc)
  buffer.writeUInt32BE((crc ^ crc32cShift(difference, behind)) >>> 0, batchAt + batchLayout.crc)
  return true
}

/**
 * Shifts the entry of a log at `at`: the offset, and in format v2 the leader epoch, both of which lie
 * before the CRC. Of a compressed set of format v1 this moves the inner messages too, whose offsets are
 * relative; those in a compressed set of format v0 are absolute and stay. No broker since 0.11 stores
 * v0 unless it is told to, and none makes it for Fetch v4 and later.
 *
 * @param at its `entryHeaderBytes` must be there
 * @returns the entry's size; -1, and nothing done, if it is none
 */
export function shiftEntry(buffer: Buffer, at: number, shift: Shift): number {
  const size = batchBytes(buffer, at)
  const magic = buffer.readInt8(at + batchLayout.magic)
  if (size < entryLengthMin + batchOverheadBytes || magic < 0 || magic > 2) return -1
  addInt64(buffer, at + batchLayout.baseOffset, shift.offset)
  if (magic === 2) {
    const epoch = buffer.readInt32BE(at + batchLayout.partitionLeaderEpoch)
    if (epoch >= 0) {
      buffer.writeInt32BE((epoch + shift.epoch) | 0, at + batchLayout.partitionLeaderEpoch)
    }
  }
  return size
}

const batchBytes = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + batchLayout.batchLength) + batchOverheadBytes

const isBatch = (buffer: Buffer, at: number): boolean =>
  buffer.readInt8(at + batchLayout.magic) === 2 && batchBytes(buffer, at) >= batchHeaderBytes
