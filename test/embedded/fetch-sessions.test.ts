import { beforeEach, describe, expect, test } from 'vitest'
import {
  FetchSessions,
  type FetchContext,
  type SessionAsk,
  type WantedPartition,
} from '../../src/embedded/fetch-sessions.ts'
import { errorCodes } from '../../src/protocol/index.ts'

let sessions: FetchSessions
beforeEach(() => {
  sessions = new FetchSessions(2)
})

const wanted = (partition: number, fetchOffset = 0n): WantedPartition => ({
  topic: 'orders',
  topicId: '',
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 1000,
})

const ask = (overrides: Partial<SessionAsk>) =>
  sessions.open({
    sessionId: 0,
    sessionEpoch: 0,
    usesTopicIds: false,
    wanted: [],
    forgotten: [],
    ...overrides,
  })

function opened(overrides: Partial<SessionAsk>): FetchContext {
  const context = ask(overrides)
  if (context.kind !== 'context') throw new Error(`refused with ${context.errorCode}`)
  return context
}

const refusal = (overrides: Partial<SessionAsk>) => {
  const context = ask(overrides)
  return context.kind === 'refused' ? context.errorCode : 0
}

const nothingNew = { errorCode: 0, highWatermark: 5n, logStartOffset: 0n, recordBytes: 0 }
const partitionsOf = (context: FetchContext) => context.wanted.map(({ partition }) => partition)

describe('fetch sessions', () => {
  test('answer a full fetch in full, and later only what is new', () => {
    const full = opened({ wanted: [wanted(0), wanted(1)] })
    expect(full.sessionId).toBe(1)
    for (const each of full.wanted) expect(full.isNews(each, nothingNew)).toBe(true)
    const next = opened({ sessionId: 1, sessionEpoch: 1 })
    expect(partitionsOf(next)).toEqual([0, 1])
    const [first] = next.wanted
    if (first === undefined) throw new Error('no partition')
    expect(next.isNews(first, nothingNew)).toBe(false)
    expect(next.isNews(first, { ...nothingNew, highWatermark: 6n })).toBe(true)
    expect(next.isNews(first, { ...nothingNew, highWatermark: 6n })).toBe(false)
    expect(next.isNews(first, { ...nothingNew, highWatermark: 6n, logStartOffset: 2n })).toBe(true)
    const failed = { ...nothingNew, highWatermark: -1n, errorCode: 6 }
    expect([next.isNews(first, failed), next.isNews(first, failed)]).toEqual([true, true])
    expect(next.isNews(first, nothingNew)).toBe(true)
  })

  test('remember changed positions and forget partitions', () => {
    opened({ wanted: [wanted(0), wanted(1)] })
    const next = opened({
      sessionId: 1,
      sessionEpoch: 1,
      wanted: [wanted(0, 9n), wanted(2)],
      forgotten: [wanted(1)],
    })
    expect(next.wanted.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([
      [0, 9n],
      [2, 0n],
    ])
  })

  test('put a partition that got records behind the others', () => {
    const full = opened({ wanted: [wanted(0), wanted(1)] })
    const [first] = full.wanted
    if (first === undefined) throw new Error('no partition')
    full.isNews(first, { ...nothingNew, recordBytes: 10 })
    expect(partitionsOf(opened({ sessionId: 1, sessionEpoch: 1 }))).toEqual([1, 0])
  })

  test('refuse unknown ids, wrong epochs, and a change between names and ids', () => {
    opened({ wanted: [wanted(0)] })
    expect(refusal({ sessionId: 9, sessionEpoch: 1 })).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
    expect(refusal({ sessionId: 1, sessionEpoch: 2 })).toBe(errorCodes.INVALID_FETCH_SESSION_EPOCH)
    expect(refusal({ sessionId: 1, sessionEpoch: 1, usesTopicIds: true })).toBe(
      errorCodes.FETCH_SESSION_TOPIC_ID_ERROR,
    )
    expect(refusal({ sessionId: 1, sessionEpoch: 1 })).toBe(0)
  })

  test('end with epoch -1, and are not made beyond their number', () => {
    expect(opened({ sessionEpoch: -1, wanted: [wanted(0)] }).sessionId).toBe(0)
    expect([opened({}).sessionId, opened({}).sessionId, opened({}).sessionId]).toEqual([1, 2, 0])
    expect(opened({ sessionId: 1, sessionEpoch: -1, wanted: [wanted(0)] }).sessionId).toBe(0)
    expect(sessions.size).toBe(1)
    expect(refusal({ sessionId: 1, sessionEpoch: 1 })).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  })
})
