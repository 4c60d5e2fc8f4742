import { describe, expect, test } from 'vitest'
import { apis, zeroUuid } from '../../../src/protocol/index.ts'
import { topicIdOf, versionsOf } from '../given.ts'
import { decideOn, movedTable, targetIdOf, translate } from './given.ts'

const moved = movedTable()
const everything = movedTable({ view: { everyTopic: true } })
const done = movedTable({ view: { everyTopic: true, home: 'target' } })

describe('DeleteTopics', () => {
  const { deleteTopics } = apis
  test.each(versionsOf(deleteTopics))('v%i: each topic where it is', (version) => {
    const asked =
      version >= 6
        ? [
            { name: null, topicId: topicIdOf('orders') },
            { name: 'bills', topicId: zeroUuid },
          ]
        : ['orders', 'bills']
    const { parts, answer } = translate(
      moved,
      deleteTopics,
      version,
      version >= 6
        ? { topics: asked, timeoutMs: 5 }
        : { topicNames: asked as string[], timeoutMs: 5 },
      ({ body }) => ({
        responses:
          version >= 6
            ? body.topics.map((topic) => ({ ...topic, errorCode: 0 }))
            : body.topicNames.map((name) => ({ name, errorCode: 0 })),
      }),
    )
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['target', 12],
      ['source', 2],
    ])
    if (version >= 6) {
      expect(parts[0]?.body.topics).toEqual([{ name: null, topicId: targetIdOf('orders-v2') }])
      expect(answer.responses).toMatchObject([
        { name: null, topicId: topicIdOf('orders') },
        { name: 'bills' },
      ])
    } else {
      expect(parts[0]?.body.topicNames).toEqual(['orders-v2'])
      expect(answer.responses.map(({ name }) => name)).toEqual(['orders', 'bills'])
    }
  })
})

describe('CreateTopics', () => {
  const { createTopics } = apis
  const topic = (name: string) => ({
    name,
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
    configs: [],
  })
  test('a new one where new ones are created, with its brokers', () => {
    const { parts, answer } = translate(
      everything,
      createTopics,
      5,
      { topics: [topic('new'), topic('bills')], timeoutMs: 5 },
      ({ body }) => ({
        topics: body.topics.map(({ name }) => ({ name, errorCode: 0, configs: null })),
      }),
    )
    const asked = parts.map(({ cluster, node, body }) => [
      cluster,
      node,
      body.topics[0]?.name,
      body.topics[0]?.assignments[0]?.brokerIds,
    ])
    expect(asked).toEqual([
      ['target', 12, 'new', [11, 12]],
      ['source', 2, 'bills', [1, 2]],
    ])
    expect(answer.topics.map(({ name }) => name)).toEqual(['new', 'bills'])
  })

  test('on the source, while not everything moves', () => {
    const body = { topics: [topic('new')], timeoutMs: 5 }
    expect(decideOn(moved, createTopics, 5, body)).toMatchObject({
      kind: 'forward',
      to: { cluster: 'source', nodeId: 2 },
    })
  })
})

test.each(versionsOf(apis.createPartitions))('CreatePartitions v%i', (version) => {
  const { parts, answer } = translate(
    moved,
    apis.createPartitions,
    version,
    {
      topics: [{ name: 'orders', count: 4, assignments: [{ brokerIds: [2] }] }],
      timeoutMs: 5,
      validateOnly: true,
    },
    ({ body }) => ({
      throttleTimeMs: 0,
      results: body.topics.map(({ name }) => ({ name, errorCode: 37 })),
    }),
  )
  expect(parts).toMatchObject([
    {
      cluster: 'target',
      body: {
        validateOnly: true,
        topics: [{ name: 'orders-v2', count: 4, assignments: [{ brokerIds: [12] }] }],
      },
    },
  ])
  expect(answer.results).toMatchObject([{ name: 'orders', errorCode: 37 }])
})

test.each(versionsOf(apis.electLeaders))('ElectLeaders v%i', (version) => {
  const { parts, answer } = translate(
    moved,
    apis.electLeaders,
    version,
    { topicPartitions: [{ topic: 'orders', partitions: [0] }] },
    ({ body }) => ({
      throttleTimeMs: 0,
      replicaElectionResults: (body.topicPartitions ?? []).map(({ topic }) => ({
        topic,
        partitionResult: [],
      })),
    }),
  )
  expect(parts).toMatchObject([
    { cluster: 'target', body: { topicPartitions: [{ topic: 'orders-v2', partitions: [0] }] } },
  ])
  expect(answer.replicaElectionResults).toMatchObject([{ topic: 'orders' }])
})

test('reassignments name virtual brokers', () => {
  const altered = translate(
    moved,
    apis.alterPartitionReassignments,
    0,
    { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [2, 1] }] }] },
    ({ body }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      responses: body.topics.map(({ name }) => ({ name, partitions: [] })),
    }),
  )
  expect(altered.parts[0]?.body.topics[0]).toMatchObject({
    name: 'orders-v2',
    partitions: [{ replicas: [12, 11] }],
  })
  expect(altered.answer.responses).toMatchObject([{ name: 'orders' }])
  const listed = translate(
    moved,
    apis.listPartitionReassignments,
    0,
    { topics: [{ name: 'orders', partitionIndexes: [0] }] },
    ({ body }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      topics: (body.topics ?? []).map(({ name }) => ({
        name,
        partitions: [
          { partitionIndex: 0, replicas: [11, 12], addingReplicas: [12], removingReplicas: [] },
        ],
      })),
    }),
  )
  expect(listed.answer.topics).toMatchObject([
    { name: 'orders', partitions: [{ replicas: [1, 2], addingReplicas: [2] }] },
  ])
})

describe('configurations', () => {
  const { describeConfigs, alterConfigs, incrementalAlterConfigs } = apis
  const resources = [
    { resourceType: 2, resourceName: 'orders', configurationKeys: null },
    { resourceType: 4, resourceName: '2', configurationKeys: null },
    { resourceType: 2, resourceName: 'bills', configurationKeys: null },
  ]
  const described = (version: number, table = moved) =>
    translate(table, describeConfigs, version, { resources }, ({ cluster, body }) => ({
      throttleTimeMs: 0,
      results: body.resources.map((resource) => ({
        ...resource,
        errorCode: 0,
        errorMessage: null,
        configs: [
          {
            name: 'listeners',
            value: `${cluster}-${resource.resourceName}.internal:9092`,
            readOnly: true,
            isSensitive: false,
          },
        ],
      })),
    }))

  test.each(versionsOf(describeConfigs))('DescribeConfigs v%i: each where it is', (version) => {
    const { parts, answer } = described(version)
    const asked = parts.map(({ cluster, node, body }) => [
      cluster,
      node,
      body.resources.map(({ resourceName }) => resourceName),
    ])
    expect(asked).toEqual([
      ['target', -1, ['orders-v2']],
      ['source', 2, ['2']],
      ['source', -1, ['bills']],
    ])
    const shown = answer.results.map(({ resourceName }) => resourceName)
    expect(shown).toEqual(['orders', '2', 'bills'])
  })

  test('brokers are virtual ones, with their addresses, once everything has moved', () => {
    const { parts, answer } = described(4, done)
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['target', -1],
      ['target', 12],
    ])
    expect(parts[1]?.body.resources).toMatchObject([{ resourceName: '12' }])
    const broker = answer.results.find(({ resourceType }) => resourceType === 4)
    expect(broker).toMatchObject({
      resourceName: '2',
      configs: [{ value: 'localhost:19094' }],
    })
  })

  test('changes go to the controller of the cluster that has the topic', () => {
    const changed = resources.slice(0, 1).map(({ resourceType, resourceName }) => ({
      resourceType,
      resourceName,
      configs: [],
    }))
    const asked = { resources: changed, validateOnly: true }
    const altered = translate(moved, alterConfigs, 1, asked, ({ body }) => ({
      throttleTimeMs: 0,
      responses: body.resources.map((each) => ({ ...each, errorCode: 0, errorMessage: null })),
    }))
    const incremental = translate(moved, incrementalAlterConfigs, 1, asked, ({ body }) => ({
      throttleTimeMs: 0,
      responses: body.resources.map((each) => ({ ...each, errorCode: 0, errorMessage: null })),
    }))
    for (const { parts, answer } of [altered, incremental]) {
      expect(parts).toMatchObject([
        {
          cluster: 'target',
          node: 12,
          body: { validateOnly: true, resources: [{ resourceName: 'orders-v2' }] },
        },
      ])
      expect(answer.responses).toMatchObject([{ resourceType: 2, resourceName: 'orders' }])
    }
  })
})

describe('of everything, each cluster is asked for what it has', () => {
  const there = { source: ['orders', 'bills'], target: ['orders-v2', 'fresh', 'orders'] } as const

  test.each([
    ['a plan of some topics', moved, ['source 2', 'target 12'], ['bills', 'orders']],
    ['a plan of every topic', everything, ['source 2', 'target 12'], ['bills', 'orders', 'fresh']],
    ['the source is off', done, ['target 12'], ['orders', 'fresh']],
  ])('%s', (_, table, controllers, names) => {
    const elected = translate(
      table,
      apis.electLeaders,
      2,
      { topicPartitions: null },
      ({ cluster }) => ({
        throttleTimeMs: 0,
        replicaElectionResults: there[cluster].map((topic) => ({ topic, partitionResult: [] })),
      }),
    )
    expect(elected.parts.map(({ cluster, node }) => `${cluster} ${node}`)).toEqual(controllers)
    expect(elected.parts.map(({ body }) => body.topicPartitions)).toEqual(
      controllers.map(() => null),
    )
    expect(elected.answer.replicaElectionResults.map(({ topic }) => topic)).toEqual(names)

    const listed = translate(
      table,
      apis.listPartitionReassignments,
      0,
      { topics: null },
      ({ cluster, node }) => ({
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        topics: there[cluster].map((name) => ({
          name,
          partitions: [
            {
              partitionIndex: 0,
              replicas: [node],
              addingReplicas: [node],
              removingReplicas: [],
            },
          ],
        })),
      }),
    )
    expect(listed.parts.map(({ body }) => body.topics)).toEqual(controllers.map(() => null))
    expect(listed.answer.topics.map(({ name }) => name)).toEqual(names)
    for (const { partitions } of listed.answer.topics) {
      expect(partitions).toMatchObject([{ replicas: [2], addingReplicas: [2] }])
    }
  })

  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, apis.electLeaders, 2, { topicPartitions: null })).toMatchObject({
      kind: 'forward',
      to: { cluster: 'source', nodeId: 2 },
    })
  })
})
