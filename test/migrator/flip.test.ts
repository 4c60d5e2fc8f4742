import { beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../src/log.ts'
import type { DataPlane } from '../../src/migrator/data-plane.ts'
import { Fencing } from '../../src/migrator/fencing.ts'
import type { Plan, TopicPlan } from '../../src/migrator/preflight/index.ts'
import { giveStarts, readStarts } from '../../src/migrator/positions.ts'
import { Producers } from '../../src/migrator/producers.ts'
import { MigrationRecord } from '../../src/migrator/record.ts'
import { apis, encodeBatch, encodeSubscription } from '../../src/protocol/index.ts'
import { Retained, SequenceBases, type Entry, type View } from '../../src/router/index.ts'
import { FakeCluster } from './groups/fake-cluster.ts'

/** `logs` is unordered: 2 partitions on the source, 3 on the target, which begin at 7. */
const logs = { name: 'logs', targetName: 'logs-v2', topicId: null, partitions: 2 }
const unordered = { ...logs, targetPartitions: 3 }
const ordered: TopicPlan = { name: 'orders', targetName: 'orders', topicId: null, partitions: 1 }
const t0 = 7n

let source: FakeCluster
let target: FakeCluster
let entries: Entry[]
let views: View[]
let record: MigrationRecord
let producers: Producers
let retained: Retained
let bases: SequenceBases
/** What `produced` tells, of what was in flight. */
let produced: () => Promise<boolean>
/** How many connections were lost under something. */
let lostProduces: number
/** How many Fetches wait at brokers. */
let longFetches: number

function clusterOf(name: 'source' | 'target', ends: Readonly<Record<string, bigint>>): FakeCluster {
  const cluster = new FakeCluster(name, () => 0)
  for (const [log, end] of Object.entries(ends)) {
    cluster.logs.set(log, { start: 0n, end, records: Buffer.alloc(0) })
  }
  const endOf = (topic: string, partition: number) =>
    cluster.logs.get(`${topic} ${partition}`)?.end ?? -1n
  cluster.on(apis.listOffsets, ({ topics }) => ({
    topics: topics.map(({ name: topic, partitions }) => ({
      name: topic,
      partitions: partitions.map(({ partitionIndex, timestamp }) => ({
        ...{ partitionIndex, errorCode: 0 },
        // By time: everything is young.
        offset: timestamp >= 0n ? 0n : endOf(topic, partitionIndex),
      })),
    })),
  }))
  cluster.on(apis.offsetForLeaderEpoch, () => ({ topics: [] }))
  const issued = { throttleTimeMs: 0, errorCode: 0, producerId: 1n, producerEpoch: 0 }
  cluster.on(apis.initProducerId, () => issued)
  return cluster
}

beforeEach(() => {
  source = clusterOf('source', { 'logs 0': 100n, 'logs 1': 100n, 'orders 0': 50n })
  const ends = { 'logs-v2 0': t0, 'logs-v2 1': t0, 'logs-v2 2': t0, 'orders 0': 3n }
  target = clusterOf('target', ends)
  entries = []
  views = []
  retained = new Retained()
  bases = new SequenceBases()
  produced = () => Promise.resolve(true)
  lostProduces = 0
  longFetches = 0
  const journal = {
    entries,
    append: (entry: Entry) => Promise.resolve(void entries.push(entry)),
    close: () => Promise.resolve(),
  }
  const plane = {
    show: (view: View) => void views.push(view),
    produced: () => produced(),
    get longFetches() {
      return longFetches
    },
    ackedEnds: new Map(),
    endHeld() {},
    endOutdated() {},
    retained,
    bases,
    retry() {},
    get lostProduces() {
      return lostProduces
    },
    reading: [],
    readers: () => [],
    groups: { held: () => ({ count: 0, members: [], sinceMs: null }) },
  } satisfies DataPlane
  const common = { source, target, plane, log: silentLog, now: () => 1_000_000, changed() {} }
  record = new MigrationRecord({ ...common, journal })
  const clock = { now: () => performance.now(), sleep: () => Promise.resolve() }
  producers = new Producers({ ...common, record, clock })
  fencing = (deadlineMs = 5_000) =>
    new Fencing({
      ...{ ...common, record, deadlineMs },
      foresee: () => Promise.resolve(),
      foreseeMore: (topics) => producers.foreseeMore(topics),
    })
})
let fencing: (deadlineMs?: number) => Fencing

const planOf = (...topics: readonly TopicPlan[]): Plan => ({
  everyTopic: false,
  topics,
  findings: [],
})

const commit = (on: FakeCluster, group: string, topic: string, offsets: readonly bigint[]): void =>
  offsets.forEach((offset, partition) => {
    const stored = { offset, leaderEpoch: -1, metadata: 'mine' }
    on.group(group).offsets.commit(topic, partition, stored)
  })

const committed = (group: string): readonly (bigint | undefined)[] => {
  const all = target.groups.get(group)?.offsets.all() ?? []
  const of = all.find(({ topic }) => topic === 'logs-v2')?.partitions ?? []
  return [0, 1, 2].map((p) => of.find(({ partition }) => partition === p)?.value.offset)
}

function subscribe(group: string, topic: string, isStable = true): void {
  const metadata = encodeSubscription(0, { topics: [topic] })
  const on = source.group(group)
  on.join(
    {
      ...{ memberId: '', instanceId: null, clientId: 'app', clientHost: '/h' },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, protocolType: 'consumer' },
      ...{ protocols: [{ name: 'range', metadata }], newMemberId: 'app' },
      ...{ mustKnowMemberId: false, canSkipAssignment: false },
    },
    0,
    () => {},
  )
  const claim = { memberId: 'app', instanceId: null, generationId: on.generation }
  if (isStable)
    on.sync({ ...claim, protocolType: null, protocolName: null }, new Map(), 0, () => {})
}

describe('the flip of unordered topics alone', () => {
  test('is one entry, for which nothing is held and nobody waits', async () => {
    longFetches = 1
    expect(await fencing().run(planOf(unordered))).toBe(false)
    expect(entries).toMatchObject([
      {
        kind: 'flip',
        fence: 1,
        topics: [{ name: 'logs', partitions: 2, targetPartitions: 3 }],
        starts: [0, 1, 2].map((partition) => ({ topic: 'logs', partition, start: t0 })),
      },
    ])
    expect(record.state.phase).toBe('spliced')
    expect(views.some(({ held }) => held)).toBe(false)
    expect(retained.isLoading(record.state.topics.get('logs')?.timelines[0] as never)).toBe(false)
  })

  test('comes when every group has its positions on the target, whether it commits or subscribes', async () => {
    commit(source, 'commits', 'logs', [60n, 100n])
    subscribe('subscribes', 'logs')
    commit(source, 'other', 'orders', [1n])
    let before = 0
    target.fault = (key) => {
      if (key === apis.offsetCommit.key) before = entries.length
      return undefined
    }
    await fencing().run(planOf(unordered))
    expect(before).toBe(0)
    expect(committed('commits')).toEqual([t0, t0, t0])
    expect(committed('subscribes')).toEqual([t0, t0, t0])
    expect(target.groups.has('other')).toBe(false)
  })

  test('gives positions to a group that rebalances, too: what it reads is not told', async () => {
    subscribe('rebalances', 'orders', false)
    const starts = await readStarts(target, [unordered])
    await giveStarts({ source, target, topics: [unordered], starts, patienceMs: 0 })
    expect(committed('rebalances')).toEqual([t0, t0, t0])
  })

  test('leaves positions as they are that are there already, and not before T0', async () => {
    commit(source, 'billing', 'logs', [60n, 100n])
    commit(target, 'billing', 'logs-v2', [6n, 7n, 9n])
    await fencing().run(planOf(unordered))
    expect(committed('billing')).toEqual([7n, 7n, 9n])
  })

  test('does not come where a group cannot be given its positions', async () => {
    commit(source, 'billing', 'logs', [60n, 100n])
    target.on(apis.offsetCommit, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 25 })),
      })),
    }))
    await expect(fencing().run(planOf(unordered))).rejects.toThrow(
      'the target answered UNKNOWN_MEMBER_ID for group billing',
    )
    expect(entries).toEqual([])
  })

  test('of every topic does not come when one was created meanwhile', async () => {
    source.logs.delete('orders 0')
    const plan = { ...planOf(unordered), everyTopic: true }
    source.refresh = () => {
      source.logs.set('fresh 0', { start: 0n, end: 0n, records: Buffer.alloc(0) })
      return Promise.resolve()
    }
    await expect(fencing().run(plan)).rejects.toThrow('topic fresh was created meanwhile')
  })
})

describe('a mixed plan', () => {
  test('has given the positions before its fence goes up, which holds the ordered topics alone', async () => {
    commit(source, 'billing', 'logs', [60n, 100n])
    let before = -1
    target.fault = (key) => {
      if (key === apis.offsetCommit.key) before = entries.length
      return undefined
    }
    await fencing().run(planOf(ordered, unordered))
    expect(before).toBe(0)
    expect(entries).toMatchObject([
      { kind: 'fence' },
      {
        kind: 'splice',
        partitions: [{ topic: 'orders', partition: 0, end: 50n, start: 3n }],
        starts: [0, 1, 2].map((partition) => ({ topic: 'logs', partition, start: t0 })),
      },
    ])
    expect(views.filter(({ held }) => held).map(({ topics }) => [...topics.keys()])).toContainEqual(
      ['orders'],
    )
    const loading = (topic: string) =>
      record.state.topics.get(topic)?.timelines.map((timeline) => retained.isLoading(timeline))
    expect([loading('orders'), loading('logs')]).toEqual([[true], Array(5).fill(false)])
  })
})

test('readers wait before the source is asked for the end that a splice has, until it is decided', async () => {
  const seen: string[] = []
  const lists = (): void => void seen.push(views.at(-1)?.settling === true ? 'waiting' : 'going on')
  const { listOffsets } = apis
  source.fault = (key) => {
    if (key === listOffsets.key && record.state.phase === 'fenced') lists()
    return undefined
  }
  await fencing().run(planOf(ordered))
  expect(record.state.phase).toBe('spliced')
  expect(new Set(seen.slice(0, seen.indexOf('waiting')))).toEqual(new Set(['going on']))
  expect(new Set(seen.slice(seen.indexOf('waiting')))).toEqual(new Set(['waiting']))
  expect(views.at(-1)).toMatchObject({ settling: false, spliced: true })
})

test('readers go on when the end could not be told, and wait again for the next', async () => {
  let asked = 0
  source.fault = (key) =>
    key === apis.listOffsets.key && views.at(-1)?.settling === true && asked++ === 0
      ? 'lost'
      : undefined
  await fencing().run(planOf(ordered))
  expect(record.state.phase).toBe('spliced')
  const turns = views.filter(({ settling }, i) => settling !== views[i - 1]?.settling)
  expect(turns.map(({ settling }) => settling)).toEqual([false, true, false, true, false])
})

test('a base of sequence numbers is kept under the partition that clients know', async () => {
  await fencing().run(planOf(unordered))
  const timelines = record.state.topics.get('logs')?.timelines ?? []
  for (const timeline of timelines) {
    bases.wanted({ timeline, producerId: 5n, producerEpoch: 0, base: 3 })
  }
  await record.settled()
  expect(entries.slice(1)).toMatchObject(
    timelines.map((_, partition) => ({ kind: 'sequence-base', topic: 'logs', partition, base: 3 })),
  )
  bases.active = true
  const known = timelines.map((timeline) =>
    bases.known({ timeline, producerId: 5n, producerEpoch: 0 }),
  )
  expect(known).toEqual([3, 3, 3, 3, 3])
})

describe('what was in flight to the source', () => {
  const batch = { producerId: 5n, producerEpoch: 0, firstSequence: 3, lastSequence: 4 }
  const written = encodeBatch({
    ...{ baseOffset: 98n, producerId: 5n, producerEpoch: 0, baseSequence: 3 },
    records: [0, 1].map(() => ({ timestamp: 0n, value: Buffer.from('v') })),
  })
  const found = () =>
    record.state.topics.get('logs')?.timelines.map((timeline) => retained.find(timeline, batch))

  beforeEach(async () => {
    source.logs.set('logs 1', { start: 0n, end: 98n, records: Buffer.alloc(0) })
    await producers.foresee([unordered])
    source.asked.length = 0
    source.logs.set('logs 1', { start: 0n, end: 100n, records: written })
  })

  test('is not looked for when every answer has come', async () => {
    await fencing().run(planOf(unordered))
    await producers.retainInFlight()
    expect(source.asked).not.toContain('Fetch')
  })

  test('is read when an answer was lost, so that it is not written again', async () => {
    produced = () => Promise.resolve(false)
    await fencing().run(planOf(unordered))
    await producers.retainInFlight()
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
  })

  test('is read when a connection was lost since the source was read', async () => {
    lostProduces = 1
    await fencing().run(planOf(unordered))
    await producers.retainInFlight()
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
  })

  test('is read when some of the source could not be read before, and again if it cannot at once', async () => {
    let asked = 0
    source.fault = (key) => (key === apis.listOffsets.key && asked++ < 2 ? 'lost' : undefined)
    await expect(producers.foresee([unordered])).rejects.toThrow()
    await fencing().run(planOf(unordered))
    asked = 1
    await producers.retainInFlight()
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
  })

  test('is known already of who lost an answer before: a sidecar may have been killed a moment ago', async () => {
    const plan = planOf(unordered)
    await producers.foresee(plan.topics)
    await fencing().run(plan)
    const kept = producers.retainInFlight()
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
    await kept
  })

  test('is read again when a fence for others ends: producers have gone on meanwhile', async () => {
    await fencing().run(planOf(ordered, unordered))
    const kept = producers.retainInFlight()
    expect(found()).toContain(98n)
    await kept
  })

  test('makes its producer wait while it is read', async () => {
    const answered = Promise.withResolvers<boolean>()
    produced = () => answered.promise
    await fencing().run(planOf(unordered))
    const kept = producers.retainInFlight()
    const isLoading = () => record.open.map(({ timeline }) => retained.isLoading(timeline))
    expect(isLoading()).toEqual([false, false])
    answered.resolve(false)
    await Promise.resolve()
    await Promise.resolve()
    expect(isLoading()).toEqual([true, true])
    await kept
    expect(isLoading()).toEqual([false, false])
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
  })

  test('is waited for behind a restart, when any answer may have been lost', async () => {
    await fencing().run(planOf(unordered))
    record.expectRetained()
    const [first] = record.open
    expect(first !== undefined && retained.isLoading(first.timeline)).toBe(true)
    await producers.retain({ restarted: true })
    expect(first !== undefined && retained.isLoading(first.timeline)).toBe(false)
    expect(found()).toEqual([undefined, 98n, undefined, undefined, undefined])
  })
})
