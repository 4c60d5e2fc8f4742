import { beforeEach, expect, test } from 'vitest'
import { TopicsRead } from '../../src/proxy/topics-read.ts'

let nowMs: number
let read: TopicsRead

beforeEach(() => {
  nowMs = 0
  read = new TopicsRead(() => nowMs)
})

const note = (topics: readonly string[], isIncremental = false): void =>
  read.note(topics, isIncremental, () => 'app')
const topics = (): readonly string[] | undefined => read.reading && [...read.reading.topics]

test('nothing, before a Fetch has come', () => {
  expect(read.reading).toBe(undefined)
  note([])
  expect(read.reading).toBe(undefined)
})

test('what a whole Fetch names takes the place of what was read before', () => {
  note(['orders', 'bills'])
  expect(read.reading).toMatchObject({ clientId: 'app' })
  note(['bills'])
  expect(topics()).toEqual(['bills'])
})

test('what an incremental one names comes to it', () => {
  note(['orders'])
  note([], true)
  note(['bills'], true)
  expect(topics()).toEqual(['orders', 'bills'])
})

test('who has not fetched for ten seconds reads no more', () => {
  note(['orders'])
  nowMs = 10_000
  expect(topics()).toEqual(['orders'])
  nowMs = 10_001
  expect(read.reading).toBe(undefined)
})
