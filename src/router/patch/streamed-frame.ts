import { DecodeError } from '../../protocol/index.ts'
import { skipUvarint, uvarintValue } from '../peek/walk.ts'

/** More than any field takes that is read whole. */
const leftBytesMax = 64

/**
 * One answer frame, walked over in the chunks in which it arrives. A subclass says what its fields are,
 * as the states of a machine; here are the frame's bounds, bytes to pass over, and tagged fields
 * (KIP-482).
 *
 *     first state ... state ... [tagCount tag*] state ... done
 */
export abstract class StreamedFrame<State extends string> {
  /** What is read next, behind `skip` more bytes. */
  protected next: State | 'tagCount' | 'tag' | 'done'
  protected skip = 0
  /** What follows the tagged fields that are being read; it tells whose they are. */
  protected afterTags: State | 'done' = 'done'
  private tagsLeft = 0
  /** Its lengths are compact and it has tagged fields (KIP-482). */
  protected readonly flexible: boolean
  private readonly first: State
  /** Names the message, for errors. */
  private readonly title: string
  /** Bytes of the frame that are not final; unknown before its size is there. */
  private frameLeft = -1

  constructor(title: string, flexible: boolean, first: State) {
    this.title = title
    this.flexible = flexible
    this.first = first
    this.next = first
  }

  /**
   * Reads what is next at `at`, sets what then is, and returns where that lies; -1, and nothing is done,
   * if the field is not whole. So a field is looked at, and patched, once.
   */
  protected abstract read(buffer: Buffer, at: number, end: number): number

  /** How many of a tagged field's first bytes `patchTag` needs; 0: it does not care. */
  protected abstract tagBytes(tag: number): number
  protected abstract patchTag(buffer: Buffer, at: number, bytes: number): void

  /**
   * Patches the next bytes of the frame, which lie in `[start, end)`: at first from its size on, later
   * from where the last call left off, wherever in whatever buffer. Returns up to where they are final;
   * what is left, less than 64 bytes, is to be given again with more bytes behind it. Bytes behind the
   * frame are not looked at. Throws `DecodeError` on what is no such answer.
   */
  patch(buffer: Buffer, start: number, end: number): number {
    if (this.frameLeft < 0) {
      if (end - start < 8) return start
      const size = buffer.readInt32BE(start)
      if (size < 4) throw new DecodeError(`${this.title}: a frame of ${size} bytes`)
      this.frameLeft = size + 4
      this.skip = 8
      this.tagsThen(this.first)
    }
    const limit = Math.min(end, start + this.frameLeft)
    const at = this.advance(buffer, start, limit)
    this.frameLeft -= at - start
    const isDone = this.next === 'done' && this.skip === 0
    if (isDone ? this.frameLeft > 0 : at + this.frameLeft === limit) {
      throw new DecodeError(`${this.title}: it does not end where its size says`)
    }
    if (limit - at >= leftBytesMax) throw new DecodeError(`${this.title}: a length is malformed`)
    return at
  }

  private advance(buffer: Buffer, start: number, end: number): number {
    let at = start
    for (;;) {
      if (this.skip > 0) {
        const skipped = Math.min(this.skip, end - at)
        this.skip -= skipped
        at += skipped
        if (this.skip > 0) return at
      }
      if (this.next === 'done') return at
      const position =
        this.next === 'tagCount'
          ? this.readTagCount(buffer, at, end)
          : this.next === 'tag'
            ? this.readTag(buffer, at, end)
            : this.read(buffer, at, end)
      if (position < 0) return at
      at = position
    }
  }

  /** Tagged fields come next, where the version has them, and then `state`. */
  protected tagsThen(state: State | 'done'): void {
    this.next = this.flexible ? 'tagCount' : state
    this.afterTags = state
  }

  private readTagCount(buffer: Buffer, at: number, end: number): number {
    const position = skipUvarint(buffer, at, end)
    if (position < 0) return -1
    this.tagsLeft = uvarintValue
    this.next = this.tagsLeft > 0 ? 'tag' : this.afterTags
    return position
  }

  private readTag(buffer: Buffer, at: number, end: number): number {
    const sizeAt = skipUvarint(buffer, at, end)
    const tag = uvarintValue
    const position = skipUvarint(buffer, sizeAt, end)
    if (position < 0) return -1
    const size = uvarintValue
    const bytes = this.tagBytes(tag)
    if (size < bytes) throw new DecodeError(`${this.title}: tagged field ${tag} of ${size} bytes`)
    if (position + bytes > end) return -1
    if (bytes > 0) this.patchTag(buffer, position, bytes)
    this.skip = size
    this.tagsLeft--
    if (this.tagsLeft === 0) this.next = this.afterTags
    return position
  }
}
