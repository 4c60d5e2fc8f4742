import {
  batchAttributes,
  batchLayout,
  crc32c,
  entries,
  isControl,
  isTransactional,
  lastOffset,
  type BatchHeader,
} from '../protocol/index.ts'

/** A batch of records as the source holds it. */
export interface LateBatch {
  readonly bytes: Buffer
  readonly header: BatchHeader
}

/** Batches of a closed segment's partition that lie behind its end. */
export interface Late {
  readonly batches: readonly LateBatch[]
  readonly records: number
  /** The source's offset behind the last of them. */
  readonly end: bigint
}

/** As a Fetch tells of them: from which offset on a producer's records are void, up to its next marker. */
export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** The data batches among records that begin at `from`. Markers are no records, nor is what was aborted. */
export function lateBatches(
  records: Buffer | null,
  from: bigint,
  aborted: readonly Aborted[] = [],
): Late | null {
  if (records === null) return null
  const batches: LateBatch[] = []
  let count = 0
  let end = from
  let open = aborted
  for (const entry of entries(records)) {
    // Format v2 since 0.11; the few messages of older formats that a source may hold are not carried.
    if (entry.kind !== 'batch' || lastOffset(entry) < from) continue
    end = lastOffset(entry) + 1n
    const voids = ({ producerId, firstOffset }: Aborted): boolean =>
      producerId === entry.producerId && firstOffset <= entry.baseOffset
    if (isControl(entry)) open = open.filter((each) => !voids(each))
    if (isControl(entry) || (isTransactional(entry) && open.some(voids))) continue
    batches.push({ bytes: records.subarray(entry.start, entry.start + entry.size), header: entry })
    count += entry.recordCount
  }
  return end === from ? null : { batches, records: count, end }
}

/** Whether its producer can be told by its id and sequence numbers, whatever becomes of a transaction. */
export const isIdempotent = ({ header }: LateBatch): boolean =>
  header.producerId >= 0n && !isTransactional(header)

/** Under whose name a batch is written. */
export interface WrittenAs {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
  readonly isTransactional: boolean
}

/** The same records, to be produced by somebody. What only a log may say of them is taken off. */
export function adopt({ bytes }: LateBatch, as: WrittenAs): Buffer {
  const { compressionMask, transactional } = batchAttributes
  const copy = Buffer.from(bytes)
  copy.writeBigInt64BE(0n, batchLayout.baseOffset)
  copy.writeInt32BE(-1, batchLayout.partitionLeaderEpoch)
  const compression = copy.readInt16BE(batchLayout.attributes) & compressionMask
  const attributes = compression | (as.isTransactional ? transactional : 0)
  copy.writeInt16BE(attributes, batchLayout.attributes)
  copy.writeBigInt64BE(as.producerId, batchLayout.producerId)
  copy.writeInt16BE(as.producerEpoch, batchLayout.producerEpoch)
  copy.writeInt32BE(as.sequence, batchLayout.baseSequence)
  copy.writeUInt32BE(crc32c(copy, batchLayout.attributes, copy.length) >>> 0, batchLayout.crc)
  return copy
}
