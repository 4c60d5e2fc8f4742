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

/** Adds to the int64 at `at`. Wraps, as in Java: only garbage is that large. */
export function addInt64(buffer: Buffer, at: number, offset: bigint): void {
  buffer.writeBigInt64BE(BigInt.asIntN(64, buffer.readBigInt64BE(at) + offset), at)
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
