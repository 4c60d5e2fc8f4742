import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findTransactions } from '../../../src/migrator/preflight/transactions.ts'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import { minutes, nowMs, Source } from './coordinator.ts'

const plan = [{ name: 'orders', targetName: 'orders', topicId: null, partitions: 2 }]
let source: Source

const find = async () =>
  (await findTransactions(source, plan, nowMs)).map(({ severity, subject, problem, evidence }) => {
    return `${severity} ${subject}: ${problem} (${evidence})`
  })
const wrote = (evidence: string) =>
  `blocking transactional id billing: it wrote to a topic of the plan within the last 10 minutes (${evidence})`
const open = (evidence: string) =>
  `blocking transactional id billing: it has an open transaction on a topic of the plan (${evidence})`
const openOn = (partition: number, why: string) =>
  `blocking topic orders: a transaction is open on it (partition ${partition}: last stable offset 4, end 10; its transactional id is not known: ${why})`
const unseen = (evidence: string) =>
  `warning transactional producers: one that is between two transactions may not be seen: the source does not tell of all (${evidence})`

const orders = (...partitions: number[]) => ({ partitions: { orders: partitions } })
/** A transaction on these partitions that was committed so long ago. */
const committed = (agoMs: number, partitions: Record<string, number[]>) => [
  { id: 'billing', agoMs: agoMs + 20, state: 'Ongoing', partitions },
  { id: 'billing', agoMs: agoMs + 10, state: 'PrepareCommit', partitions },
  { id: 'billing', agoMs, state: 'CompleteCommit' },
]

describe('a source before 2.8 tells ids by the log of its coordinators', () => {
  beforeEach(() => {
    source = new Source()
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each(['Ongoing', 'PrepareCommit', 'PrepareAbort'])(
    'an open transaction: %s',
    async (state) => {
      source.write([
        { id: 'billing', agoMs: minutes(1), state: 'Empty' },
        { id: 'billing', agoMs: 10, state, ...orders(1) },
      ])
      source.lastStable.set('orders 1', 4n)
      expect(await find()).toEqual([open(`its coordinator's log names orders-1, state ${state}`)])
    },
  )

  test('a producer on an unordered topic', async () => {
    source.write(committed(minutes(9), { orders: [1] }))
    const topics = plan.map((topic) => ({ ...topic, targetPartitions: 3 }))
    expect(await findTransactions(source, topics, nowMs)).toMatchObject([
      { severity: 'blocking', subject: 'transactional id billing' },
    ])
  })

  test('one that is open for long', async () => {
    source.write([{ id: 'billing', agoMs: minutes(20), state: 'Ongoing', ...orders(0) }])
    expect(await find()).toEqual([open("its coordinator's log names orders-0, state Ongoing")])
  })

  test('a producer between two transactions', async () => {
    source.write(committed(minutes(9), { bills: [0], orders: [1] }))
    const evidence = "its coordinator's log names orders-1, state CompleteCommit"
    expect(await find()).toEqual([wrote(evidence)])
  })

  test('an open transaction comes before what was', async () => {
    source.write([
      ...committed(minutes(3), { orders: [0] }),
      { id: 'billing', agoMs: 10, state: 'Ongoing', ...orders(1) },
    ])
    expect(await find()).toEqual([open("its coordinator's log names orders-1, state Ongoing")])
  })

  test('a producer that is at other topics now, and was at those of the plan before', async () => {
    source.write([
      ...committed(minutes(3), { orders: [0] }),
      { id: 'billing', agoMs: 10, state: 'Ongoing', partitions: { bills: [0] } },
    ])
    expect(await find()).toEqual([wrote("its coordinator's log names orders-0, state Ongoing")])
  })

  test('an idle one does not refuse, nor one of other topics, nor one that has begun nothing', async () => {
    source.write([
      ...committed(minutes(11), { orders: [0, 1] }),
      ...committed(minutes(1), { bills: [0] }).map((step) => ({ ...step, id: 'other' })),
      { id: 'fresh', agoMs: 10, state: 'Empty' },
    ])
    expect(await find()).toEqual([])
  })

  test.each([null, 'Dead'])('nor one that has expired: %s', async (state) => {
    source.write([...committed(minutes(1), { orders: [0] }), { id: 'billing', agoMs: 10, state }])
    expect(await find()).toEqual([])
  })

  test('a source without such a log never had a transaction, and is not made to have one', async () => {
    expect(await find()).toEqual([])
    expect(new Set(source.asked)).toEqual(new Set(['ListOffsets', 'OffsetForLeaderEpoch']))
  })

  test('what is old is not read', async () => {
    source.write([
      { id: 'old', agoMs: minutes(26), state: 'Ongoing', ...orders(0) },
      ...committed(minutes(11), { orders: [1] }),
    ])
    source.lastStable.set('orders 0', 4n)
    expect(await find()).toEqual([openOn(0, 'no id that the source tells of has it open')])
  })
})

describe('what the log does not tell is not claimed', () => {
  beforeEach(() => {
    source = new Source()
    source.lastStable.set('orders 1', 4n)
  })

  test('a log that may not be read', async () => {
    source.write(committed(10, { orders: [0] }))
    source.refuseFetch(errorCodes.TOPIC_AUTHORIZATION_FAILED)
    const why = '__transaction_state-0 of the source was answered TOPIC_AUTHORIZATION_FAILED'
    expect(await find()).toEqual([openOn(1, why), unseen(why)])
  })

  test('a log that may not be described', async () => {
    const { listOffsets, fetch } = apis
    source.on(listOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: name === 'orders' ? 0 : errorCodes.TOPIC_AUTHORIZATION_FAILED,
          offset: 10n,
        })),
      })),
    }))
    expect(await find()).toEqual([
      unseen('__transaction_state is not listed: TOPIC_AUTHORIZATION_FAILED'),
    ])
    expect(source.asked).not.toContain(fetch.name)
  })

  test('what may be over the next time is no finding', async () => {
    source.write(committed(10, { orders: [0] }))
    source.refuseFetch(errorCodes.NOT_LEADER_OR_FOLLOWER)
    await expect(find()).rejects.toThrow(
      '__transaction_state-0 of the source was answered NOT_LEADER_OR_FOLLOWER',
    )
  })

  test('a log that does not come to its end', async () => {
    source.write(committed(10, { orders: [0] }))
    source.refuseFetch(errorCodes.NONE)
    await expect(find()).rejects.toThrow('is not readable to its end yet')
  })

  test('a log that is too long: its last records are read', async () => {
    source.lastStable.clear()
    source.write([
      { ...{ id: 'before', offset: 0n }, agoMs: minutes(2), state: 'Ongoing', ...orders(0) },
      { ...{ id: 'billing', offset: 20_001n }, agoMs: minutes(1), state: 'Ongoing', ...orders(1) },
    ])
    const seen = open("its coordinator's log names orders-1, state Ongoing")
    const only = '__transaction_state-0: only its last 20000 records were read'
    expect(await find()).toEqual([seen, unseen(only)])
  })

  test('a log that takes too long', async () => {
    source.write(committed(10, { orders: [1] }))
    const times = [0, 10_001]
    vi.spyOn(performance, 'now').mockImplementation(() => times.shift() ?? 10_001)
    const why = '__transaction_state-0: it was read up to 0 of 3 in 10 s'
    expect(await find()).toEqual([openOn(1, why), unseen(why)])
  })

  test('a log that is written in another way', async () => {
    source.write([...committed(10, { orders: [1] }), { id: 'other', agoMs: 1, state: 'Newer' }])
    const why = '__transaction_state-0: transaction status -1 is not known'
    expect((await find()).at(-1)).toBe(unseen(why))
  })

  test('a log of which compaction has left an id its last record', async () => {
    source.lastStable.clear()
    source.write([{ id: 'billing', agoMs: minutes(1), state: 'CompleteCommit' }])
    expect(await find()).toEqual([
      unseen('transactional id billing has ended a transaction, its log tells no more on what'),
    ])
    source.write([{ id: 'billing', agoMs: minutes(11), state: 'CompleteCommit' }])
    expect(await find()).toEqual([])
  })
})

describe.each([
  ['since 2.8 tells of producers, by their ids', [apis.describeProducers]],
  ['since 3.0 tells of ids, too', [apis.listTransactions, apis.describeProducers]],
])('a source %s', (_, offers) => {
  const state = offers.length === 2 ? 'Ongoing' : 'CompleteCommit'

  beforeEach(() => {
    source = new Source(...offers)
    // As compaction leaves it.
    source.write([{ id: 'billing', agoMs: minutes(9), state: 'CompleteCommit', producerId: 42n }])
    source.on(apis.listTransactions, () => ({
      ...{ throttleTimeMs: 0, errorCode: 0, unknownStateFilters: [] },
      transactionStates: [{ transactionalId: 'billing', producerId: 42n, transactionState: state }],
    }))
  })

  test('that wrote lately', async () => {
    source.describe(42n, minutes(9))
    expect(await find()).toEqual([wrote(`producer of orders-1, state ${state}`)])
  })

  test('that have a transaction open, for however long', async () => {
    source.describe(42n, minutes(30), 4n)
    source.lastStable.set('orders 1', 4n)
    expect(await find()).toEqual([open(`producer of orders-1, state ${state}`)])
  })

  test('that are idle, or not transactional', async () => {
    source.describe(42n, minutes(11))
    expect(await find()).toEqual([])
    source.describe(43n, minutes(1))
    expect(await find()).toEqual([])
  })

  test('and an open transaction of an id that is not told', async () => {
    source.describe(43n, minutes(1), 4n)
    source.lastStable.set('orders 1', 4n)
    expect(await find()).toEqual([openOn(1, 'no id that the source tells of has it open')])
  })

  test('or says that it cannot', async () => {
    source.describe(42n, minutes(1), -1n, errorCodes.TOPIC_AUTHORIZATION_FAILED)
    expect(await find()).toEqual([
      unseen('orders-1 answered TOPIC_AUTHORIZATION_FAILED to DescribeProducers'),
    ])
  })
})

test('a coordinator that is being loaded does not tell its ids', async () => {
  source = new Source(apis.listTransactions, apis.describeProducers)
  source.on(apis.listTransactions, () => ({
    ...{ throttleTimeMs: 0, errorCode: errorCodes.COORDINATOR_LOAD_IN_PROGRESS },
    unknownStateFilters: [],
    transactionStates: [],
  }))
  expect(await find()).toEqual([
    unseen('broker 1 answered COORDINATOR_LOAD_IN_PROGRESS to ListTransactions'),
  ])
})
