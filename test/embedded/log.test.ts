import { beforeEach, describe, expect, test } from 'vitest'
import { PartitionLog } from '../../src/embedded/index.ts'
import { addSequence } from '../../src/embedded/producers.ts'
import {
  batches,
  batchLayout,
  encodeBatch,
  errorCodes,
  readBatchHeader,
} from '../../src/protocol/index.ts'
import { batchOf } from './batches.ts'

const options = { batchBytesMax: 10_000, allowZstd: true }
let log: PartitionLog
beforeEach(() => {
  log = new PartitionLog({ logBytesMax: 2_000, producersMax: 3 })
  log.epochs.begin(0, 0n)
})

const append = (records: Buffer | null, epoch = 0) => log.append(records, epoch, options)
const produce = (baseSequence: number, count = 1, producerEpoch = 0, producerId = 7n) =>
  append(
    batchOf(
      Array.from({ length: count }, (_, index) => `${baseSequence + index}`),
      { producerId, producerEpoch, baseSequence },
    ),
  )
const errorOf = (result: ReturnType<typeof append>) =>
  result.kind === 'refused' ? result.errorCode : result.kind
const stored = () => log.records().map(({ value }) => value?.toString())

describe('a log', () => {
  test('numbers records and sets offset and epoch of the stored batch, not of the given one', () => {
    const given = batchOf(['a', 'b'])
    expect(append(given, 4)).toEqual({ kind: 'appended', baseOffset: 0n })
    expect(append(batchOf(['c']), 5)).toEqual({ kind: 'appended', baseOffset: 2n })
    expect([log.start, log.end, log.lastStable]).toEqual([0n, 3n, 3n])
    expect(readBatchHeader(given).partitionLeaderEpoch).toBe(-1)
    const bytes = Buffer.concat(log.read(0n, log.end, 10_000, true))
    expect(
      [...batches(bytes)].map((batch) => [batch.baseOffset, batch.partitionLeaderEpoch]),
    ).toEqual([
      [0n, 4],
      [2n, 5],
    ])
    expect(log.records().map(({ offset }) => offset)).toEqual([0n, 1n, 2n])
  })

  test('refuses what is not one whole sound batch of an application', () => {
    const sound = batchOf(['a'])
    const flipped = Buffer.from(sound)
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1)
    const oldFormat = Buffer.from(sound)
    oldFormat.writeInt8(1, batchLayout.magic)
    const marker = encodeBatch({
      producerId: 1n,
      producerEpoch: 0,
      isControl: true,
      isTransactional: true,
      records: [{ timestamp: 0n, value: null }],
    })
    const refusals = [null, Buffer.alloc(0), Buffer.concat([sound, sound]), oldFormat, marker]
    for (const records of refusals) expect(errorOf(append(records))).toBe(errorCodes.INVALID_RECORD)
    expect(errorOf(append(flipped))).toBe(errorCodes.CORRUPT_MESSAGE)
    expect(errorOf(append(sound.subarray(0, sound.length - 1)))).toBe(errorCodes.INVALID_RECORD)
    expect(errorOf(append(batchOf([]), 0))).toBe(errorCodes.INVALID_RECORD)
    const unnumbered = batchOf(['a'], { producerId: 1n, producerEpoch: 0, baseSequence: -1 })
    expect(errorOf(append(unnumbered))).toBe(errorCodes.INVALID_RECORD)
    const large = log.append(sound, 0, { ...options, batchBytesMax: sound.length - 1 })
    expect(errorOf(large)).toBe(errorCodes.MESSAGE_TOO_LARGE)
    expect(log.end).toBe(0n)
  })

  test('is full at its limit', () => {
    expect(errorOf(append(batchOf(['x'.repeat(1_000)])))).toBe('appended')
    expect(errorOf(append(batchOf(['x'.repeat(1_000)])))).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    log.deleteBefore(1n)
    expect(log.bytes).toBe(0)
    expect(errorOf(append(batchOf(['x'.repeat(1_000)])))).toBe('appended')
  })

  test('reads whole batches up to a size, the first one whatever its size', () => {
    const size = batchOf(['a']).length
    for (const value of ['a', 'b', 'c']) append(batchOf([value]))
    expect(log.read(0n, 3n, 2 * size, false)).toHaveLength(2)
    expect(log.read(0n, 3n, 2 * size - 1, false)).toHaveLength(1)
    expect(log.read(0n, 3n, 1, true)).toHaveLength(1)
    expect(log.read(0n, 3n, 1, false)).toHaveLength(0)
    expect(log.read(1n, 2n, 10_000, true)).toHaveLength(1)
    expect(log.read(3n, 3n, 10_000, true)).toHaveLength(0)
  })

  test('reads from the batch that holds the offset', () => {
    append(batchOf(['a', 'b', 'c']))
    append(batchOf(['d']))
    const [first] = log.read(2n, 4n, 10_000, true)
    expect(first?.readBigInt64BE(0)).toBe(0n)
  })

  test('forgets the batches before its start, and hides the records of one that is cut', () => {
    append(batchOf(['a', 'b']))
    append(batchOf(['c', 'd']))
    log.deleteBefore(3n)
    expect([log.start, log.end]).toEqual([3n, 4n])
    expect(stored()).toEqual(['d'])
    expect(log.read(3n, 4n, 10_000, true)).toHaveLength(1)
  })

  test('finds records by time', () => {
    append(batchOf(['a', 'b', 'c']))
    expect(log.firstAtOrAfter(0n)).toEqual({ offset: 0n, timestamp: 1000n })
    expect(log.firstAtOrAfter(1001n)).toEqual({ offset: 1n, timestamp: 1001n })
    expect(log.firstAtOrAfter(1003n)).toBeUndefined()
    expect(log.latestByTime()).toEqual({ offset: 2n, timestamp: 1002n })
  })

  test('knows where epochs ended', () => {
    append(batchOf(['a']), 0)
    log.epochs.begin(2, 1n)
    append(batchOf(['b']), 2)
    log.epochs.begin(3, 2n)
    log.epochs.begin(5, 2n)
    expect(log.epochs.endOf(0, log.end)).toEqual({ epoch: 0, end: 1n })
    expect(log.epochs.endOf(1, log.end)).toEqual({ epoch: 0, end: 1n })
    expect(log.epochs.endOf(2, log.end)).toEqual({ epoch: 2, end: 2n })
    expect(log.epochs.endOf(4, log.end)).toEqual({ epoch: 2, end: 2n })
    expect(log.epochs.endOf(5, log.end)).toEqual({ epoch: 5, end: 2n })
    expect(log.epochs.endOf(6, log.end)).toBeUndefined()
  })
})

describe('an idempotent producer', () => {
  test('repeats one of its last five batches and gets the offset it had', () => {
    for (let sequence = 0; sequence < 6; sequence++) produce(sequence)
    for (let sequence = 1; sequence < 6; sequence++)
      expect(produce(sequence)).toEqual({ kind: 'duplicate', baseOffset: BigInt(sequence) })
    expect(errorOf(produce(0))).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(stored()).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  test('is refused a gap, and a batch that overlaps another', () => {
    produce(0, 3)
    expect(errorOf(produce(4))).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(errorOf(produce(0, 2))).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(errorOf(produce(3))).toBe('appended')
  })

  test('begins anywhere without history, and at 0 in a new epoch', () => {
    expect(errorOf(produce(17))).toBe('appended')
    expect(errorOf(produce(18, 1, 1))).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(errorOf(produce(0, 1, 1))).toBe('appended')
    expect(errorOf(produce(18))).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
  })

  test('counts from the greatest int32 to 0', () => {
    const last = 0x7fffffff
    expect([addSequence(last, 0), addSequence(last, 1), addSequence(last - 1, 3)]).toEqual([
      last,
      0,
      1,
    ])
    produce(last - 1, 3)
    expect(errorOf(produce(1))).toBe('appended')
  })

  test('is forgotten when too many others came after it', () => {
    produce(0)
    for (const producerId of [8n, 9n, 10n]) produce(0, 1, 0, producerId)
    expect(log.activeProducers().map(({ producerId }) => producerId)).toEqual([8n, 9n, 10n])
  })
})

describe('a transaction', () => {
  const write = (baseSequence: number, producerId = 7n) =>
    append(batchOf(['t'], { producerId, producerEpoch: 0, baseSequence, isTransactional: true }))

  test('holds the last stable offset until its marker', () => {
    append(batchOf(['a']))
    write(0)
    write(0, 8n)
    expect([log.lastStable, log.end]).toEqual([1n, 3n])
    log.appendMarker({ id: 7n, epoch: 0 }, true, 0, 5)
    expect(log.lastStable).toBe(2n)
    log.appendMarker({ id: 8n, epoch: 0 }, false, 0, 5)
    expect([log.lastStable, log.end]).toEqual([5n, 5n])
    expect(log.aborted(0n, 5n)).toEqual([{ producerId: 8n, firstOffset: 2n, lastOffset: 4n }])
    expect(log.aborted(0n, 2n)).toEqual([])
    expect(log.records()).toHaveLength(3)
  })

  test('admits no batch outside of it', () => {
    write(0)
    expect(errorOf(produce(1))).toBe(errorCodes.INVALID_TXN_STATE)
  })

  test('that a newer epoch has ended is over for the older one', () => {
    write(0)
    log.appendMarker({ id: 7n, epoch: 1 }, false, 0, 5)
    expect(errorOf(write(1))).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(errorOf(produce(3, 1, 1))).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(errorOf(produce(0, 1, 1))).toBe('appended')
  })
})
