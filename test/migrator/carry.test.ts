import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { nodeId, type ClusterName } from '../../src/ids.ts'
import { silentLog } from '../../src/log.ts'
import { Carrier } from '../../src/migrator/carry.ts'
import { orderedPath, type LatePath } from '../../src/migrator/late-paths.ts'
import { lateBatches } from '../../src/migrator/late.ts'
import { openLoneCluster, type LoneCluster } from '../../src/proxy/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import {
  nativeProducerId,
  parallelTimelines,
  SequenceBases,
  sourceTimeline,
  splice,
  type Timeline,
} from '../../src/router/index.ts'
import { batchOf, produceOf } from '../embedded/batches.ts'

const megabytes = 1024 * 1024
const limits = {
  ...{ rewrittenResponseBytesMax: 16 * megabytes, bufferedBytesMax: 16 * megabytes },
  ...{ connectTimeoutMs: 5_000, answerTimeoutMs: 5_000, topologyAgeMsMax: 60_000 },
}
const producerId = 7n

let source: EmbeddedCluster
let target: EmbeddedCluster
let opened: Record<ClusterName, LoneCluster>
let bases: SequenceBases
let timeline: Timeline

const open = (name: ClusterName, { brokers: bootstrapServers }: EmbeddedCluster): LoneCluster =>
  openLoneCluster({
    ...{ name, bootstrapServers, limits, log: silentLog },
    ...{ tls: null, identity: null, version: 'test' },
  })

beforeEach(async () => {
  const topics = [{ name: 'orders', partitions: 1 }]
  source = await startEmbeddedCluster({ topics: [{ name: 'orders', partitions: 2 }] })
  target = await startEmbeddedCluster({ topics })
  opened = { source: open('source', source), target: open('target', target) }
  await Promise.all([opened.source.cluster.refresh(), opened.target.cluster.refresh()])
  bases = new SequenceBases()
  const next = { cluster: 'target', topic: 'orders', partition: 0, start: 1n } as const
  timeline = splice(sourceTimeline('orders', 0), { end: 1n, next })
  await send('source', ['before'])
  await send('target', ['older'])
})

afterEach(async () => {
  opened.source.close()
  opened.target.close()
  await Promise.all([source.stop(), target.stop()])
})

/** @param sequence of an idempotent producer, as that cluster knows it; none: of another one */
async function send(to: ClusterName, values: readonly string[], sequence?: number, partition = 0) {
  const id = to === 'source' ? producerId : nativeProducerId(timeline.length - 1, producerId)
  const producer = { producerId: id, producerEpoch: 0, baseSequence: sequence ?? 0 }
  const records = batchOf(values, sequence === undefined ? {} : producer)
  const body = produceOf('orders', partition, records)
  const answer = await opened[to].cluster.ask(apis.produce, 8, body, { nodeId: nodeId(1) })
  return answer.responses[0]?.partitionResponses[0]
}

const path = (): LatePath => {
  const found = orderedPath('orders', 0, timeline)
  if (found === undefined) throw new Error('the timeline is spliced')
  return found
}

/** As a sidecar that has just been started. */
const carry = async () => {
  const carrier = new Carrier(opened.source.cluster, opened.target.cluster, bases, (ms) =>
    sleep(ms, undefined),
  )
  return carrier.carry(path())
}
const written = () =>
  target
    .log('orders', 0)
    .slice(1)
    .map(({ value }) => value?.toString())

describe('what a broker of the source takes up late', () => {
  test('is not written again where its producer has sent it again', async () => {
    await send('target', ['a', 'b'], 10)
    await send('source', ['a', 'b'], 10)
    expect(await carry()).toMatchObject({ records: 2, end: 3n })
    expect(written()).toEqual(['a', 'b'])
    expect(await carry()).toBe(null)
  })

  test('is not written again, however much its producer has sent since', async () => {
    for (let i = 10; i < 20; i++) await send('target', [`${i}`], i)
    await send('source', ['10'], 10)
    await send('source', ['11'], 11)
    expect(await carry()).toMatchObject({ records: 2 })
    expect(written()).toEqual(Array.from({ length: 10 }, (_, i) => `${10 + i}`))
  })

  test('is where its producer finds it that sends it again behind it', async () => {
    for (let i = 10; i < 13; i++) await send('source', [`${i}`], i)
    await carry()
    const answers = [await send('target', ['11'], 11), await send('target', ['12'], 12)]
    expect(answers).toMatchObject([
      { errorCode: 0, baseOffset: 2n },
      { errorCode: 0, baseOffset: 3n },
    ])
    expect(await send('target', ['13'], 13)).toMatchObject({ errorCode: 0, baseOffset: 4n })
    expect(written()).toEqual(['10', '11', '12', '13'])
  })

  test('is written once, though a sidecar is killed before it could say so', async () => {
    for (let i = 0; i < 8; i++) {
      await send('source', [`idempotent ${i}`], 10 + i)
      await send('source', [`plain ${i}`])
    }
    const { NOT_COORDINATOR: errorCode } = errorCodes
    target.control(apis.endTxn, () => ({ kind: 'answer', body: { throttleTimeMs: 0, errorCode } }))
    await expect(carry()).rejects.toThrow('NOT_COORDINATOR')
    expect(await carry()).toMatchObject({ records: 16 })
    const committed = written()
    for (let i = 0; i < 8; i++) {
      expect(committed.filter((value) => value === `idempotent ${i}`)).toHaveLength(1)
    }
    // What was aborted lies there, too, but is not read.
    expect(committed.filter((value) => value === 'plain 0')).toHaveLength(2)
  })

  test('begins at 0 on a target that wants it so, once the base is durable', async () => {
    bases.active = true
    const wanted: unknown[] = []
    bases.wanted = (each) => void wanted.push(each)
    await send('source', ['a'], 10)
    await send('source', ['b'], 11)
    expect(await carry()).toBe(null)
    expect(wanted).toEqual([{ timeline, producerId, producerEpoch: 0, base: 10 }])
    bases.keep({ timeline, producerId, producerEpoch: 0 }, 10)
    expect(await carry()).toMatchObject({ records: 2 })
    expect(await send('target', ['b'], 1)).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(written()).toEqual(['a', 'b'])
  })

  test('is not given up where the target refuses it for another reason', async () => {
    await send('source', ['a'], 10)
    const { NOT_ENOUGH_REPLICAS: errorCode } = errorCodes
    const partitionResponses = [{ index: 0, errorCode, baseOffset: -1n }]
    target.control(apis.produce, () => ({
      kind: 'answer',
      body: { responses: [{ name: 'orders', partitionResponses }] },
    }))
    await expect(carry()).rejects.toThrow('NOT_ENOUGH_REPLICAS')
    expect(await carry()).toMatchObject({ records: 1 })
    expect(written()).toEqual(['a'])
  })
})

test('a target before 2.5 is asked how far the source was carried when it can tell', async () => {
  opened.target.close()
  await target.stop()
  const topics = [
    { name: 'orders', partitions: 1 },
    { name: '__consumer_offsets', partitions: 1 },
  ]
  target = await startEmbeddedCluster({ topics, versions: { offsetFetch: 6 } })
  opened.target = open('target', target)
  await opened.target.cluster.refresh()
  await send('target', ['older'])
  await send('source', ['plain'])
  expect(await carry()).toMatchObject({ records: 1 })
  // Its coordinator takes the offsets of ended transactions to its memory some moments later.
  let behind = 4
  const stop = target.control(
    apis.offsetFetch,
    ({ topics: asked }) => {
      if (behind-- <= 0) return undefined
      const none = { committedOffset: -1n, metadata: '', errorCode: 0 }
      const found = (asked ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...none })),
      }))
      return { kind: 'answer', body: { topics: found } }
    },
    { keep: true },
  )
  expect(await carry()).toBe(null)
  stop()
  expect(written()).toEqual(['plain'])
})

test('what was aborted is not late: it is void', () => {
  const batch = (value: string, offset: bigint, id: bigint, isTransactional = true) =>
    batchOf([value], {
      ...{ baseOffset: offset, producerId: id, producerEpoch: 0, baseSequence: Number(offset) },
      isTransactional,
    })
  const marker = (offset: bigint, id: bigint) =>
    batchOf([''], {
      ...{ baseOffset: offset, producerId: id, producerEpoch: 0, baseSequence: -1 },
      ...{ isTransactional: true, isControl: true },
    })
  const records = Buffer.concat([
    batch('committed', 5n, 1n),
    batch('aborted', 6n, 2n),
    marker(7n, 1n),
    batch('not transactional', 8n, 2n, false),
    batch('aborted', 9n, 2n),
    marker(10n, 2n),
    batch('committed', 11n, 2n),
    marker(12n, 2n),
  ])
  const late = lateBatches(records, 5n, [{ producerId: 2n, firstOffset: 6n }])
  expect(late).toMatchObject({ records: 3, end: 13n })
  expect(late?.batches.map(({ header }) => header.baseOffset)).toEqual([5n, 8n, 11n])
})

describe('partitions of the source that are carried to the same one', () => {
  test('are carried by themselves, each in its lane, once', async () => {
    const starts = [1n]
    const topic = { name: 'orders', targetName: 'orders', sourcePartitions: 2, starts }
    const timelines = parallelTimelines(topic)
    const carryPartition = async (partition: number) => {
      const shown = timelines[partition] ?? timelines[0]!
      const target = { topic: 'orders', partition: 0 }
      const lane = { namespace: 2 + partition, from: partition === 0 ? 1n : 0n }
      const carrier = new Carrier(opened.source.cluster, opened.target.cluster, bases, (ms) =>
        sleep(ms, undefined),
      )
      const at = { topic: 'orders', partition }
      return carrier.carry({ ...at, ...lane, source: at, target, timeline: shown })
    }
    // The same producer numbers what it sends to each of them by itself.
    await send('source', ['a', 'b'], 0)
    await send('source', ['c'])
    await send('source', ['x', 'y'], 0, 1)
    await send('source', ['z'], undefined, 1)
    for (const partition of [0, 1]) {
      expect(await carryPartition(partition)).toMatchObject({ records: 3 })
      expect(await carryPartition(partition)).toBe(null)
    }
    await send('source', ['w'], 2, 1)
    expect(await carryPartition(1)).toMatchObject({ records: 1, end: 4n })
    expect(await carryPartition(0)).toBe(null)
    const there = written().filter((value) => value !== undefined)
    expect(there).toEqual(['a', 'b', 'c', 'x', 'y', 'z', 'w'])
  })
})
