import { apis } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, unknownId, type Answers } from './given.ts'

export async function askMetadata(asked: RawClient): Promise<Answers> {
  const errorOf = async (name: string, version = 9) => {
    const topics = [{ name }]
    const answer = await asked.ask(apis.metadata, version, {
      topics,
      allowAutoTopicCreation: false,
    })
    return answer.topics.map(({ errorCode }) => errorCode)
  }
  const byId = await asked.ask(apis.metadata, 12, { topics: [{ topicId: unknownId, name: null }] })
  const known = await asked.ask(apis.metadata, 9, {
    topics: [{ name: topic }],
    includeTopicAuthorizedOperations: true,
  })
  const coordinator = await asked.ask(apis.findCoordinator, 3, { keyType: 9, key: 'x' })
  const none = await asked.ask(apis.metadata, 9, { topics: [] })
  const versions = await asked.ask(apis.apiVersions, 3, {
    clientSoftwareName: '-bad-',
    clientSoftwareVersion: '',
  })
  return {
    'metadata of an unknown topic': await errorOf('nowhere'),
    'metadata of an illegal name': await errorOf('a b'),
    'metadata of an unknown id': byId.topics.map(({ errorCode, name }) => [errorCode, name]),
    'metadata of a known topic': known.topics.map((each) => [
      each.errorCode,
      each.topicAuthorizedOperations,
      each.partitions
        .map(({ errorCode, leaderEpoch, partitionIndex }) => [
          ...[partitionIndex, errorCode, leaderEpoch],
        ])
        .sort(),
    ]),
    'metadata of no topic': none.topics.length,
    'coordinator of an unknown kind': coordinator.errorCode,
    'a bad software name': versions.errorCode,
  }
}
