import { expect, test } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  errorCodes,
  type FetchResponse,
} from '../../../src/protocol/index.ts'
import {
  leadersOf,
  moveFetch,
  moveFetchInPlace,
  routeFetch,
  seenFetch,
  type MovedFetch,
  type Part,
  type Readings,
  type RoutingTable,
} from '../../../src/router/index.ts'
import { requestOf, topicIdOf } from '../given.ts'
import { parallelTable, targetIdOf, targetStart } from '../translations/given.ts'

/** `orders` has partitions 0 and 1 on the source, and 2, 3, 4 on the target, where they are 0, 1, 2. */
const table = parallelTable()
const sourceOff = parallelTable({ home: 'target', everyTopic: true })
const readings: Readings = {
  exhaustedFrom: () => undefined,
  emptyAt() {},
  endOf: () => undefined,
  endSeen() {},
  positionSeen() {},
  gone: () => false,
}
const options = { splitFetchWaitMs: 100, gatheredBytesMax: 100_000, readings, reader: {} }

type Asked = readonly (readonly [partition: number, offset: bigint])[]

const bodyOf = (version: number, asked: Asked) => ({
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 10_000,
  topics: [
    {
      ...(version >= 13 ? { topicId: topicIdOf('orders') } : { topic: 'orders' }),
      partitions: asked.map(([partition, fetchOffset]) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: 1_000,
      })),
    },
  ],
})

const peek = (of: RoutingTable, version: number, asked: Asked) => {
  const frame = encodeRequest(apis.fetch, version, { correlationId: 5, clientId: 'test' }, bodyOf(version, asked)) // prettier-ignore
  return routeFetch(of, frame, 0, frame.length, version, undefined)
}

const move = (version: number, asked: Asked, of = table, more = {}): MovedFetch =>
  moveFetch(of, requestOf(apis.fetch, version, bodyOf(version, asked)), { ...options, ...more })

/** What a cluster is asked, and by which name or id. */
const askedOf = (frame: Buffer, version: number) => {
  const at = frame.readInt32BE(0) === frame.length - 4 ? 4 : 0
  const { bodyOffset } = decodeRequestHeader(frame, at)
  const { topics, maxWaitMs } = decodeRequest(apis.fetch, version, frame, bodyOffset)
  return {
    maxWaitMs,
    topics: topics.map(({ topic, topicId, partitions }) => [
      version >= 13 ? topicId : topic,
      ...partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]),
    ]),
  }
}

const batchOf = (baseOffset: bigint): Buffer => {
  const batch = Buffer.alloc(61)
  batch.writeBigInt64BE(baseOffset)
  batch.writeInt32BE(49, 8)
  batch.writeInt8(2, 16)
  return batch
}

const answer = (
  version: number,
  named: { topic: string } | { topicId: string },
  partitions: readonly { partitionIndex: number; errorCode?: number; records?: Buffer }[],
): Buffer =>
  encodeResponse(apis.fetch, version, 5, {
    responses: [
      {
        ...named,
        partitions: partitions.map((each) => ({
          errorCode: 0,
          records: Buffer.alloc(0),
          highWatermark: 9n,
          lastStableOffset: 9n,
          logStartOffset: 8n,
          ...each,
        })),
      },
    ],
  })

const read = (frame: Buffer, version: number): FetchResponse => {
  const { bodyOffset } = decodeResponseHeader(apis.fetch, version, frame, 4)
  return decodeResponse(apis.fetch, version, frame, bodyOffset)
}

const shownBy = (moved: MovedFetch, answers: readonly Buffer[], version: number) => {
  if (moved.kind !== 'translate') throw new Error(moved.kind)
  const merged = moved.merge(answers.map((frame) => frame.subarray(4)))
  return { facts: merged.facts, ...read(merged.encode(table), version) }
}

const partitionsOf = ({ responses }: FetchResponse) => {
  expect(responses.map(({ topic, topicId }) => topic || topicId)).toHaveLength(1)
  return responses[0]?.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex) ?? []
}

const askedCluster = ({ to }: Part): string => (typeof to === 'string' ? to : to.cluster)

const versions = [4, 11, 12, 13, 15]
const names = (version: number, id: string) =>
  version >= 13 ? { topicId: id } : { topic: 'orders' }

test.each(versions)(
  'v%d: what the source has goes there, and where it is read is known',
  (version) => {
    expect(peek(table, version, [[0, 0n]])).toBe('moved')
    const seen: unknown[] = []
    const positionSeen: Readings['positionSeen'] = (timeline, _reader, offset, clientId) => {
      seen.push([timeline[0].cluster, timeline[0].partition, offset, clientId])
    }
    const moved = move(version, [[1, 40n], [0, 9n], [2, 7n]], table, { readings: { ...readings, positionSeen } }) // prettier-ignore
    expect(moved.kind).toBe('translate')
    expect(seen).toEqual([
      ['source', 1, 40n, 'scenario'],
      ['source', 0, 9n, 'scenario'],
      ['target', 0, 7n, 'scenario'],
    ])
  },
)

test.each(versions)('v%d: who does not read what the target has is seen', (version) => {
  expect(peek(table, version, [[0, 0n]])).toBe('moved')
  expect(seenFetch.ungrown).toEqual(['orders'])
  expect(peek(table, version, [[0, 0n], [2, 7n]])).toBe('moved') // prettier-ignore
  expect(seenFetch.ungrown).toEqual([])
  expect(peek(table, version, [[4, 7n]])).toBe('moved')
  expect(peek(parallelTable({ spliced: false }), version, [[0, 0n]])).not.toBe('moved')
  expect(seenFetch.ungrown).toEqual([])
})

test.each(versions)('v%d: what the target has streams, by the numbers of each side', (version) => {
  const moved = move(version, [[2, 7n], [4, 12n]]) // prettier-ignore
  if (moved.kind !== 'stream') throw new Error(moved.kind)
  expect(moved.to).toEqual({ cluster: 'target', nodeId: 11 })
  const native = names(version, targetIdOf('orders'))
  const [name] = Object.values(native)
  expect(askedOf(moved.frame, version)).toEqual({ maxWaitMs: 500, topics: [[name, [0, 7n], [2, 12n]]] }) // prettier-ignore
  const frame = answer(version, native, [
    { partitionIndex: 0, records: batchOf(7n) },
    { partitionIndex: 2, records: batchOf(12n) },
  ])
  expect(moved.patcher.patch(frame, 0, frame.length)).toBe(frame.length)
  const shown = read(frame, version)
  expect(shown.responses[0]).toMatchObject(names(version, topicIdOf('orders')))
  expect(
    partitionsOf(shown).map(({ partitionIndex, highWatermark, records }) => [
      partitionIndex,
      highWatermark,
      records?.readBigInt64BE(0),
    ]),
  ).toEqual([
    [2, 9n, 7n],
    [4, 9n, 12n],
  ])
})

test.each(versions)('v%d: it is translated where it lies, too', (version) => {
  const header = { correlationId: 5, clientId: 'test' }
  const frame = encodeRequest(apis.fetch, version, header, bodyOf(version, [[2, 7n], [4, 12n]])) // prettier-ignore
  const inPlace = moveFetchInPlace(table, frame, 0, frame.length, version, options)
  if (inPlace === undefined) throw new Error('it is one of the commonest')
  const patcher = inPlace.translate()
  const native = names(version, targetIdOf('orders'))
  expect(askedOf(frame, version).topics).toEqual([[Object.values(native)[0], [0, 7n], [2, 12n]]])
  const answered = answer(version, native, [{ partitionIndex: 2 }])
  patcher.patch(answered, 0, answered.length)
  expect(partitionsOf(read(answered, version)).map((each) => each.partitionIndex)).toEqual([4])
  const below = encodeRequest(apis.fetch, version, header, bodyOf(version, [[2, 6n]]))
  expect(moveFetchInPlace(table, below, 0, below.length, version, options)).toBeUndefined()
})

test.each(versions)('v%d: both clusters are asked at once, and wait shortly', (version) => {
  const moved = move(version, [[1, 3n], [3, 7n]]) // prettier-ignore
  if (moved.kind !== 'translate') throw new Error(moved.kind)
  const asked = moved.parts.map(({ to, frame }) => [to, askedOf(frame, version)])
  const [source, target] = [topicIdOf('orders'), targetIdOf('orders')]
  expect(asked).toEqual([
    [{ cluster: 'source', nodeId: 2 }, { maxWaitMs: 100, topics: [[version >= 13 ? source : 'orders', [1, 3n]]] }],
    [{ cluster: 'target', nodeId: 12 }, { maxWaitMs: 100, topics: [[version >= 13 ? target : 'orders', [1, 7n]]] }],
  ]) // prettier-ignore
  const shown = shownBy(
    moved,
    [
      answer(version, names(version, source), [{ partitionIndex: 1, errorCode: 6 }]),
      answer(version, names(version, target), [{ partitionIndex: 1, records: batchOf(7n) }]),
    ],
    version,
  )
  const found = partitionsOf(shown).map((each) => [each.partitionIndex, each.errorCode, each.records?.length]) // prettier-ignore
  expect(found).toEqual([[1, 6, 0], [3, 0, 61]]) // prettier-ignore
  expect(shown.facts).toEqual([{ kind: 'leaders-moved', cluster: 'source' }])
})

test('below T0 there is nothing: the log begins there', () => {
  const shown = shownBy(move(12, [[3, targetStart - 1n]]), [], 12)
  expect(partitionsOf(shown)).toMatchObject([
    {
      partitionIndex: 3,
      errorCode: errorCodes.OFFSET_OUT_OF_RANGE,
      logStartOffset: targetStart,
      records: Buffer.alloc(0),
    },
  ])
})

test('with the source off, its partitions are empty, in the time that a broker would take', () => {
  expect(peek(sourceOff, 12, [[0, 5n]])).toBe('moved')
  const alone = move(12, [[0, 5n], [1, 6n]], sourceOff) // prettier-ignore
  if (alone.kind !== 'empty') throw new Error(alone.kind)
  expect(alone.afterMs).toBe(500)
  const empty = partitionsOf(read(alone.frame, 12))
  expect(empty).toMatchObject([
    { partitionIndex: 0, errorCode: 0, highWatermark: 5n, records: Buffer.alloc(0) },
    { partitionIndex: 1, errorCode: 0, highWatermark: 6n, records: Buffer.alloc(0) },
  ])
  const both = move(12, [[0, 5n], [3, 7n]], sourceOff) // prettier-ignore
  if (both.kind !== 'translate') throw new Error(both.kind)
  expect(both.parts.map(askedCluster)).toEqual(['target'])
  expect(both.parts.map(({ frame }) => askedOf(frame, 12).maxWaitMs)).toEqual([500])
  const target = answer(12, { topic: 'orders' }, [{ partitionIndex: 1 }])
  expect(partitionsOf(shownBy(both, [target], 12)).map((each) => each.partitionIndex)).toEqual([0, 3]) // prettier-ignore
})

test('a client that shall see more is told once to look for leaders, of all partitions', () => {
  const told = shownBy(move(12, [[0, 0n], [1, 0n]], table, { signalled: new Set(['orders']) }), [], 12) // prettier-ignore
  expect(told.sessionId).toBe(0)
  expect(partitionsOf(told)).toMatchObject([
    { partitionIndex: 0, errorCode: 6, records: Buffer.alloc(0) },
    { partitionIndex: 1, errorCode: 6, records: Buffer.alloc(0) },
  ])
})

test('who leads is asked of the cluster that has the partition', () => {
  expect(leadersOf(table, ['orders'], true).cluster).toBe('source')
  expect(leadersOf(table, ['orders']).cluster).toBe('target')
  const topics = new Map(table.topics)
  const routed = table.topics.get('orders')
  if (routed === undefined) throw new Error('orders is routed')
  const partitions = routed.partitions.map((each) => each && { ...each, read: null })
  topics.set('orders', { ...routed, partitions })
  const source = { ...table.source, topics: new Map() }
  const unknown = move(12, [[0, 0n], [3, 7n]], { ...table, topics, source }) // prettier-ignore
  expect(unknown).toEqual({ kind: 'ask', question: { kind: 'leaders', topics: ['orders'], cluster: 'source' } }) // prettier-ignore
  // One that has no leader now keeps nobody from the other cluster's.
  const leaderless = move(12, [[0, 0n], [3, 7n]], { ...table, topics }) // prettier-ignore
  if (leaderless.kind !== 'translate') throw new Error(leaderless.kind)
  expect(leaderless.parts.map(askedCluster)).toEqual(['source', 'target'])
})
