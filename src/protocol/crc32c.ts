/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes a step: "slicing-by-8", Kounavis and
 * Berry, 2008. Kafka's batches carry it over everything from their attributes on.
 */
const polynomial = 0x82f63b78
const slices = 8

const table = new Int32Array(slices * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  table[byte] = crc
}
for (let at = 256; at < table.length; at++) {
  const before = table[at - 256] ?? 0
  table[at] = (before >>> 8) ^ (table[before & 0xff] ?? 0)
}

/** Of the bytes from `start` to before `end`, as an unsigned number. */
export function crc32c(buffer: Buffer, start = 0, end = buffer.length): number {
  // Every index is in range by construction: the zeros are for the types alone, and cost nothing.
  const byte = (at: number): number => buffer[at] ?? 0
  const entry = (at: number): number => table[at] ?? 0
  let crc = -1
  let at = start
  for (const last = end - slices; at <= last; at += slices) {
    const low = crc ^ (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24))
    crc =
      entry(1792 + (low & 0xff)) ^
      entry(1536 + ((low >>> 8) & 0xff)) ^
      entry(1280 + ((low >>> 16) & 0xff)) ^
      entry(1024 + (low >>> 24)) ^
      entry(768 + byte(at + 4)) ^
      entry(512 + byte(at + 5)) ^
      entry(256 + byte(at + 6)) ^
      entry(byte(at + 7))
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ entry((crc ^ byte(at)) & 0xff)
  return ~crc >>> 0
}
