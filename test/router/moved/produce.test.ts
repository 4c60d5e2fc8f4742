import { describe, expect, test } from 'vitest'
import { emptyTopology } from '../../../src/cluster/index.ts'
import {
  apis,
  batchAttributes,
  batchLayout,
  decodeRequest,
  decodeRequestHeader,
  encodeResponse,
  decodeResponseHeader,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  errorCodes,
} from '../../../src/protocol/index.ts'
import { batchProducer, walkProduceBatches } from '../../../src/router/patch/index.ts'
import {
  answersHere,
  Firsts,
  nextTable,
  patchMovedProduce,
  producedShifts,
  renumberProduce,
  seenMoved,
  Retained,
  routeMovedProduce,
  routeProduce,
  SequenceBases,
  splitMovedProduce,
  type RoutingTable,
  type FirstBatch,
  type WantedBase,
} from '../../../src/router/index.ts'
import { movedTable, parallelTable } from '../translations/given.ts'

const version = 9
const producerId = 42n
const producerEpoch = 3

function batch(baseSequence: number, records = 1): Buffer {
  return encodeBatch({
    producerId,
    producerEpoch,
    baseSequence,
    records: Array.from({ length: records }, () => ({ timestamp: 1n, value: Buffer.from('v') })),
  })
}

const produce = (partitions: readonly (readonly [number, Buffer])[], topic = 'orders'): Buffer =>
  encodeRequest(
    apis.produce,
    version,
    { correlationId: 7, clientId: 'test' },
    {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [
        { name: topic, partitionData: partitions.map(([index, records]) => ({ index, records })) },
      ],
    },
  )

const peek = (table: RoutingTable, frame: Buffer) =>
  routeProduce(table, frame, 0, frame.length, frame.length, version)

const route = (
  table: RoutingTable,
  frame: Buffer,
  { retained = new Retained(), bases = new SequenceBases(), firsts = new Firsts() } = {},
  fresh: FirstBatch[] = [],
) => {
  const known = { retained, bases, firsts }
  return routeMovedProduce(table, frame, 0, frame.length, frame.length, version, known, fresh)
}

/** A sidecar that was just started: nothing is known of the target but what the journal says. */
const withoutTarget = (table: RoutingTable): RoutingTable =>
  nextTable(table, { ...table, target: emptyTopology })

describe('a Produce to partitions that have moved', () => {
  // Seen once as four lost records: a restart behind the splice, and a batch for two partitions.
  test('never goes to the other cluster because no leader is known', () => {
    const table = withoutTarget(movedTable())
    for (const frame of [
      produce([[0, batch(0)]]),
      produce([
        [0, batch(0)],
        [1, batch(0)],
      ]),
    ]) {
      expect(peek(table, frame)).toBe('moved')
      expect(route(table, frame)).toBe('unknown')
    }
  })

  test('is held while a splice is agreed on, whatever else is known', () => {
    const table = movedTable({ spliced: false, view: { held: true } })
    expect(peek(table, produce([[0, batch(0)]]))).toBe('held')
    expect(
      peek(
        table,
        produce([
          [1, batch(0)],
          [9, batch(0)],
        ]),
      ),
    ).toBe('held')
  })

  test('waits while it is not known what the source holds', () => {
    const table = movedTable()
    const retained = new Retained()
    const timelines = table.view.topics.get('orders')?.timelines ?? []
    retained.expect(timelines)
    expect(route(table, produce([[0, batch(5)]]), { retained })).toBe('loading')
    for (const timeline of timelines) retained.keep(timeline, [])
    expect(route(table, produce([[0, batch(5)]]), { retained })).not.toBe('loading')
  })

  test("waits for a producer's first batch to be taken, and only for that", () => {
    const table = movedTable()
    const firsts = new Firsts()
    const both = produce([
      [0, batch(5)],
      [1, batch(5)],
    ])
    const fresh: FirstBatch[] = []
    expect(route(table, both, { firsts }, fresh)).not.toBe('second')
    expect(fresh.map(({ partition }) => partition)).toEqual([0, 1])
    firsts.sent(1, fresh)
    expect([firsts.awaits(1), firsts.awaits(2)]).toEqual([true, false])
    expect(route(table, produce([[0, batch(6)]]), { firsts })).toBe('second')
    firsts.settle((_, partition) => partition === 0)
    const next: FirstBatch[] = []
    expect(route(table, produce([[0, batch(6)]]), { firsts }, next)).not.toBe('second')
    expect(next).toEqual([])
  })

  test('is refused where it would overtake one that was, until that has been taken', () => {
    const table = movedTable()
    const firsts = new Firsts()
    const given = { firsts, retained: new Retained(), bases: new SequenceBases() }
    const here = (sequence: number) => {
      const frame = produce([[0, batch(sequence)]])
      return answersHere(table, frame, 0, frame.length, version, given).get('orders/0')
    }
    const try5 = () => {
      const fresh: FirstBatch[] = []
      route(table, produce([[0, batch(5)]]), given, fresh)
      firsts.sent(1, fresh)
    }
    try5()
    firsts.settle(() => false)
    expect(route(table, produce([[0, batch(6)]]), given)).toBe('split')
    expect(here(6)).toEqual({ errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1n })
    expect(here(5)).toBeUndefined()
    try5()
    firsts.settle(() => true)
    expect(here(6)).toBeUndefined()
  })

  test('keeps the producer id of a transaction, which its coordinator knows', () => {
    const table = movedTable()
    const bases = new SequenceBases()
    const patched = (attributes: number): bigint | undefined => {
      const records = batch(0)
      records.writeInt16BE(attributes, batchLayout.attributes)
      const frame = produce([[0, records]])
      patchMovedProduce(table, frame, 0, frame.length, frame.length, version, bases)
      let id: bigint | undefined
      walkProduceBatches(frame, 0, frame.length, frame.length, version, (_, __, at) => {
        id = batchProducer(frame, at)?.producerId
      })
      return id
    }
    expect(patched(0)).toBe(producerId + (1n << 52n))
    expect(patched(batchAttributes.transactional)).toBe(producerId)
  })

  test('is answered where the source holds it already, and only the rest is written', () => {
    const table = movedTable()
    const [first] = table.view.topics.get('orders')?.timelines ?? []
    const retained = new Retained()
    if (first === undefined) throw new Error('orders has a partition 0')
    retained.keep(first, [
      { producerId, producerEpoch, firstSequence: 5, lastSequence: 6, offset: 98n },
    ])
    const frame = produce([
      [0, batch(5, 2)],
      [1, batch(5, 2)],
    ])
    expect(route(table, frame, { retained })).toBe('split')
    const given = { retained, bases: new SequenceBases(), firsts: new Firsts() }
    const here = answersHere(table, frame, 0, frame.length, version, given)
    expect(here).toEqual(new Map([['orders/0', { errorCode: 0, baseOffset: 98n }]]))
    const header = decodeRequestHeader(frame, 4)
    const { correlationId, clientId, bodyOffset } = header
    const request = { api: apis.produce, version, correlationId, clientId, frame: frame.subarray(4), bodyOffset: bodyOffset - 4 } // prettier-ignore
    const decision = splitMovedProduce(table, request, here)
    if (decision.kind !== 'split') throw new Error(decision.kind)
    const sent = decision.parts.map(({ frame: part }) => {
      const { bodyOffset: at } = decodeRequestHeader(part, 4)
      return decodeRequest(apis.produce, version, part, at).topicData.map((topic) => [
        topic.name,
        topic.partitionData.map(({ index }) => index),
      ])
    })
    expect(sent).toEqual([[['orders-v2', [1]]]])
    // The same sequence numbers of another epoch are another batch.
    const other = { producerId, producerEpoch: 4, firstSequence: 5, lastSequence: 6 }
    expect(retained.find(first, other)).toBeUndefined()
  })

  test('shows the target producer ids that no other history has', () => {
    const table = movedTable()
    const frame = produce([[0, batch(5)]])
    patchMovedProduce(table, frame, 0, frame.length, frame.length, version, new SequenceBases())
    const seen: unknown[] = []
    walkProduceBatches(frame, 0, frame.length, frame.length, version, (_topic, _partition, at) => {
      seen.push({ ...batchProducer(frame, at) })
    })
    expect(seen).toMatchObject([{ producerId: producerId + 2n ** 52n, baseSequence: 5 }])
  })
})

describe('a Produce to a topic of which both clusters are read', () => {
  const table = parallelTable()
  const written = (frame: Buffer) => {
    const seen: (readonly [number, bigint | undefined])[] = []
    walkProduceBatches(frame, 0, frame.length, frame.length, version, (_, partition, at) => {
      const id = batchProducer(frame, at)?.producerId
      seen.push([partition, id === undefined ? undefined : (id - producerId) >> 52n])
    })
    return seen
  }
  const toTarget = (frame: Buffer) => {
    patchMovedProduce(table, frame, 0, frame.length, frame.length, version, new SequenceBases())
    return renumberProduce(table, frame, 0, frame.length, frame.length, version)
  }
  const every = produce([0, 1, 2, 3, 4].map((partition) => [partition, batch(0)] as const))

  test('goes to the target, each lane under a producer id of its own', () => {
    for (const [shown, native, lane] of [
      [0, 0, 1n],
      [1, 1, 1n],
      [2, 0, 0n],
      [3, 1, 0n],
      [4, 2, 0n],
    ] as const) {
      const frame = produce([[shown, batch(0)]])
      expect(peek(table, frame)).toBe('moved')
      expect(route(table, frame)).toEqual({ cluster: 'target', nodeId: native === 1 ? 12 : 11 })
      expect(seenMoved.renumbered).toBe(native !== shown)
      toTarget(frame)
      expect(written(frame)).toEqual([[native, 1n + lane]])
    }
  })

  test('is answered by the numbers that clients know', () => {
    const frame = produce([[2, batch(0)], [4, batch(0)]]) // prettier-ignore
    expect(route(table, frame)).toEqual({ cluster: 'target', nodeId: 11 })
    const shifts = producedShifts(table, toTarget(frame))
    expect(shifts('orders', 0)).toEqual({ offset: 0n, epoch: 0, logStart: 7n, partition: 2 })
    expect(shifts('orders', 2)).toEqual({ offset: 0n, epoch: 0, logStart: 7n, partition: 4 })
  })

  test('has no partition of the target twice in one request', () => {
    // Both are partition 0 of the target.
    expect(route(table, produce([[0, batch(0)], [2, batch(0)]]))).toBe('split') // prettier-ignore
    const frame = Buffer.from(every)
    expect(route(table, frame)).toBe('split')
    patchMovedProduce(table, frame, 0, frame.length, frame.length, version, new SequenceBases())
    const { correlationId, clientId, bodyOffset } = decodeRequestHeader(frame, 4)
    const request = { api: apis.produce, version, correlationId, clientId, frame: frame.subarray(4), bodyOffset: bodyOffset - 4 } // prettier-ignore
    const decision = splitMovedProduce(table, request, new Map())
    if (decision.kind !== 'split') throw new Error(decision.kind)
    const sent = decision.parts.map(({ to, frame: part }) => [to, written(part)])
    const broker = (nodeId: number) => ({ cluster: 'target', nodeId })
    expect(sent).toEqual([
      [broker(11), [[0, 2n], [2, 1n]]],
      [broker(12), [[1, 2n]]],
      [broker(11), [[0, 1n]]],
      [broker(12), [[1, 1n]]],
    ]) // prettier-ignore
    const answers = decision.parts.map(({ frame: part }, i) => {
      const responses = [
        {
          name: 'orders',
          partitionResponses: written(part).map(([index]) => ({
            index,
            errorCode: 0,
            baseOffset: BigInt(10 * i + index),
          })),
        },
      ]
      return encodeResponse(apis.produce, version, correlationId, { responses }).subarray(4)
    })
    const whole = decision.merge(answers)
    const { bodyOffset: at } = decodeResponseHeader(apis.produce, version, whole, 4)
    const [topic, ...more] = decodeResponse(apis.produce, version, whole, at).responses
    expect(more).toEqual([])
    const shown = topic?.partitionResponses.map(({ index, baseOffset }) => [index, baseOffset])
    expect(shown?.sort()).toEqual([[0, 0n], [1, 11n], [2, 20n], [3, 31n], [4, 2n]]) // prettier-ignore
  })
})

describe('a target that wants sequence numbers from 0', () => {
  test('gets them once the base is durable; until then the batch waits', () => {
    const table = movedTable()
    const bases = new SequenceBases()
    bases.active = true
    const wanted: WantedBase[] = []
    bases.wanted = (base) => wanted.push(base)
    const frame = produce([[0, batch(5)]])
    expect(route(table, frame, { bases })).toBe('loading')
    expect(wanted).toMatchObject([{ producerId, producerEpoch, base: 5 }])
    const [base] = wanted
    if (base === undefined) throw new Error('a base is wanted')
    bases.keep(base, base.base)
    expect(route(table, frame, { bases })).not.toBe('loading')
    expect(bases.find(base, 9)).toBe(5)
    // Another epoch has a base of its own.
    expect(bases.find({ ...base, producerEpoch: 4 }, 0)).toBe(undefined)
  })

  test('keeps a base of 0 as well: the next batch is not the first', () => {
    const table = movedTable()
    const bases = new SequenceBases()
    bases.active = true
    const wanted: WantedBase[] = []
    bases.wanted = (base) => wanted.push(base)
    expect(route(table, produce([[0, batch(0)]]), { bases })).toBe('loading')
    const [base] = wanted
    if (base === undefined) throw new Error('a base is wanted')
    expect(base.base).toBe(0)
    bases.keep(base, base.base)
    expect(route(table, produce([[0, batch(1)]]), { bases })).not.toBe('loading')
    expect(bases.find(base, 1)).toBe(0)
    expect(wanted).toHaveLength(1)
  })

  test('has no base of what the source holds already', () => {
    const table = movedTable()
    const bases = new SequenceBases()
    bases.active = true
    const wanted: WantedBase[] = []
    bases.wanted = (base) => wanted.push(base)
    const retained = new Retained()
    const timeline = table.topics.get('orders')?.partitions[0]?.timeline
    if (timeline == null) throw new Error('orders has moved')
    const sequences = { firstSequence: 5, lastSequence: 5, offset: 99n }
    retained.keep(timeline, [{ producerId, producerEpoch, ...sequences }])
    const frame = produce([[0, batch(5)]])
    expect(route(table, frame, { bases, retained })).toBe('split')
    patchMovedProduce(table, frame, 0, frame.length, frame.length, version, bases)
    expect(wanted).toEqual([])
  })
})
