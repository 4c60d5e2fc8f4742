import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchAttributes,
  batches,
  batchLayout,
  batchOverheadBytes,
  crc32c,
  decodeRecords,
  DecodeError,
  encodeBatch,
  endTransactionMarker,
  entries,
  hasValidCrc,
  isControl,
  lastOffset,
  markerKind,
  readBatchHeader,
} from '../../src/protocol/index.ts'

/** The same by its definition, bit for bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  test('the vectors of RFC 3720 B.4', () => {
    const rising = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(rising)).toBe(0x46dd794e)
    expect(crc32c(Buffer.from(rising).reverse())).toBe(0x113fdb5c)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })

  test('agrees with its definition for every length and range', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, a, b) => {
        const start = Math.min(a, b, bytes.length)
        const end = Math.min(Math.max(a, b), bytes.length)
        expect(crc32c(Buffer.from(bytes), start, end)).toBe(slowCrc(bytes.subarray(start, end)))
      }),
    )
  })
})

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const nullableBytes = fc.option(bytes)
const newRecord = fc.record({
  timestamp: fc.bigInt({ min: 0n, max: 2n ** 53n }),
  key: nullableBytes,
  value: nullableBytes,
  headers: fc.array(fc.record({ key: fc.string(), value: nullableBytes }), { maxLength: 3 }),
})

describe('record batches', () => {
  test('records survive, with consecutive offsets and a valid crc', () => {
    fc.assert(
      fc.property(
        fc.array(newRecord, { maxLength: 6 }),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        (records, baseOffset) => {
          const buffer = encodeBatch({ baseOffset, records })
          const batch = readBatchHeader(buffer)
          expect(batch.size).toBe(buffer.length)
          expect(hasValidCrc(buffer, batch)).toBe(true)
          expect(decodeRecords(buffer, batch)).toEqual(
            records.map((record, i) => ({ ...record, offset: baseOffset + BigInt(i) })),
          )
        },
      ),
    )
  })

  test('the header says what was given', () => {
    const buffer = encodeBatch({
      baseOffset: 7n,
      partitionLeaderEpoch: 3,
      producerId: 99n,
      producerEpoch: 2,
      baseSequence: 41,
      isTransactional: true,
      records: [
        { timestamp: 1000n, value: Buffer.from('a') },
        { timestamp: 900n, offset: 12n },
      ],
    })
    const batch = readBatchHeader(buffer)
    expect(batch).toMatchObject({
      baseOffset: 7n,
      partitionLeaderEpoch: 3,
      attributes: batchAttributes.transactional,
      lastOffsetDelta: 5,
      baseTimestamp: 1000n,
      maxTimestamp: 1000n,
      producerId: 99n,
      producerEpoch: 2,
      baseSequence: 41,
      recordCount: 2,
    })
    expect(lastOffset(batch)).toBe(12n)
    expect(decodeRecords(buffer, batch).map(({ offset }) => offset)).toEqual([7n, 12n])
  })

  test('the crc covers neither the base offset nor the leader epoch', () => {
    const buffer = encodeBatch({ records: [{ timestamp: 1n }] })
    buffer.writeBigInt64BE(123n, batchLayout.baseOffset)
    buffer.writeInt32BE(5, batchLayout.partitionLeaderEpoch)
    expect(hasValidCrc(buffer, readBatchHeader(buffer))).toBe(true)
    buffer.writeBigInt64BE(6n, batchLayout.producerId)
    expect(hasValidCrc(buffer, readBatchHeader(buffer))).toBe(false)
  })

  test('a records field: every whole batch, the cut-off one left out', () => {
    const one = encodeBatch({ baseOffset: 0n, records: [{ timestamp: 1n }] })
    const two = encodeBatch({ baseOffset: 1n, records: [{ timestamp: 1n }, { timestamp: 2n }] })
    const both = Buffer.concat([one, two])
    for (let end = 0; end <= both.length; end++) {
      const found = [...batches(both.subarray(0, end))].map(({ baseOffset }) => baseOffset)
      expect(found).toEqual(end < one.length ? [] : end < both.length ? [0n] : [0n, 1n])
    }
  })

  test('gzip, up to a limit', () => {
    const plain = encodeBatch({ records: [{ timestamp: 1n, value: Buffer.alloc(5000, 1) }] })
    const zipped = Buffer.concat([
      plain.subarray(0, batchLayout.records),
      gzipSync(plain.subarray(batchLayout.records)),
    ])
    zipped.writeInt32BE(zipped.length - batchOverheadBytes, batchLayout.batchLength)
    zipped.writeInt16BE(1, batchLayout.attributes)
    const batch = readBatchHeader(zipped)
    expect(decodeRecords(zipped, batch)).toEqual(decodeRecords(plain, readBatchHeader(plain)))
    expect(() => decodeRecords(zipped, batch, 4999)).toThrow(DecodeError)
    zipped.writeInt16BE(2, batchLayout.attributes)
    expect(() => decodeRecords(zipped, readBatchHeader(zipped))).toThrow(
      'compression snappy is not supported',
    )
  })

  test('entries of formats v0 and v1 are found, not opened', () => {
    const legacy = Buffer.alloc(26 + 3)
    legacy.writeBigInt64BE(5n, 0)
    legacy.writeInt32BE(legacy.length - batchOverheadBytes, batchLayout.batchLength)
    const records = Buffer.concat([legacy, encodeBatch({ records: [{ timestamp: 1n }] })])
    expect([...entries(records)]).toMatchObject([
      { kind: 'legacy', start: 0, size: 29, magic: 0, offset: 5n },
      { kind: 'batch', start: 29 },
    ])
    expect(() => [...batches(records)]).toThrow('magic 2 wanted, 0 found')
  })

  test('markers', () => {
    for (const isCommit of [true, false]) {
      const marker = { timestamp: 1n, ...endTransactionMarker(isCommit, 4) }
      const buffer = encodeBatch({ isControl: true, isTransactional: true, records: [marker] })
      const batch = readBatchHeader(buffer)
      expect(isControl(batch)).toBe(true)
      const key = decodeRecords(buffer, batch)[0]?.key ?? null
      expect(markerKind(key)).toBe(isCommit ? 'commit' : 'abort')
    }
    expect(markerKind(null)).toBe('other')
  })

  test('bytes that are no batch are a DecodeError and nothing else', () => {
    const golden = encodeBatch({
      records: [{ timestamp: 1n, key: Buffer.from('key'), headers: [{ key: 'h', value: null }] }],
    })
    const at = fc.nat(golden.length - 1)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const buffer = Buffer.from(golden)
          for (const [index, value] of changes) buffer[index] = value
          try {
            for (const batch of batches(buffer)) decodeRecords(buffer, batch)
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})
