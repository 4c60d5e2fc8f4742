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
  it('is translated', () => {
    expect(offsetsIn(spliced, 'orders', 0, 101n)).toEqual({
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
    [
      initialState,
      'orders',
      0,
      "nothing has moved: the offsets of topic orders are the source's own",
    ],
    [spliced, 'bills', 0, "topic bills is not in the plan: its offsets are the source's own"],
    [
      { ...spliced, everyTopic: true },
      'bills',
      0,
      'topic bills was not there when the plan was made',
    ],
    [spliced, 'orders', 1, 'topic orders has partitions 0 to 0'],
  ])('is not known: %#', (state, topic, partition, error) => {
    const found = offsetsIn(state, topic, partition, 5n)
    expect(found).toMatchObject({
      kind: 'unknown',
      error: expect.stringContaining(error) as string,
    })
  })
})
