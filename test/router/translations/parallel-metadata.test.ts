/** Metadata of unordered topics: N partitions of the source, M of the target, and never fewer. */
import { describe, expect, test } from 'vitest'
import { apis, errorCodes, zeroUuid, type Encodable } from '../../../src/protocol/index.ts'
import type { RoutingTable } from '../../../src/router/index.ts'
import { tellingVersions, topicIdOf } from '../given.ts'
import {
  epochBase,
  metadataOf,
  mixedTable,
  parallelTable,
  sourceTopics,
  targetIdOf,
  translate,
} from './given.ts'

const api = apis.metadata
const newest = api.versions.max
const off = { home: 'target', everyTopic: true } as const

type Leaders = Readonly<Record<string, readonly number[]>>
interface Clusters {
  readonly source: Leaders
  readonly target: Leaders
}
const mixed: Clusters = {
  source: { ...sourceTopics, notes: [2] },
  target: { 'orders-v2': [12, 11, 12], 'bills-v2': [12] },
}
/** Virtual brokers 1 and 2 stand for 11 and 12 of the target, too. */
const same: Clusters = { source: sourceTopics, target: { orders: [12, 11, 12] } }

interface AskedTopic {
  readonly topicId: string
  readonly name: string | null
}
const named = (...names: readonly string[]): AskedTopic[] =>
  names.map((name) => ({ topicId: zeroUuid, name }))

/** Asks each cluster, which answers for what it has. */
function ask(
  table: RoutingTable,
  version: number,
  topics: readonly AskedTopic[] | null,
  has: Clusters = same,
  unknown: number = errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
) {
  const { parts, answer } = translate(
    table,
    api,
    version,
    { topics, allowAutoTopicCreation: true },
    ({ cluster, body }): Encodable<typeof api.response.fields> => {
      const isSource = cluster === 'source'
      const answered = metadataOf(
        cluster,
        isSource ? [1, 2, 3] : [11, 12],
        has[cluster],
        isSource ? topicIdOf : targetIdOf,
      )
      if (body.topics === null || (version === 0 && body.topics.length === 0)) {
        return answered
      }
      const found = body.topics.map((each) => {
        const known = answered.topics.find(
          ({ name, topicId }) => (each.name ?? '') === name || each.topicId === topicId,
        )
        if (known !== undefined) return known
        const none = { isInternal: false, partitions: [], topicAuthorizedOperations: -2147483648 }
        return { ...each, ...none, name: each.name ?? '', errorCode: unknown }
      })
      return { ...answered, topics: found }
    },
  )
  const shown: Record<string, string | number> = {}
  for (const { name, errorCode, partitions } of answer.topics) {
    const leaders = partitions.map(
      ({ partitionIndex, leaderId }) => `${partitionIndex}:${leaderId}`,
    )
    shown[name ?? ''] = errorCode === 0 ? leaders.join(' ') : errorCode
  }
  const asked: Record<string, readonly (string | null)[] | null> = {}
  for (const { cluster, body } of parts) {
    asked[cluster] = body.topics?.map(({ name }) => name) ?? null
  }
  return { asked, shown, answer }
}

describe('Metadata', () => {
  const onTarget = '2:2 3:1 4:2'

  test.each(tellingVersions(api))('v%i: N + M partitions, each with its own leader', (version) => {
    const { asked, shown } = ask(parallelTable(), version, named('orders'))
    expect(asked).toEqual({ source: ['orders'], target: ['orders'] })
    expect(shown).toEqual({ orders: `0:1 1:2 ${onTarget}` })
  })

  test.each(tellingVersions(api))('v%i: renamed, beside ordered and unplanned ones', (version) => {
    const { asked, shown } = ask(mixedTable(), version, named('orders', 'bills', 'notes'), mixed)
    expect(asked).toEqual({ source: ['orders', 'notes'], target: ['orders-v2', 'bills-v2'] })
    expect(shown).toEqual({ orders: `0:1 1:2 ${onTarget}`, bills: '0:2', notes: '0:2' })
  })

  test.each(tellingVersions(api))('v%i: every topic, once and by its known name', (version) => {
    const every = version === 0 ? [] : null
    expect(ask(mixedTable(), version, every, mixed).shown).toEqual({
      orders: `0:1 1:2 ${onTarget}`,
      bills: '0:2',
      notes: '0:2',
    })
  })

  test.each(tellingVersions(api))('v%i: the source is off: its partitions stay', (version) => {
    const { asked, shown } = ask(parallelTable(off), version, named('orders'))
    expect(asked).toEqual({ target: ['orders'] })
    // Who leads what is written to instead.
    expect(shown).toEqual({ orders: `0:2 1:1 ${onTarget}` })
  })

  test('the id that clients know it by, which no cluster is asked for', () => {
    const topics = [{ topicId: topicIdOf('orders'), name: null }]
    const { asked, answer } = ask(mixedTable(), newest, topics, mixed)
    expect(asked).toEqual({ source: ['orders'], target: ['orders-v2'] })
    expect(answer.topics).toMatchObject([{ name: 'orders', topicId: topicIdOf('orders') }])
    expect(answer.topics[0]?.partitions).toHaveLength(5)
  })

  test('each cluster has epochs of its own; of a stand-in none is known', () => {
    const epochs = (table: RoutingTable) =>
      ask(table, newest, named('orders')).answer.topics[0]?.partitions.map((each) => each.leaderEpoch) // prettier-ignore
    expect(epochs(parallelTable())).toEqual([4, 4, 4, 4, 4])
    expect(epochs(parallelTable(off))).toEqual([-1, -1, 4, 4, 4])
    const { answer } = ask(mixedTable(), newest, named('bills'), mixed)
    expect(answer.topics[0]?.partitions[0]?.leaderEpoch).toBe(epochBase + 4)
  })

  test('ordered topics beside it are led as before, until all groups have moved', () => {
    const led = (table: RoutingTable) => {
      const { shown, answer } = ask(table, newest, named('orders', 'bills'), mixed)
      const bills = answer.topics.find(({ name }) => name === 'bills')
      return [shown['orders'], shown['bills'], bills?.partitions[0]?.leaderEpoch]
    }
    const orders = `0:1 1:2 ${onTarget}`
    expect(led(mixedTable({ leadersStay: true }))).toEqual([orders, '0:3', 4])
    expect(led(mixedTable())).toEqual([orders, '0:2', epochBase + 4])
  })

  test('where the source does not tell who leads an ordered topic, the target does', () => {
    const { topics, ...table } = mixedTable({ leadersStay: true })
    const source = { ...table.source, topics: new Map() }
    const { shown } = ask({ ...table, topics, source }, newest, named('bills'), mixed)
    expect(shown).toEqual({ bills: '0:2' })
  })

  test('a source that has deleted it: as if it were off', () => {
    const { shown } = ask(parallelTable(), newest, named('orders'), { ...same, source: {} })
    expect(shown).toEqual({ orders: `0:2 1:1 ${onTarget}` })
  })

  test('a target that does not know it: its partitions stay, without leaders', () => {
    const { shown, answer } = ask(parallelTable(), newest, named('orders'), { ...same, target: {} })
    expect(shown).toEqual({ orders: '0:1 1:2 2:-1 3:-1 4:-1' })
    const [topic] = answer.topics
    expect(topic?.partitions.map(({ errorCode }) => errorCode)).toEqual(
      [0, 0, 5, 5, 5], // LEADER_NOT_AVAILABLE
    )
  })

  test.each([
    ['nobody has it', errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ['it is not to be seen', errorCodes.TOPIC_AUTHORIZATION_FAILED],
  ])('%s', (_, errorCode) => {
    const none = { source: {}, target: {} }
    const { shown, answer } = ask(parallelTable(), newest, named('orders'), none, errorCode)
    expect(shown).toEqual({ orders: errorCode })
    expect(answer.topics[0]?.partitions).toEqual([])
  })

  test('who may not see it on the source does not see it on the target', () => {
    const denied = errorCodes.TOPIC_AUTHORIZATION_FAILED
    const { shown } = ask(parallelTable(), newest, named('orders'), { ...same, source: {} }, denied)
    expect(shown).toEqual({ orders: denied })
  })
})
