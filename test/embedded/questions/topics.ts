import { apis, type RequestInput } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { fetch } from './fetch.ts'
import { topic, type Answers } from './given.ts'

export async function askTopics(asked: RawClient): Promise<Answers> {
  type Asked = Partial<RequestInput<typeof apis.createTopics>['topics'][number]>
  const create = async (...asks: readonly Asked[]) => {
    const topics = asks.map((ask) => ({
      ...{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ...ask,
    }))
    const request = { topics, timeoutMs: 10_000, validateOnly: true }
    const answer = await asked.ask(apis.createTopics, 5, request)
    return answer.topics.map(({ errorCode }) => errorCode).sort()
  }
  const grow = async (name: string, count: number) => {
    const topics = [{ name, count, assignments: null }]
    const request = { topics, timeoutMs: 10_000, validateOnly: true }
    return (await asked.ask(apis.createPartitions, 1, request)).results[0]?.errorCode
  }
  const trim = async (offset: bigint, partitionIndex = 0) => {
    const topics = [{ name: topic, partitions: [{ partitionIndex, offset }] }]
    const answer = await asked.ask(apis.deleteRecords, 1, { topics, timeoutMs: 10_000 })
    const found = answer.topics[0]?.partitions[0]
    return [found?.errorCode, found?.lowWatermark]
  }
  const configsOf = async (resourceType: number, resourceName: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: ['cleanup.policy'] }]
    const answer = await asked.ask(apis.describeConfigs, 1, { resources })
    return answer.results.map((each) => [
      each.errorCode,
      each.configs.map(({ name, value, configSource }) => [name, value, configSource]),
    ])
  }
  const alter = async (name: string, value: string | null, configOperation = 0, to = topic) => {
    const configs = [{ name, value, configOperation }]
    const resources = [{ resourceType: 2, resourceName: to, configs }]
    const answer = await asked.ask(apis.incrementalAlterConfigs, 0, {
      resources,
      validateOnly: true,
    })
    return answer.responses[0]?.errorCode
  }
  const remove = await asked.ask(apis.deleteTopics, 4, {
    ...{ topicNames: ['nowhere'], timeoutMs: 10_000 },
  })
  return {
    'create: new': await create({}),
    'create: there already': await create({ name: topic }),
    'create: illegal name': await create({ name: 'a b' }),
    'create: no partitions': await create({ numPartitions: 0 }),
    'create: too many replicas': await create({ replicationFactor: 5 }),
    'create: no replicas': await create({ replicationFactor: 0 }),
    'create: twice': await create({}, {}),
    'create: unknown configuration': await create({ configs: [{ name: 'x', value: '1' }] }),
    'create: bad configuration': await create({ configs: [{ name: 'retention.ms', value: 'x' }] }),
    'create: assigned and counted': await create({
      assignments: [{ partitionIndex: 0, brokerIds: [1] }],
    }),
    'create: assigned to a stranger': await create({
      ...{ numPartitions: -1, replicationFactor: -1 },
      assignments: [{ partitionIndex: 0, brokerIds: [77] }],
    }),
    'grow: more': await grow(topic, 3),
    'grow: as many': await grow(topic, 2),
    'grow: fewer': await grow(topic, 1),
    'grow: unknown': await grow('nowhere', 3),
    'delete records: beyond': await trim(1_000n),
    'delete records: some': await trim(1n),
    'delete records: before that': await trim(0n),
    'delete records: unknown partition': await trim(0n, 9),
    'delete topic: unknown': remove.responses.map(({ errorCode }) => errorCode),
    'configs: of a topic': await configsOf(2, topic),
    'configs: of an unknown topic': await configsOf(2, 'nowhere'),
    'alter: known': await alter('retention.ms', '5'),
    'alter: delete': await alter('retention.ms', null, 1),
    'alter: unknown': await alter('x', '5'),
    'alter: bad value': await alter('retention.ms', 'x'),
    'alter: unknown topic': await alter('retention.ms', '5', 0, 'nowhere'),
    'fetch: before the start that was moved': await fetch(asked, { fetchOffset: 0n }),
  }
}
