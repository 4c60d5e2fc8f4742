/**
 * How a segment's native numbers become those that clients see (design: the timeline). A number below
 * zero means "none" everywhere in Kafka, and stays what it is.
 */
export interface Shift {
  /** Added to native offsets. */
  readonly offset: bigint
  /** Added to native leader epochs. */
  readonly epoch: number
  /** High watermark and last stable offset are never shown below this. */
  readonly virtualEnd?: bigint
  /** Shown as the log start offset, instead of the native one. */
  readonly logStart?: bigint
  /** Shown as the partition's number, instead of the native one. */
  readonly partition?: number
}

/**
 * The shift of a partition, or none if what its cluster says is what clients shall see.
 * @param topic its name on the cluster that answers, or its id (22 characters) where the version has ids
 */
export type ShiftLookup = (topic: string, partition: number) => Shift | undefined

/** The id to show for a topic's native one; undefined: the same. Both 22 characters. */
export type RenameTopicId = (topicId: string) => string | undefined

/**
 * Told of every partition of the answer, shifted or not, with native numbers.
 * @param recordsLength 0 for an empty answer
 */
export type SeePartition = (
  topic: string,
  partition: number,
  errorCode: number,
  highWatermark: bigint,
  recordsLength: number,
) => void

/** The offset that was added last, and its halves: one shift serves batch after batch, and a bigint is an allocation. */
let halved = 0n
let high = 0
let low = 0

/** Adds to the int64 at `at`. Wraps, as in Java: only garbage is that large. */
export function addInt64(buffer: Buffer, at: number, offset: bigint): void {
  if (offset !== halved) {
    halved = offset
    high = Number(BigInt.asIntN(32, offset >> 32n))
    low = Number(BigInt.asUintN(32, offset))
  }
  const sum = buffer.readUInt32BE(at + 4) + low
  const carry = sum > 0xffff_ffff ? 1 : 0
  buffer.writeUInt32BE(sum >>> 0, at + 4)
  buffer.writeInt32BE((buffer.readInt32BE(at) + high + carry) | 0, at)
}

/** Shifts an offset that may be -1, "none". */
export function patchOffset(buffer: Buffer, at: number, shift: Shift): void {
  if (buffer.readInt8(at) >= 0) addInt64(buffer, at, shift.offset)
}

/** Shifts a high watermark or last stable offset. */
export function patchEnd(buffer: Buffer, at: number, shift: Shift): void {
  if (buffer.readInt8(at) < 0) return
  addInt64(buffer, at, shift.offset)
  const { virtualEnd } = shift
  if (virtualEnd !== undefined && buffer.readBigInt64BE(at) < virtualEnd) {
    buffer.writeBigInt64BE(virtualEnd, at)
  }
}

export function patchLogStart(buffer: Buffer, at: number, shift: Shift): void {
  if (shift.logStart === undefined) patchOffset(buffer, at, shift)
  else if (buffer.readInt8(at) >= 0) buffer.writeBigInt64BE(shift.logStart, at)
}
