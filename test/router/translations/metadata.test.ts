import { describe, expect, test } from 'vitest'
import { apis, errorCodes, zeroUuid } from '../../../src/protocol/index.ts'
import { bootstrapPort, topicIdOf, versionsOf } from '../given.ts'
import {
  decideOn,
  epochBase,
  metadataOf,
  movedTable,
  sourceTopics,
  targetIdOf,
  targetTopics,
  translate,
  type AskedPart,
} from './given.ts'

const { metadata, describeCluster } = apis
type Part = AskedPart<typeof metadata.request.fields>

const known = {
  source: metadataOf('source', [1, 2, 3], sourceTopics, topicIdOf),
  target: metadataOf('target', [11, 12], targetTopics, targetIdOf),
}

/** Answers as a broker does: what it is asked for, or that it does not know it. */
const answers = ({ cluster, body }: Part, version: number) => {
  const { topics, ...rest } = known[cluster]
  const isEvery = body.topics === null || (version === 0 && body.topics.length === 0)
  const asked = body.topics?.map(
    ({ name, topicId }) =>
      topics.find((topic) => (name === null ? topic.topicId === topicId : topic.name === name)) ?? {
        errorCode:
          name === null ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        name,
        topicId,
        partitions: [],
      },
  )
  return { ...rest, topics: isEvery ? topics : (asked ?? []) }
}

const named = (...names: string[]) => names.map((name) => ({ name, topicId: zeroUuid }))

const ask = (
  version: number,
  topics: { name: string | null; topicId: string }[] | null,
  table = movedTable(),
) =>
  translate(
    table,
    metadata,
    version,
    { topics: topics === null && version === 0 ? [] : topics },
    (part) => answers(part, version),
  )

describe('Metadata', () => {
  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    expect(decideOn(table, metadata, 12, { topics: null })).toEqual({ kind: 'forward', to: 'any' })
  })

  test.each(versionsOf(metadata))('v%i: every topic, of both clusters, as one', (version) => {
    const { answer, parts } = ask(version, null)
    expect(parts.map(({ cluster, node }) => [cluster, node])).toEqual([
      ['source', -1],
      ['target', -1],
    ])
    expect(answer.topics.map(({ name }) => name).sort()).toEqual(['bills', 'orders'])
    expect(answer.brokers.map(({ nodeId, port }) => [nodeId, port - bootstrapPort])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    if (version >= 1) expect(answer.controllerId).toBe(2)
    if (version >= 2) expect(answer.clusterId).toBe('source-cluster')
    const orders = answer.topics.find(({ name }) => name === 'orders')
    if (version >= 10) expect(orders?.topicId).toBe(topicIdOf('orders'))
    expect(orders?.partitions).toMatchObject([
      { partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] },
      { partitionIndex: 1, leaderId: 2, replicaNodes: [2], isrNodes: [2] },
    ])
    if (version >= 7) expect(orders?.partitions[0]?.leaderEpoch).toBe(epochBase + 4)
    const bills = answer.topics.find(({ name }) => name === 'bills')
    expect(bills?.partitions[0]).toMatchObject({ leaderId: 3, replicaNodes: [3, 99] })
  })

  test('each cluster learns what it said itself', () => {
    const { facts, nodeIds } = ask(12, null)
    expect(facts).toMatchObject([
      { cluster: 'source', scope: 'asked-topics', answer: { clusterId: 'source-cluster' } },
      { cluster: 'target', scope: 'asked-topics', answer: { clusterId: 'target-cluster' } },
    ])
    expect(nodeIds).toEqual([1, 2, 3])
  })

  test.each([1, 9, 12])('v%i: topics by name, each where it is', (version) => {
    const { parts, answer } = ask(version, named('orders', 'bills'))
    expect(parts.map(({ body }) => body.topics?.map(({ name }) => name))).toEqual([
      ['bills'],
      ['orders-v2'],
    ])
    expect(answer.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['bills', 0],
      ['orders', 0],
    ])
  })

  test('topics by the ids that clients know', () => {
    const { parts, answer } = ask(12, [{ name: null, topicId: topicIdOf('orders') }])
    expect(parts.map(({ body }) => body.topics)).toEqual([[], named('orders-v2')])
    expect(answer.topics).toMatchObject([{ name: 'orders', topicId: topicIdOf('orders') }])
  })

  test('what exists on the target only is not shown while the plan is not everything', () => {
    const { parts, answer } = ask(12, named('fresh'))
    expect(parts[1]?.body.topics).toEqual([])
    expect(answer.topics).toMatchObject([{ name: 'fresh', errorCode: 3 }])
  })

  test('it is shown, with virtual brokers, when the plan is', () => {
    const { answer } = ask(12, named('fresh'), movedTable({ view: { everyTopic: true } }))
    expect(answer.topics).toMatchObject([
      { name: 'fresh', errorCode: 0, topicId: targetIdOf('fresh'), partitions: [{ leaderId: 2 }] },
    ])
    const every = ask(12, null, movedTable({ view: { everyTopic: true } }))
    expect(every.answer.topics.map(({ name }) => name).sort()).toEqual(['bills', 'fresh', 'orders'])
  })

  test("the target's name of a topic of the plan is no topic", () => {
    const table = movedTable({ view: { everyTopic: true } })
    expect(ask(12, named('orders-v2'), table).answer.topics).toMatchObject([
      { name: 'orders-v2', errorCode: 3 },
    ])
  })

  test.each([
    [false, [true, false]],
    [true, [false, true]],
  ])('a new topic is created in one cluster: everything moves %s', (everyTopic, wanted) => {
    const { parts } = ask(12, named('new'), movedTable({ view: { everyTopic } }))
    expect(parts.map(({ body }) => body.allowAutoTopicCreation)).toEqual(wanted)
    const old = ask(3, named('new', 'bills'), movedTable({ view: { everyTopic } }))
    expect(old.parts.map(({ body }) => body.topics?.map(({ name }) => name))).toEqual(
      everyTopic ? [['bills'], ['new']] : [['new', 'bills'], []],
    )
  })

  test('the source is not asked once everything has moved', () => {
    const table = movedTable({ view: { everyTopic: true, home: 'target' } })
    const { parts, answer, nodeIds } = ask(12, null, table)
    expect(parts.map(({ cluster }) => cluster)).toEqual(['target'])
    expect(nodeIds).toEqual([])
    expect(answer).toMatchObject({ controllerId: 2, clusterId: 'source-cluster' })
    expect(answer.brokers.map(({ rack }) => rack)).toEqual([
      'target-rack-11',
      'target-rack-12',
      null,
    ])
    expect(answer.topics.map(({ name }) => name)).toEqual(['orders', 'fresh'])
  })

  test('a leader without a virtual broker is not available yet', () => {
    const table = { ...movedTable(), slotOfTarget: new Map() }
    const { answer } = ask(12, named('orders'), table)
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 5, leaderId: -1 })
  })
})

test.each(versionsOf(describeCluster))('DescribeCluster v%i: virtual brokers', (version) => {
  const table = movedTable({ view: { everyTopic: true, home: 'target' } })
  const asked = { includeClusterAuthorizedOperations: false }
  const { answer, parts } = translate(table, describeCluster, version, asked, () => ({
    throttleTimeMs: 0,
    errorCode: 0,
    clusterId: 'target-cluster',
    controllerId: 11,
    brokers: [{ brokerId: 11, host: 'target-11.internal', port: 9092 }],
  }))
  expect(parts.map(({ cluster }) => cluster)).toEqual(['target'])
  expect(answer).toMatchObject({ clusterId: 'source-cluster', controllerId: 1 })
  expect(answer.brokers.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
  expect(JSON.stringify(answer.brokers)).not.toContain('internal')
})
