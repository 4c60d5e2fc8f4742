import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  DecodeError,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type FetchResponse,
  type Fields,
} from '../../../src/protocol/index.ts'
import { FetchPatcher, type SeePartition, type Shift } from '../../../src/router/patch/index.ts'
import { arbitraryMessage, type Values } from '../../protocol/arbitrary.ts'
import { goldenFrames } from '../../protocol/golden.ts'
import { lengthBytes, records, shiftedRecords, spoiled, structs, topicIdOf } from './given.ts'

const versions = Array.from({ length: 12 }, (_, i) => 4 + i)
const names = ['a', 'b', 'n'.repeat(249), '']
const idNames = ['a', 'b', 'c']
/** By partition index; any other has none. */
const shifts: readonly (Shift | undefined)[] = [
  { offset: 1000n, epoch: 100 },
  { offset: -7n, epoch: 0, virtualEnd: 5000n, logStart: 3n },
  { offset: 0n, epoch: 0, virtualEnd: 2n ** 41n },
  undefined,
  { offset: 0n, epoch: 3, partition: 7 },
]
const isShifted = (topic: string): boolean => topic !== 'b' && topic !== topicIdOf('b')
const lookup = (topic: string, partition: number): Shift | undefined =>
  isShifted(topic) ? shifts[partition] : undefined
const rename = (id: string): string | undefined =>
  id === topicIdOf('c') ? topicIdOf('renamed') : undefined

const number = fc.oneof(fc.constant(-1n), fc.bigInt({ min: 0n, max: 2n ** 42n }))
const numbers = fc.record({
  partitionIndex: fc.integer({ min: 0, max: 5 }),
  errorCode: fc.constantFrom(0, 0, 0, 1, 6),
  highWatermark: number,
  lastStableOffset: number,
  logStartOffset: number,
  firstOffset: number,
  preferredReadReplica: fc.integer({ min: -1, max: 3 }),
  records: fc.option(records, { freq: 6 }),
  name: fc.constantFrom(...names),
  idName: fc.constantFrom(...idNames),
})

/** Any answer, with numbers and records as brokers send them. */
function answers(version: number): fc.Arbitrary<Buffer> {
  const some = fc.array(numbers, { minLength: 9, maxLength: 9 })
  const body = fc.tuple(arbitraryMessage(apis.fetch.response, version), some)
  return body.map(([values, places]) => {
    let used = 0
    const next = (): Values => places[used++ % places.length] ?? {}
    const responses = structs(values['responses']).map((topic) => {
      const { name, idName } = next()
      return {
        ...topic,
        ...(version >= 13 ? { topicId: topicIdOf(String(idName)) } : { topic: name }),
        partitions: structs(topic['partitions']).map((partition) => placed(partition, version)),
      }
    })
    function placed(partition: Values, of: number): Values {
      const { logStartOffset, preferredReadReplica, firstOffset, ...others } = next()
      const aborted = partition['abortedTransactions']
      return {
        ...partition,
        ...others,
        ...(of >= 5 ? { logStartOffset } : {}),
        ...(of >= 11 ? { preferredReadReplica } : {}),
        abortedTransactions:
          aborted === null ? null : structs(aborted).map((each) => ({ ...each, firstOffset })),
      }
    }
    return encodeResponse<Fields, Fields>(apis.fetch, version, 5, { ...values, responses })
  })
}

function read(frame: Buffer, version: number): FetchResponse {
  const { bodyOffset } = decodeResponseHeader(apis.fetch, version, frame, lengthBytes)
  return decodeResponse(apis.fetch, version, frame, bodyOffset)
}

type Partition = FetchResponse['responses'][number]['partitions'][number]
const nothing = { epoch: -1, endOffset: -1n }

const moved = (offset: bigint, shift: Shift): bigint =>
  offset < 0n ? offset : offset + shift.offset

function end(native: bigint, shift: Shift): bigint {
  const shown = moved(native, shift)
  const { virtualEnd = shown } = shift
  return native >= 0n && virtualEnd > shown ? virtualEnd : shown
}

function translated(partition: Partition, shift: Shift | undefined, version: number): Partition {
  if (shift === undefined) return partition
  const { abortedTransactions, logStartOffset, divergingEpoch, snapshotId, currentLeader } =
    partition
  return {
    ...partition,
    partitionIndex: shift.partition ?? partition.partitionIndex,
    highWatermark: end(partition.highWatermark, shift),
    lastStableOffset: end(partition.lastStableOffset, shift),
    logStartOffset:
      logStartOffset < 0n ? logStartOffset : (shift.logStart ?? moved(logStartOffset, shift)),
    abortedTransactions:
      abortedTransactions?.map((each) => ({
        ...each,
        firstOffset: moved(each.firstOffset, shift),
      })) ?? null,
    divergingEpoch: { ...divergingEpoch, ...nothing },
    snapshotId: { ...snapshotId, ...nothing },
    currentLeader: { ...currentLeader, leaderId: -1, leaderEpoch: -1 },
    preferredReadReplica: version >= 11 ? -1 : partition.preferredReadReplica,
    records:
      partition.records === null
        ? null
        : shiftedRecords(partition.records, shift.offset, shift.epoch),
  }
}

const keyOf = (topic: FetchResponse['responses'][number], version: number): string =>
  version >= 13 ? topic.topicId : topic.topic

const truth = (answer: FetchResponse, version: number): FetchResponse => ({
  ...answer,
  responses: answer.responses.map((topic) => ({
    ...topic,
    topicId: rename(topic.topicId) ?? topic.topicId,
    partitions: topic.partitions.map((partition) =>
      translated(partition, lookup(keyOf(topic, version), partition.partitionIndex), version),
    ),
  })),
})

/** Feeds the frame in chunks, each behind what was left, in a buffer of its own with foreign bytes around. */
function patched(frame: Buffer, version: number, sizes: readonly number[], seen?: SeePartition) {
  const patcher = new FetchPatcher(version, lookup, rename, seen)
  const final: Buffer[] = []
  let left = Buffer.alloc(0)
  for (let at = 0, turn = 0; at < frame.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    const bytes = Buffer.concat([left, frame.subarray(at, at + size)])
    at += size
    const start = turn % 5
    const buffer = Buffer.concat([Buffer.alloc(start, 0xee), bytes, Buffer.alloc(40, 0xee)])
    const until = patcher.patch(buffer, start, start + bytes.length)
    expect(buffer.subarray(0, start)).toEqual(Buffer.alloc(start, 0xee))
    expect(buffer.subarray(start + bytes.length)).toEqual(Buffer.alloc(40, 0xee))
    final.push(buffer.subarray(start, until))
    left = Buffer.from(buffer.subarray(until, start + bytes.length))
    expect(left.length).toBeLessThan(64)
  }
  expect(left).toHaveLength(0)
  return Buffer.concat(final)
}

const chunks = fc.oneof(
  fc.constant([1]),
  fc.constant([100_000]),
  fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 }),
)

describe('the answer to Fetch', () => {
  test.each(versions)('v%d: however it is cut, is what decoding would give', (version) => {
    let shifted = 0
    fc.assert(
      fc.property(answers(version), chunks, (frame, sizes) => {
        const wanted = truth(read(frame, version), version)
        const given = patched(frame, version, sizes)
        expect(given).toHaveLength(frame.length)
        expect(read(given, version)).toEqual(wanted)
        if (!given.equals(frame)) shifted++
      }),
      { numRuns: 120 },
    )
    expect(shifted).toBeGreaterThan(15)
  })

  test.each(versions)('v%d: every partition is told of, in native numbers', (version) => {
    fc.assert(
      fc.property(answers(version), chunks, (frame, sizes) => {
        const told: unknown[] = []
        patched(frame, version, sizes, (...partition) => told.push(partition))
        const wanted = read(frame, version).responses.flatMap((topic) =>
          topic.partitions.map((each) => [
            keyOf(topic, version),
            ...[each.partitionIndex, each.errorCode, each.highWatermark],
            each.records?.length ?? 0,
          ]),
        )
        expect(told).toEqual(wanted)
      }),
      { numRuns: 60 },
    )
  })

  test.each(versions)(
    'v%d: spoiled bytes are a DecodeError or pass, and nothing else',
    (version) => {
      fc.assert(
        fc.property(spoiled(answers(version)), (frame) => {
          const patcher = new FetchPatcher(version, lookup, rename)
          try {
            expect(patcher.patch(frame, 0, frame.length)).toBe(frame.length)
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        }),
        { numRuns: 150 },
      )
    },
  )
})

const golden = goldenFrames.filter(
  ({ api, part, version }) =>
    api === apis.fetch && part === 'response' && versions.includes(version),
)

test.each(golden.map((each) => ({ ...each, name: `${each.file} v${each.version}` })))(
  'a captured answer: $name',
  ({ frame: bytes, version }) => {
    const frame = Buffer.concat([Buffer.alloc(lengthBytes), bytes])
    frame.writeInt32BE(bytes.length)
    const patcher = new FetchPatcher(version, () => ({ offset: 10_000n, epoch: 9 }))
    const buffer = Buffer.from(frame)
    expect(patcher.patch(buffer, 0, buffer.length)).toBe(buffer.length)
    const before = read(frame, version).responses.flatMap(({ partitions }) => partitions)
    const after = read(buffer, version).responses.flatMap(({ partitions }) => partitions)
    expect(after.map(({ highWatermark }) => highWatermark)).toEqual(
      before.map((each) => each.highWatermark + 10_000n),
    )
    expect(after.map((each) => each.records)).toEqual(
      before.map((each) => each.records && shiftedRecords(each.records, 10_000n, 9)),
    )
  },
)
