import { describe, expect, test } from 'vitest'
import {
  apis,
  errorCodes,
  zeroUuid,
  type DescribeTopicPartitionsResponse,
} from '../../../src/protocol/index.ts'
import { topicIdOf } from '../given.ts'
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

const { describeTopicPartitions } = apis
type Topic = DescribeTopicPartitionsResponse['topics'][number]
type Cursor = NonNullable<DescribeTopicPartitionsResponse['nextCursor']>
type Part = AskedPart<typeof describeTopicPartitions.request.fields>

const known = {
  source: metadataOf('source', [1, 2, 3], sourceTopics, topicIdOf),
  target: metadataOf('target', [11, 12], targetTopics, targetIdOf),
}

const unknown: Topic = {
  errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  name: '',
  topicId: zeroUuid,
  isInternal: false,
  partitions: [],
  topicAuthorizedOperations: -2147483648,
}

/** Answers as a broker does (KIP-966): in the order of names, from the cursor on, up to the limit. */
const answers = ({ cluster, body }: Part) => {
  const { cursor } = body
  const names = body.topics.map(({ name }) => name).sort()
  let room = body.responsePartitionLimit
  let nextCursor = null as Cursor | null
  const topics = names.flatMap((name): Topic[] => {
    if (nextCursor !== null || (cursor !== null && name < cursor.topicName)) return []
    const topic = known[cluster].topics.find((each) => each.name === name)
    if (topic === undefined) {
      return [{ ...unknown, name }]
    }
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0
    const partitions = topic.partitions.slice(from, from + room)
    room -= partitions.length
    const end = from + partitions.length
    if (end < topic.partitions.length) nextCursor = { topicName: name, partitionIndex: end }
    if (partitions.length === 0 && from < topic.partitions.length) return []
    return [
      {
        ...topic,
        partitions: partitions.map((partition) => ({
          ...partition,
          eligibleLeaderReplicas: partition.isrNodes,
          lastKnownElr: null,
        })),
      },
    ]
  })
  return { throttleTimeMs: 0, topics, nextCursor }
}

const moved = movedTable()
const done = movedTable({ view: { everyTopic: true, home: 'target' } })

const ask = (
  names: readonly string[],
  { table = moved, limit = 2000, cursor = null as Cursor | null } = {},
) => {
  const { parts, answer } = translate(
    table,
    describeTopicPartitions,
    0,
    { topics: names.map((name) => ({ name })), responsePartitionLimit: limit, cursor },
    answers,
  )
  return { parts, asked: parts.map(asked), ...answer }
}

const asked = ({ cluster, body }: Part) =>
  [cluster, ...body.topics.map(({ name }) => name)].join(' ')

/** Goes through all pages; each line is a topic and the partitions that a page had of it. */
const pages = (names: readonly string[], limit: number) => {
  const seen: string[] = []
  let cursor: Cursor | null = null
  for (let page = 0; page < 10; page++) {
    const { topics, nextCursor } = ask(names, { limit, cursor })
    seen.push(
      topics
        .map(({ name, partitions }) =>
          [name, ...partitions.map(({ partitionIndex }) => partitionIndex)].join(' '),
        )
        .join(', '),
    )
    if (nextCursor === null) return seen
    cursor = nextCursor
  }
  throw new Error('the pages have no end')
}

describe('DescribeTopicPartitions', () => {
  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    const body = { topics: [{ name: 'orders' }] }
    expect(decideOn(table, describeTopicPartitions, 0, body)).toEqual({
      kind: 'forward',
      to: 'any',
    })
  })

  test('a topic that has moved keeps its name and id, and is led by virtual brokers', () => {
    const { asked, topics, nextCursor } = ask(['orders'])
    expect(asked).toEqual(['target orders-v2'])
    expect(nextCursor).toBeNull()
    expect(topics).toMatchObject([
      {
        errorCode: 0,
        name: 'orders',
        topicId: topicIdOf('orders'),
        partitions: [
          {
            partitionIndex: 0,
            leaderId: 1,
            leaderEpoch: epochBase + 4,
            replicaNodes: [1],
            isrNodes: [1],
            eligibleLeaderReplicas: [1],
            lastKnownElr: null,
          },
          { partitionIndex: 1, leaderId: 2, leaderEpoch: epochBase + 4, replicaNodes: [2] },
        ],
      },
    ])
    // The third partition is the target's only.
    expect(topics[0]?.partitions).toHaveLength(2)
  })

  test('each topic is asked where it is', () => {
    const { asked, topics } = ask(['orders', 'bills'])
    expect(asked).toEqual(['source bills', 'target orders-v2'])
    expect(topics.map(({ name, topicId }) => [name, topicId])).toEqual([
      ['bills', topicIdOf('bills')],
      ['orders', topicIdOf('orders')],
    ])
    expect(topics[0]?.partitions[0]).toMatchObject({ leaderId: 3, replicaNodes: [3, 99] })
  })

  test('no name of the target is one that clients know', () => {
    expect(ask(['orders-v2'])).toMatchObject({
      asked: ['source orders-v2'],
      topics: [{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, name: 'orders-v2' }],
    })
    expect(ask(['orders-v2', 'orders'], { table: done })).toMatchObject({
      asked: ['target orders-v2'],
      topics: [
        { errorCode: 0, name: 'orders' },
        {
          errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
          name: 'orders-v2',
          topicId: zeroUuid,
        },
      ],
    })
  })

  test('every topic, of both clusters, as one', () => {
    expect(ask([]).asked).toEqual(['source bills', 'target orders-v2'])
    expect(ask([]).topics.map(({ name }) => name)).toEqual(['bills', 'orders'])
  })

  test('the source is not asked once everything has moved; what it had besides is not told', () => {
    const { asked, topics } = ask([], { table: done })
    expect(asked).toEqual(['target bills orders-v2 fresh'])
    expect(topics.map(({ name, topicId }) => [name, topicId])).toEqual([
      ['fresh', targetIdOf('fresh')],
      ['orders', topicIdOf('orders')],
    ])
    expect(topics[0]?.partitions[0]).toMatchObject({ leaderId: 2, replicaNodes: [2] })
  })

  test.each([
    [1, ['bills 0', 'orders 0', 'orders 1', 'orders']],
    [2, ['bills 0', 'orders 0 1', 'orders']],
    [3, ['bills 0, orders 0 1']],
  ])('in pages of %i, each partition once', (limit, expected) => {
    expect(pages(['orders', 'bills'], limit)).toEqual(expected)
  })

  test('a cursor stands in the cluster that has its topic', () => {
    const cursor = { topicName: 'orders', partitionIndex: 1 }
    const { parts, asked, topics } = ask(['bills', 'orders'], { cursor })
    expect(asked).toEqual(['target orders-v2'])
    expect(parts[0]?.body.cursor).toEqual({ topicName: 'orders-v2', partitionIndex: 1 })
    expect(topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([1])
  })
})
