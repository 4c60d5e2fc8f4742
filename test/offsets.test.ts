import { describe, expect, it } from 'vitest'
import { offsetsIn } from '../src/offsets.ts'
import { initialState, sourceTimeline, splice, type MigrationState } from '../src/router/index.ts'

const timeline = splice(sourceTimeline('orders', 0), {
  end: 100n,
  next: { cluster: 'target', topic: 'orders-v2', partition: 0, start: 7n },
})
const spliced: MigrationState = {
  ...initialState,
  phase: 'spliced',
  topics: new Map([
    ['orders', { name: 'orders', targetName: 'orders-v2', topicId: null, timelines: [timeline] }],
  ]),
}

describe('a position that an application keeps itself', () => {
  const partitions = 2

  it('is translated', () => {
    expect(offsetsIn(spliced, 'orders', 0, 101n, partitions)).toEqual({
      kind: 'known',
      value: {
        topic: 'orders',
        partition: 0,
        offset: 101,
        source: null,
        target: { topic: 'orders-v2', partition: 0, offset: 8 },
      },
    })
  })

  it.each([
    ['before a cutover', initialState, 'orders'],
    ['outside the plan', spliced, 'bills'],
  ])("is the source's own %s", (_, state, topic) => {
    const place = { topic, partition: 1, offset: 5 }
    expect(offsetsIn(state, topic, 1, 5n, partitions)).toEqual({
      kind: 'known',
      value: { ...place, source: place, target: null },
    })
  })

  it.each([
    [initialState, 'orders', 2, partitions, 'topic orders has partitions 0 to 1'],
    [initialState, 'bills', 0, undefined, 'topic bills is not known on the source'],
    [spliced, 'bills', 0, undefined, 'topic bills is not known on the source'],
    [
      { ...spliced, everyTopic: true },
      'bills',
      0,
      partitions,
      'topic bills was not there when the plan was made',
    ],
    [spliced, 'orders', 1, partitions, 'topic orders has partitions 0 to 0'],
  ])('is not known: %#', (state, topic, partition, sourcePartitions, error) => {
    const found = offsetsIn(state, topic, partition, 5n, sourcePartitions)
    expect(found).toMatchObject({
      kind: 'unknown',
      error: expect.stringContaining(error) as string,
    })
  })
})
