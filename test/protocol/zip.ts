import { inflateRawSync } from 'node:zlib'

/** Just enough of the zip format (APPNOTE 6.3, no zip64) to read the entries of a jar. */
const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const endBytes = 22

export function readZip(zip: Buffer): ReadonlyMap<string, () => Buffer> {
  let end = zip.length - endBytes
  while (end >= 0 && zip.readUInt32LE(end) !== endSignature) end--
  if (end < 0) throw new Error('not a zip file')
  const count = zip.readUInt16LE(end + 10)
  const entries = new Map<string, () => Buffer>()
  for (let i = 0, at = zip.readUInt32LE(end + 16); i < count; i++) {
    if (zip.readUInt32LE(at) !== entrySignature) throw new Error(`no entry at ${at}`)
    const method = zip.readUInt16LE(at + 10)
    const size = zip.readUInt32LE(at + 20)
    const nameEnd = at + 46 + zip.readUInt16LE(at + 28)
    const local = zip.readUInt32LE(at + 42)
    entries.set(zip.toString('utf8', at + 46, nameEnd), () => {
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const stored = zip.subarray(start, start + size)
      return method === 0 ? stored : inflateRawSync(stored)
    })
    at = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return entries
}
