import { expect, test } from 'vitest'
import { apis } from '../../../src/protocol/index.ts'
import { moveFetch, type Readings } from '../../../src/router/index.ts'
import { requestOf } from '../given.ts'
import { movedTable, sourceEnd } from '../translations/given.ts'

const nothingKnown: Readings = {
  exhaustedFrom: () => undefined,
  emptyAt() {},
  endOf: () => undefined,
  endSeen() {},
  positionSeen() {},
  gone: () => false,
}

const options = {
  splitFetchWaitMs: 100,
  gatheredBytesMax: 1_000,
  readings: nothingKnown,
  reader: {},
}

const fetch = (version: number, topic: { topic: string } | { topicId: string }) =>
  requestOf(apis.fetch, version, {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [
      {
        ...topic,
        partitions: [{ partition: 0, fetchOffset: sourceEnd, partitionMaxBytes: 1_000 }],
      },
    ],
  })

test('a topic that has another name on the target is gathered, for its name to be told', () => {
  expect(moveFetch(movedTable(), fetch(12, { topic: 'orders' }), options).kind).toBe('translate')
})

test('ids take the same space everywhere, and stream', () => {
  const table = movedTable()
  const [topicId] = [...table.topicNames].find(([, name]) => name === 'orders') ?? []
  if (topicId === undefined) throw new Error('orders has an id')
  expect(moveFetch(table, fetch(13, { topicId }), options).kind).toBe('stream')
})
