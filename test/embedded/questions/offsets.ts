import { apis } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, type Answers } from './given.ts'

export async function askOffsets(asked: RawClient): Promise<Answers> {
  const answers: Answers = {}
  const list = async (timestamp: bigint, version: number, partition = 0, epoch = -1) => {
    const partitions = [{ partitionIndex: partition, timestamp, currentLeaderEpoch: epoch }]
    const answer = await asked.ask(apis.listOffsets, version, {
      ...{ replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] },
    })
    const found = answer.topics[0]?.partitions[0]
    return [found?.errorCode, found?.timestamp, found?.offset, found?.leaderEpoch]
  }
  for (const timestamp of [-1n, -2n, 0n, 1001n, 5000n])
    for (const version of [1, 5])
      answers[`list offsets: ${timestamp} in version ${version}`] = await list(timestamp, version)
  answers['list offsets: greatest timestamp'] = await list(-3n, 7)
  answers['list offsets: unknown partition'] = await list(-1n, 5, 9)
  answers['list offsets: epoch too new'] = await list(-1n, 5, 0, 9)
  for (const leaderEpoch of [0, 3, -1]) {
    const partitions = [{ partition: 0, leaderEpoch }]
    const answer = await asked.ask(apis.offsetForLeaderEpoch, 3, {
      topics: [{ topic, partitions }],
    })
    answers[`end of epoch ${leaderEpoch}`] = answer.topics[0]?.partitions
  }
  return answers
}
