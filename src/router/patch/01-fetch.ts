import { assert } from '../../assert.ts'
import { DecodeError } from '../../protocol/index.ts'
import { lengthValue, sizedStart, stringStart } from '../peek/walk.ts'
import { entryHeaderBytes, shiftEntry } from './batch.ts'
import {
  patchEnd,
  patchLogStart,
  patchOffset,
  type RenameTopicId,
  type SeePartition,
  type Shift,
  type ShiftLookup,
} from './shift.ts'
import { StreamedFrame } from './streamed-frame.ts'

/**
 * The answer to Fetch v4 to v15, patched as it streams past.
 *
 *     v4     throttle [topic [partition error high-watermark last-stable aborted records]]
 *     v5     + log start offset per partition
 *     v7     + error, session id (KIP-227)
 *     v11    + preferred read replica (KIP-392)
 *     v12    flexible; tagged: diverging epoch, current leader (KIP-595), snapshot id (KIP-630)
 *     v13    topic ids for names (KIP-516)
 *     v16-18 add leader hints (KIP-951): not offered
 *
 * Patched, where the partition has a shift: its number, high watermark, last stable and log start offset, first
 * offsets of aborted transactions, and of each batch the base offset and leader epoch. A preferred read
 * replica, a diverging epoch, a leader and a snapshot are of one cluster alone: their ints become -1,
 * which clients take for absent. Payloads are skipped, unseen.
 */
const flexibleFrom = 12

/**
 *     prelude > topics > topic > [name] > partitions >
 *         partition > abortedCount > { aborted ~ } > [replica] > records > { batch } ~ partition
 *     no partition left ~ topic,  no topic left ~ done;  ~ : tagged fields, in flexible versions
 */
type State =
  | 'batch'
  | 'partition'
  | 'abortedCount'
  | 'aborted'
  | 'replica'
  | 'records'
  | 'topic'
  | 'name'
  | 'partitions'
  | 'topics'
  | 'prelude'

/** The ints of a partition's tagged fields, by tag: (epoch, offset), (node id, epoch), (offset, epoch). */
const partitionTagBytes = [12, 8, 12] as const
const topicIdBytes = 16
const abortedBytes = 16

/** Patches one answer. */
export class FetchPatcher extends StreamedFrame<State> {
  private readonly version: number
  private readonly lookup: ShiftLookup
  private readonly renameTopicId: RenameTopicId | undefined
  private readonly seen: SeePartition | undefined
  private topicsLeft = 0
  private partitionsLeft = 0
  private abortedLeft = 0
  private recordsLeft = 0
  private nameLeft = 0
  private topic = ''
  private partition = 0
  private errorCode = 0
  private highWatermark = -1n
  private shift: Shift | undefined

  /**
   * @param lookup asked once per partition, with the native topic
   * @param renameTopicId asked once per topic, from v13 on
   */
  constructor(
    version: number,
    lookup: ShiftLookup,
    renameTopicId?: RenameTopicId,
    seen?: SeePartition,
  ) {
    assert(version >= 4 && version <= 15, `Fetch v${version} is not offered`)
    super(`the answer to Fetch v${version}`, version >= flexibleFrom, 'prelude')
    this.version = version
    this.lookup = lookup
    this.renameTopicId = renameTopicId
    this.seen = seen
  }

  protected override read(buffer: Buffer, at: number, end: number): number {
    switch (this.next) {
      case 'batch':
        return this.readBatch(buffer, at, end)
      case 'partition':
        return this.readPartition(buffer, at, end)
      case 'abortedCount':
        return this.readAbortedCount(buffer, at, end)
      case 'aborted':
        return this.readAborted(buffer, at, end)
      case 'replica':
        return this.readReplica(buffer, at, end)
      case 'records':
        return this.readRecords(buffer, at, end)
      case 'topic':
        return this.readTopic(buffer, at, end)
      case 'name':
        return this.readName(buffer, at, end)
      case 'partitions':
        return this.readPartitions(buffer, at, end)
      case 'topics':
        return this.readTopics(buffer, at, end)
      case 'prelude':
        this.skip = this.version >= 7 ? 10 : 4
        this.next = 'topics'
        return at
      default:
        return -1
    }
  }

  private readTopics(buffer: Buffer, at: number, end: number): number {
    const position = sizedStart(buffer, at, end, this.flexible)
    if (position < 0) return -1
    this.topicsLeft = lengthValue
    this.next = 'topic'
    return position
  }

  private readTopic(buffer: Buffer, at: number, end: number): number {
    if (this.topicsLeft <= 0) {
      this.tagsThen('done')
      return at
    }
    if (this.version >= 13) return this.readTopicId(buffer, at, end)
    const position = stringStart(buffer, at, end, this.flexible)
    if (position < 0) return -1
    this.topicsLeft--
    this.topic = ''
    this.nameLeft = Math.max(lengthValue, 0)
    this.next = 'name'
    return position
  }

  private readTopicId(buffer: Buffer, at: number, end: number): number {
    const position = at + topicIdBytes
    if (position > end) return -1
    this.topicsLeft--
    this.topic = buffer.toString('base64url', at, position)
    const shown = this.renameTopicId?.(this.topic)
    if (shown !== undefined) buffer.write(shown, at, topicIdBytes, 'base64url')
    this.next = 'partitions'
    return position
  }

  /** The one field that is read in parts: it may be longer than what may be left over. */
  private readName(buffer: Buffer, at: number, end: number): number {
    const position = Math.min(at + this.nameLeft, end)
    if (position === at && this.nameLeft > 0) return -1
    this.topic += buffer.toString('latin1', at, position)
    this.nameLeft -= position - at
    if (this.nameLeft === 0) this.next = 'partitions'
    return position
  }

  private readPartitions(buffer: Buffer, at: number, end: number): number {
    const position = sizedStart(buffer, at, end, this.flexible)
    if (position < 0) return -1
    this.partitionsLeft = lengthValue
    this.next = 'partition'
    return position
  }

  private readPartition(buffer: Buffer, at: number, end: number): number {
    if (this.partitionsLeft <= 0) {
      this.tagsThen('topic')
      return at
    }
    // index, error, high watermark, last stable offset; then log start offset (v5)
    const position = at + 22 + (this.version >= 5 ? 8 : 0)
    if (position > end) return -1
    this.partitionsLeft--
    this.partition = buffer.readInt32BE(at)
    this.errorCode = buffer.readInt16BE(at + 4)
    this.highWatermark = buffer.readBigInt64BE(at + 6)
    this.shift = this.lookup(this.topic, this.partition)
    if (this.shift !== undefined) {
      patchEnd(buffer, at + 6, this.shift)
      patchEnd(buffer, at + 14, this.shift)
      if (this.version >= 5) patchLogStart(buffer, at + 22, this.shift)
      if (this.shift.partition !== undefined) buffer.writeInt32BE(this.shift.partition, at)
    }
    this.next = 'abortedCount'
    return position
  }

  private readAbortedCount(buffer: Buffer, at: number, end: number): number {
    const position = sizedStart(buffer, at, end, this.flexible)
    if (position < 0) return -1
    this.abortedLeft = lengthValue
    this.next = 'aborted'
    return position
  }

  private readAborted(buffer: Buffer, at: number, end: number): number {
    if (this.abortedLeft <= 0) {
      this.next = this.version >= 11 ? 'replica' : 'records'
      return at
    }
    const position = at + abortedBytes
    if (position > end) return -1
    this.abortedLeft--
    if (this.shift !== undefined) patchOffset(buffer, at + 8, this.shift)
    this.tagsThen('aborted')
    return position
  }

  private readReplica(buffer: Buffer, at: number, end: number): number {
    const position = at + 4
    if (position > end) return -1
    if (this.shift !== undefined) buffer.writeInt32BE(-1, at)
    this.next = 'records'
    return position
  }

  private readRecords(buffer: Buffer, at: number, end: number): number {
    const position = sizedStart(buffer, at, end, this.flexible)
    if (position < 0) return -1
    const length = Math.max(lengthValue, 0)
    this.seen?.(this.topic, this.partition, this.errorCode, this.highWatermark, length)
    if (this.shift === undefined || (this.shift.offset === 0n && this.shift.epoch === 0)) {
      this.skip = length
      this.tagsThen('partition')
    } else {
      this.recordsLeft = length
      this.next = 'batch'
    }
    return position
  }

  /** A last entry that is cut off inside of its header is left as it is: no client looks at it. */
  private readBatch(buffer: Buffer, at: number, end: number): number {
    if (this.recordsLeft < entryHeaderBytes) {
      this.skip = this.recordsLeft
      this.tagsThen('partition')
      return at
    }
    if (at + entryHeaderBytes > end) return -1
    const size = this.shift === undefined ? -1 : shiftEntry(buffer, at, this.shift)
    if (size < 0) throw new DecodeError(`${this.topic}-${this.partition}: no record batch`)
    this.skip = Math.min(size, this.recordsLeft)
    this.recordsLeft -= this.skip
    return at
  }

  protected override tagBytes(tag: number): number {
    const ofPartition = this.afterTags === 'partition' && this.shift !== undefined
    return ofPartition ? (partitionTagBytes[tag] ?? 0) : 0
  }

  protected override patchTag(buffer: Buffer, at: number, bytes: number): void {
    buffer.fill(0xff, at, at + bytes)
  }
}
