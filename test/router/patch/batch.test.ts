import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchLayout,
  encodeBatch,
  hasValidCrc,
  readBatchHeader,
} from '../../../src/protocol/index.ts'
import {
  batchHeaderBytes,
  batchProducer,
  patchBatchProducer,
} from '../../../src/router/patch/index.ts'
import { batch } from './given.ts'

const producerId = fc.bigInt({ min: -1n, max: 2n ** 63n - 1n })
const sequence = fc.option(fc.integer({ min: -1, max: 0x7fffffff }))

describe('the producer of a batch', () => {
  test('is replaced from the header alone, and the crc is that of the whole', () => {
    fc.assert(
      fc.property(batch, producerId, sequence, fc.nat(9), (given, id, first, at) => {
        const { baseSequence, producerEpoch, ...before } = readBatchHeader(given)
        const buffer = Buffer.concat([Buffer.alloc(at, 0xff), given.subarray(0, batchHeaderBytes)])
        expect(patchBatchProducer(buffer, at, id, first)).toBe(true)
        const patched = Buffer.concat([
          buffer.subarray(at, at + batchHeaderBytes),
          given.subarray(batchHeaderBytes),
        ])
        const after = readBatchHeader(patched)
        expect(hasValidCrc(patched, after)).toBe(true)
        expect(after).toEqual({
          ...before,
          crc: after.crc,
          producerEpoch,
          producerId: id,
          baseSequence: first ?? baseSequence,
        })
        expect(buffer.subarray(0, at)).toEqual(Buffer.alloc(at, 0xff))
      }),
      { numRuns: 300 },
    )
  })

  test('is replaced in a large batch', () => {
    const value = Buffer.alloc(900_001, 3)
    const large = encodeBatch({ producerId: 7n, records: [{ timestamp: 1n, value }] })
    patchBatchProducer(large, 0, 7n + 2n ** 52n, 12)
    const header = readBatchHeader(large)
    expect(header).toMatchObject({ producerId: 7n + 2n ** 52n, baseSequence: 12 })
    expect(hasValidCrc(large, header)).toBe(true)
  })

  test('a batch that came damaged stays recognisable as such', () => {
    const damaged = encodeBatch({ records: [{ timestamp: 1n, value: Buffer.alloc(50) }] })
    damaged[100] = 1
    patchBatchProducer(damaged, 0, 99n, null)
    expect(hasValidCrc(damaged, readBatchHeader(damaged))).toBe(false)
  })

  test('is read', () => {
    fc.assert(
      fc.property(batch, fc.nat(9), (given, at) => {
        const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = readBatchHeader(given)
        const buffer = Buffer.concat([Buffer.alloc(at), given.subarray(0, batchHeaderBytes)])
        const wanted = { producerId, producerEpoch, baseSequence, lastOffsetDelta }
        expect(batchProducer(buffer, at)).toEqual(wanted)
      }),
    )
  })

  test.each([
    ['of an older format', (bytes: Buffer) => bytes.writeInt8(1, batchLayout.magic)],
    ['shorter than its header', (bytes: Buffer) => bytes.writeInt32BE(48, batchLayout.batchLength)],
  ])('a batch %s is neither read nor touched', (_, spoil) => {
    const given = encodeBatch({ producerId: 4n, records: [{ timestamp: 1n }] })
    spoil(given)
    const before = Buffer.from(given)
    expect(batchProducer(given, 0)).toBeUndefined()
    expect(patchBatchProducer(given, 0, 5n, 6)).toBe(false)
    expect(given).toEqual(before)
  })
})
