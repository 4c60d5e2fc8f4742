import { describe, expect, test } from 'vitest'
import { latePaths } from '../../src/migrator/late-paths.ts'
import { apply, type Entry } from '../../src/router/index.ts'
import { after, drained, fence, group, splice } from '../router/migration/given.ts'

/** Five partitions of the source are written to two of the target. */
const flip: Entry = {
  ...{ kind: 'flip', fence: 1, at: 1, clusterId: null, everyTopic: true },
  topics: [
    { name: 'logs', targetName: 'logs-v2', topicId: null, partitions: 5, targetPartitions: 2 },
  ],
  starts: [0, 1].map((partition) => ({ topic: 'logs', partition, start: 7n })),
}
const read = [0, 1, 2, 3, 4].map((partition) => ({
  ...{ topic: 'logs', partition },
  end: BigInt(100 + partition),
}))
const target: Entry = { kind: 'target', at: 3, read }
const moved = [group('moving'), group('moved')]

describe('what is carried', () => {
  test('of an ordered topic lies behind its splice', () => {
    expect(latePaths(after(fence))).toEqual([])
    expect(latePaths(after(fence, splice))[0]).toMatchObject({
      ...{ topic: 'orders', partition: 0, from: 100n, namespace: 1 },
      source: { topic: 'orders', partition: 0 },
      target: { topic: 'orders-v2', partition: 0 },
    })
    expect(latePaths(after(fence, splice))).toHaveLength(3)
  })

  test('of an unordered topic is what its groups have not read, each partition in its lane', () => {
    expect(latePaths(after(flip, ...moved, drained))).toEqual([])
    const paths = latePaths(after(flip, ...moved, drained, target))
    expect(paths.map(({ from }) => from)).toEqual([100n, 101n, 102n, 103n, 104n])
    expect(paths.map(({ source }) => source.partition)).toEqual([0, 1, 2, 3, 4])
    expect(paths.map((path) => path.target.partition)).toEqual([0, 1, 0, 1, 0])
    expect(paths.map(({ namespace }) => namespace)).toEqual([2, 2, 3, 3, 4])
    expect(paths[3]?.target).toMatchObject({ cluster: 'target', topic: 'logs-v2' })
  })

  test('of an unordered topic is nothing while a group reads there, and goes on when it has moved', () => {
    const left = [flip, ...moved, group('left', 'mail'), drained, target]
    expect(latePaths(after(...left))).toEqual([])
    expect(latePaths(after(...left, group('moving', 'mail')))).toEqual([])
    const back = [group('moving', 'mail'), group('moved', 'mail')]
    expect(latePaths(after(...left, ...back))).toHaveLength(5)
  })

  test('goes on where the journal says that it stands', () => {
    const carried = { kind: 'carried', topic: 'logs', partition: 3, sourceEnd: 110n } as const
    const state = after(flip, drained, target, carried)
    expect(latePaths(state)[3]?.from).toBe(110n)
    expect(apply(state, { ...carried, sourceEnd: 109n }).ok).toBe(false)
    expect(apply(after(flip), carried).ok).toBe(false)
  })

  test('is none of a partition that the source has not', () => {
    const other: Entry = { ...target, read: [{ topic: 'logs', partition: 5, end: 0n }] }
    expect(apply(after(flip, drained), other).ok).toBe(false)
  })
})
