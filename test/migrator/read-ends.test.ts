import { expect, test } from 'vitest'
import { ReadEnds } from '../../src/migrator/read-ends.ts'
import { Tail } from '../../src/migrator/groups/index.ts'
import type { Entry } from '../../src/router/index.ts'
import { after, drained, group } from '../router/migration/given.ts'
import { sourceEnd, World } from './groups/world.ts'

const flip: Entry = {
  ...{ kind: 'flip', fence: 1, at: 1, clusterId: null, everyTopic: true },
  topics: [
    { name: 'orders', targetName: 'orders', topicId: null, partitions: 2, targetPartitions: 1 },
  ],
  starts: [{ topic: 'orders', partition: 0, start: 0n }],
}
const moved = (name: string): readonly Entry[] => [group('moving', name), group('moved', name)]
const state = after(
  ...[flip, ...moved('billing'), ...moved('mail'), group('forgotten', 'old'), drained],
)

test('what every group has read that moved: the least of what they committed, or the end', async () => {
  const { source } = new World()
  const { ends } = new Tail(source)
  const commit = (name: string, partition: number, offset: bigint) => {
    const stored = { offset, leaderEpoch: -1, metadata: '' }
    source.group(name).offsets.commit('orders', partition, stored)
  }
  commit('billing', 0, 90n)
  commit('mail', 0, 80n)
  // It has given up what it had not read.
  commit('old', 0, 3n)
  commit('old', 1, 3n)
  const readEnds = new ReadEnds(source)
  await expect(readEnds.of(state, ends)).rejects.toThrow('is not known')
  await ends.look(state.topics, 0)
  expect(await readEnds.of(state, ends)).toEqual([
    { topic: 'orders', partition: 0, end: 80n },
    { topic: 'orders', partition: 1, end: sourceEnd },
  ])
  expect(await readEnds.of({ ...state, phase: 'spliced' }, ends)).toBeUndefined()
})
