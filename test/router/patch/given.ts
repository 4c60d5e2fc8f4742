import fc from 'fast-check'
import { batchLayout, batchOverheadBytes, encodeBatch } from '../../../src/protocol/index.ts'
import type { Values } from '../../protocol/arbitrary.ts'

export const lengthBytes = 4

/** 22 characters, as Kafka writes a topic id. */
export const topicIdOf = (name: string): string =>
  Buffer.from(name.padEnd(16, '.')).toString('base64url')

/** The elements of an arbitrary array of structs. */
export const structs = (list: unknown): readonly Values[] =>
  Array.isArray(list) ? list.filter((each): each is Values => typeof each === 'object') : []

/** Frames with some of their bytes changed, and some missing at the end. */
export const spoiled = (frames: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(frames, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(30))
    .map(([frame, changes, missing]) => {
      const bytes = Buffer.from(frame.subarray(0, Math.max(9, frame.length - missing)))
      for (const [place, value] of changes) bytes[8 + (place % (bytes.length - 8))] = value
      bytes.writeInt32BE(bytes.length - lengthBytes)
      return bytes
    })

const offset = fc.bigInt({ min: 0n, max: 2n ** 40n })
const epoch = fc.constantFrom(-1, 0, 1, 7, 2 ** 30)

export const batch: fc.Arbitrary<Buffer> = fc
  .record({
    baseOffset: offset,
    partitionLeaderEpoch: epoch,
    producerId: fc.bigInt({ min: -1n, max: 2n ** 53n }),
    producerEpoch: fc.integer({ min: -1, max: 0x7fff }),
    baseSequence: fc.integer({ min: -1, max: 0x7fffffff }),
    isTransactional: fc.boolean(),
    records: fc.array(
      fc.record({
        timestamp: fc.constant(1_700_000_000_000n),
        value: fc.uint8Array({ maxLength: 90 }).map((bytes) => Buffer.from(bytes)),
      }),
      { maxLength: 3 },
    ),
  })
  .map((given) => encodeBatch(given))

/** A message of format v0 or v1: its payload begins where v2 has the end of its leader epoch. */
const legacy: fc.Arbitrary<Buffer> = fc
  .tuple(offset, fc.constantFrom(0, 1), fc.uint8Array({ minLength: 30, maxLength: 60 }))
  .map(([baseOffset, magic, bytes]) => {
    const entry = Buffer.from(bytes)
    entry.writeBigInt64BE(baseOffset)
    entry.writeInt32BE(entry.length - batchOverheadBytes, batchLayout.batchLength)
    entry.writeInt8(magic, batchLayout.magic)
    return entry
  })

/** A records field as brokers send them: batches, old formats, and a last entry that may be cut off. */
export const records: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: batch }, { weight: 1, arbitrary: legacy }), {
      maxLength: 4,
    }),
    fc.option(fc.nat(80), { nil: 0 }),
  )
  .map(([entries, missing]) => {
    const whole = Buffer.concat(entries)
    return whole.subarray(0, Math.max(0, whole.length - missing))
  })

/** What shifting shall give, entry for entry; one that is cut off before its format is known stays. */
export function shiftedRecords(given: Buffer, offset: bigint, epoch: number): Buffer {
  const bytes = Buffer.from(given)
  for (let at = 0; at + batchLayout.magic < bytes.length;) {
    bytes.writeBigInt64BE(bytes.readBigInt64BE(at) + offset, at)
    const leaderEpoch = bytes.readInt32BE(at + batchLayout.partitionLeaderEpoch)
    if (bytes.readInt8(at + batchLayout.magic) === 2 && leaderEpoch >= 0) {
      bytes.writeInt32BE(leaderEpoch + epoch, at + batchLayout.partitionLeaderEpoch)
    }
    at += batchOverheadBytes + bytes.readInt32BE(at + batchLayout.batchLength)
  }
  return bytes
}
