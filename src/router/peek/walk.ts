/**
 * Walks over fields of a frame without building anything: the hot paths look at a request in place and
 * forward it as it is. Positions are offsets in the caller's buffer; -1 means that the bytes end before
 * the field does, and then every further step stays -1. A malformed length also gives -1: whoever needs
 * the whole frame and gets -1 with the whole frame present knows that it is malformed.
 */

/** Where the uvarint at `at` ends; its value is in `uvarintValue`. */
export function skipUvarint(buffer: Buffer, at: number, end: number): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < 5; i++) {
    if (at < 0 || at >= end) return -1
    const byte = buffer[at++] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      uvarintValue = value
      return at
    }
    scale *= 128
  }
  return -1
}

/** The value that the last successful `skipUvarint` met. */
export let uvarintValue = 0

/** The length of a string, byte field or array: a compact one is the varint less one. */
export let lengthValue = 0

export function skipInt(at: number, size: number, end: number): number {
  return at < 0 || at + size > end ? -1 : at + size
}

/** Reads a string's length into `lengthValue` (-1 for null); returns where its bytes begin. */
export function stringStart(buffer: Buffer, at: number, end: number, compact: boolean): number {
  if (compact) return compactStart(buffer, at, end)
  if (at < 0 || at + 2 > end) return -1
  lengthValue = buffer.readInt16BE(at)
  return lengthValue < -1 ? -1 : at + 2
}

/** The same for byte fields and record sets (int32 length) and for array counts. */
export function sizedStart(buffer: Buffer, at: number, end: number, compact: boolean): number {
  if (compact) return compactStart(buffer, at, end)
  if (at < 0 || at + 4 > end) return -1
  lengthValue = buffer.readInt32BE(at)
  return lengthValue < -1 ? -1 : at + 4
}

function compactStart(buffer: Buffer, at: number, end: number): number {
  const start = skipUvarint(buffer, at, end)
  lengthValue = uvarintValue - 1
  return start
}

export function skipString(buffer: Buffer, at: number, end: number, compact: boolean): number {
  const start = stringStart(buffer, at, end, compact)
  return start < 0 ? -1 : skipInt(start, Math.max(lengthValue, 0), end)
}

/** Skips a tagged-field section (KIP-482). */
export function skipTags(buffer: Buffer, at: number, end: number): number {
  let position = skipUvarint(buffer, at, end)
  if (position < 0) return -1
  for (let left = uvarintValue; left > 0; left--) {
    position = skipUvarint(buffer, position, end)
    position = skipUvarint(buffer, position, end)
    if (position < 0) return -1
    position = skipInt(position, uvarintValue, end)
    if (position < 0) return -1
  }
  return position
}

/**
 * Where a request's body begins: behind size (4), api key (2), version (2), correlation id (4), client id
 * and, in flexible versions, tagged fields. `at` is where the frame's size lies.
 */
export function bodyStart(buffer: Buffer, at: number, end: number, flexible: boolean): number {
  const position = skipString(buffer, at + 12, end, false)
  return flexible ? skipTags(buffer, position, end) : position
}
