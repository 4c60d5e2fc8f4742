import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  releases,
  startEmbeddedCluster,
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
} from '../../src/embedded/index.ts'
import {
  apis,
  batches,
  decodeResponse,
  encodeRequest,
  errorCodes,
  type RequestInput,
} from '../../src/protocol/index.ts'
import { batchOf, produceOf } from './batches.ts'
import { RawClient } from './raw-client.ts'
import { until } from './until.ts'

let cluster: EmbeddedCluster
const clients: RawClient[] = []

async function start(options: EmbeddedClusterOptions = {}): Promise<void> {
  cluster = await startEmbeddedCluster({
    brokers: 3,
    topics: [{ name: 'orders', partitions: 3 }],
    ...options,
  })
}

async function client(nodeId: number): Promise<RawClient> {
  const broker = cluster.brokers.find((each) => each.nodeId === nodeId)
  if (broker === undefined) throw new Error(`no broker ${nodeId}`)
  const opened = await RawClient.open(broker)
  clients.push(opened)
  return opened
}

const leaderClient = () => client(cluster.leader('orders', 0).nodeId)

afterEach(async () => {
  for (const each of clients.splice(0)) each.close()
  await cluster.stop()
})

const fetchOf = (
  fetchOffset: bigint,
  rest: Partial<RequestInput<typeof apis.fetch>> = {},
): RequestInput<typeof apis.fetch> => ({
  maxWaitMs: 0,
  minBytes: 1,
  topics: [
    { topic: 'orders', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }] },
  ],
  forgottenTopicsData: [],
  ...rest,
})

describe('the wrong broker', () => {
  beforeEach(() => start())

  test('says that it does not lead, and from Produce 10 and Fetch 16 who does', async () => {
    const leader = cluster.leader('orders', 0)
    const asked = await client((leader.nodeId % 3) + 1)
    const produce = produceOf('orders', 0, batchOf(['a']))
    for (const version of [3, 9, 11]) {
      const answer = await asked.ask(apis.produce, version, produce)
      const partition = answer.responses[0]?.partitionResponses[0]
      expect(partition?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
      const isHinted = version >= 10
      expect(partition?.currentLeader).toEqual(
        isHinted
          ? { leaderId: leader.nodeId, leaderEpoch: leader.epoch }
          : { leaderId: -1, leaderEpoch: -1 },
      )
      expect(answer.nodeEndpoints.map(({ nodeId }) => nodeId)).toEqual(
        isHinted ? [leader.nodeId] : [],
      )
    }
    const topicId = (await asked.ask(apis.metadata, 12, { topics: null })).topics[0]?.topicId ?? ''
    for (const version of [11, 15, 16, 17]) {
      const [topic] = fetchOf(0n).topics
      const topics = [{ topicId, topic: 'orders', partitions: topic?.partitions ?? [] }]
      const answer = await asked.ask(apis.fetch, version, fetchOf(0n, { topics }))
      const partition = answer.responses[0]?.partitions[0]
      expect(partition?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
      expect(partition?.currentLeader.leaderId).toBe(version >= 16 ? leader.nodeId : -1)
      expect(answer.nodeEndpoints).toHaveLength(version >= 16 ? 1 : 0)
    }
  })

  test('does not coordinate the group, until the group moves to it', async () => {
    const coordinator = cluster.coordinator('billing')
    const other = (coordinator % 3) + 1
    const asked = await client(other)
    const find = await asked.ask(apis.findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ['billing'],
    })
    expect(find.coordinators[0]?.nodeId).toBe(coordinator)
    const fetch = { groups: [{ groupId: 'billing', topics: null }] }
    const before = await asked.ask(apis.offsetFetch, 8, fetch)
    expect(before.groups[0]?.errorCode).toBe(errorCodes.NOT_COORDINATOR)
    cluster.moveCoordinator('billing', other)
    const after = await asked.ask(apis.offsetFetch, 8, fetch)
    expect(after.groups[0]?.errorCode).toBe(errorCodes.NONE)
  })
})

describe('leaders', () => {
  beforeEach(() => start())

  test('fail over to another replica with a raised epoch, or to nobody', async () => {
    const first = cluster.leader('orders', 0)
    await cluster.stopBroker(first.nodeId)
    const second = cluster.leader('orders', 0)
    expect(second.epoch).toBe(first.epoch + 1)
    await cluster.stopBroker(second.nodeId)
    const third = cluster.leader('orders', 0)
    await cluster.stopBroker(third.nodeId)
    expect(cluster.leader('orders', 0)).toEqual({ nodeId: -1, epoch: first.epoch + 3 })
    await cluster.startBroker(first.nodeId)
    // It had fallen out of sync: only the last one may lead (no unclean election).
    expect(cluster.leader('orders', 0).nodeId).toBe(-1)
    await cluster.startBroker(third.nodeId)
    expect(cluster.leader('orders', 0)).toEqual({ nodeId: third.nodeId, epoch: first.epoch + 4 })
  })

  test('are refused while their broker is down, on its own port again afterwards', async () => {
    const { nodeId } = cluster.leader('orders', 0)
    const asked = await client(nodeId)
    const before = cluster.brokers
    await cluster.stopBroker(nodeId)
    await until(() => asked.isClosed)
    await expect(client(nodeId)).rejects.toThrow(/ECONNREFUSED/)
    await cluster.startBroker(nodeId)
    expect(cluster.brokers).toEqual(before)
    await expect(client(nodeId)).resolves.toBeDefined()
  })

  test('fence clients with another epoch', async () => {
    cluster.moveLeader('orders', 0, cluster.leader('orders', 0).nodeId)
    const asked = await leaderClient()
    const list = async (currentLeaderEpoch: number) => {
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1n }]
      const topics = [{ name: 'orders', partitions }]
      const answer = await asked.ask(apis.listOffsets, 4, {
        ...{ replicaId: -1, isolationLevel: 0, topics },
      })
      return answer.topics[0]?.partitions[0]
    }
    expect((await list(0))?.errorCode).toBe(errorCodes.FENCED_LEADER_EPOCH)
    expect((await list(2))?.errorCode).toBe(errorCodes.UNKNOWN_LEADER_EPOCH)
    expect(await list(1)).toMatchObject({ errorCode: 0, offset: 0n, leaderEpoch: 1 })
    expect((await list(-1))?.errorCode).toBe(errorCodes.NONE)
  })

  test('can be a broker that was added', async () => {
    const added = await cluster.addBroker()
    expect(added.nodeId).toBe(4)
    cluster.moveLeader('orders', 0, 4)
    const answer = await (await client(1)).ask(apis.metadata, 12, { topics: null })
    expect(answer.brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3, 4])
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ leaderId: 4, leaderEpoch: 1 })
  })
})

describe('a fetch', () => {
  beforeEach(() => start())

  test('waits for bytes, and for no longer than it said', async () => {
    const reader = await leaderClient()
    const start = performance.now()
    const empty = await reader.ask(apis.fetch, 11, fetchOf(0n, { maxWaitMs: 200 }))
    expect(performance.now() - start).toBeGreaterThan(190)
    expect(empty.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0n })

    const writer = await leaderClient()
    const waiting = reader.ask(apis.fetch, 11, fetchOf(0n, { maxWaitMs: 30_000 }))
    await writer.ask(apis.produce, 9, produceOf('orders', 0, batchOf(['a', 'b'])))
    const answer = (await waiting).responses[0]?.partitions[0]
    expect(answer).toMatchObject({ highWatermark: 2n, lastStableOffset: 2n, logStartOffset: 0n })
    expect([...batches(answer?.records ?? Buffer.alloc(0))]).toHaveLength(1)
  })

  test('that waits hears at once that its leader has moved', async () => {
    const reader = await leaderClient()
    const waiting = reader.ask(apis.fetch, 11, fetchOf(0n, { maxWaitMs: 30_000 }))
    await (await leaderClient()).ask(apis.apiVersions, 0, {})
    const start = performance.now()
    const other = (cluster.leader('orders', 0).nodeId % 3) + 1
    cluster.moveLeader('orders', 0, other)
    const answer = await waiting
    expect(answer.responses[0]?.partitions[0]?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
    expect(performance.now() - start).toBeLessThan(5_000)
  })

  test('beyond the log is out of range; of a diverging epoch it is told where that ended', async () => {
    const asked = await leaderClient()
    await asked.ask(apis.produce, 9, produceOf('orders', 0, batchOf(['a'])))
    cluster.moveLeader('orders', 0, cluster.leader('orders', 0).nodeId)
    const beyond = await asked.ask(apis.fetch, 12, fetchOf(2n))
    expect(beyond.responses[0]?.partitions[0]?.errorCode).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
    const partitions = [
      { partition: 0, fetchOffset: 5n, lastFetchedEpoch: 0, partitionMaxBytes: 1000 },
    ]
    const diverging = await asked.ask(
      apis.fetch,
      12,
      fetchOf(0n, { topics: [{ topic: 'orders', partitions }] }),
    )
    expect(diverging.responses[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 0, endOffset: 1n },
    })
  })

  test('of a session names only what is new', async () => {
    const asked = await leaderClient()
    const first = await asked.ask(apis.fetch, 11, fetchOf(0n, { sessionEpoch: 0 }))
    expect([first.sessionId, first.responses.length]).toEqual([1, 1])
    const incremental = { sessionId: 1, topics: [] }
    const second = await asked.ask(apis.fetch, 11, fetchOf(0n, { ...incremental, sessionEpoch: 1 }))
    expect([second.sessionId, second.responses.length]).toEqual([1, 0])
    await asked.ask(apis.produce, 9, produceOf('orders', 0, batchOf(['a'])))
    const third = await asked.ask(apis.fetch, 11, fetchOf(0n, { ...incremental, sessionEpoch: 2 }))
    expect(third.responses[0]?.partitions[0]?.highWatermark).toBe(1n)
    const stale = await asked.ask(apis.fetch, 11, fetchOf(0n, { ...incremental, sessionEpoch: 2 }))
    expect(stale).toMatchObject({
      errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH,
      responses: [],
    })
  })

  test('is bounded in bytes, over all partitions', async () => {
    const asked = await leaderClient()
    const batch = batchOf(['a'])
    for (let count = 0; count < 3; count++)
      await asked.ask(apis.produce, 9, produceOf('orders', 0, batch))
    const sizeOf = async (maxBytes: number) => {
      const answer = await asked.ask(apis.fetch, 11, fetchOf(0n, { maxBytes }))
      return (answer.responses[0]?.partitions[0]?.records?.length ?? 0) / batch.length
    }
    expect([await sizeOf(1), await sizeOf(2 * batch.length), await sizeOf(10_000)]).toEqual([
      1, 2, 3,
    ])
  })
})

describe('a connection', () => {
  beforeEach(() => start())

  test('is answered in order, one request at a time', async () => {
    const asked = await leaderClient()
    const ids = [
      asked.send(apis.fetch, 11, fetchOf(0n, { maxWaitMs: 150 })),
      asked.send(apis.metadata, 9, { topics: null }),
      asked.send(apis.apiVersions, 0, {}),
    ]
    const frames = [await asked.frame(), await asked.frame(), await asked.frame()]
    expect(frames.map((frame) => frame.readInt32BE(0))).toEqual(ids)
  })

  test('is closed for an unknown version, an unknown API, and for bytes that are no request', async () => {
    const closed = async (bytes: Buffer) => {
      const asked = await client(1)
      asked.write(bytes)
      await until(() => asked.isClosed)
    }
    const header = { correlationId: 1, clientId: 'raw' }
    await closed(encodeRequest(apis.fetch, 3, header, fetchOf(0n)))
    await closed(encodeRequest(apis.shareFetch, 1, header, { ...shareFetchBody }))
    await closed(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    const cut = encodeRequest(apis.metadata, 9, header, { topics: null })
    cut.writeInt32BE(cut.length - 5, 0)
    await closed(cut.subarray(0, cut.length - 1))
  })

  test('learns the version of ApiVersions to ask in', async () => {
    const asked = await client(1)
    const frame = encodeRequest(
      apis.apiVersions,
      3,
      { correlationId: 5, clientId: 'raw' },
      {
        clientSoftwareName: 'x',
        clientSoftwareVersion: '1',
      },
    )
    frame.writeInt16BE(9, 6)
    asked.write(frame)
    const body = await asked.frame()
    const answer = decodeResponse(apis.apiVersions, 0, body, 4)
    expect(body.readInt32BE(0)).toBe(5)
    expect(answer).toMatchObject({
      errorCode: errorCodes.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    })
  })

  test('hears nothing of acks 0, and is closed when that failed', async () => {
    const asked = await leaderClient()
    asked.send(apis.produce, 9, produceOf('orders', 0, batchOf(['a']), { acks: 0 }))
    await asked.ask(apis.produce, 9, produceOf('orders', 0, batchOf(['b'])))
    expect(cluster.log('orders', 0).map(({ value }) => value?.toString())).toEqual(['a', 'b'])
    const other = await leaderClient()
    other.send(apis.produce, 9, produceOf('nowhere', 0, batchOf(['a']), { acks: 0 }))
    await until(() => other.isClosed)
  })

  test('beyond the number of connections is closed', async () => {
    await cluster.stop()
    await start({ brokers: 1, limits: { connectionsMax: 1 } })
    await client(1)
    const second = await client(1)
    await until(() => second.isClosed)
  })
})

const shareFetchBody = {
  groupId: 'g',
  memberId: 'm',
  shareSessionEpoch: 0,
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 0,
  maxRecords: 1,
  batchSize: 1,
  topics: [],
  forgottenTopicsData: [],
}

describe('an older broker', () => {
  test('offers what its release did', async () => {
    await start({ versions: releases['2.4'] })
    const asked = await client(1)
    const { apiKeys } = await asked.ask(apis.apiVersions, 0, {})
    const max = (key: number) => apiKeys.find(({ apiKey }) => apiKey === key)?.maxVersion
    expect([max(0), max(1), max(3), max(60)]).toEqual([8, 11, 9, undefined])
    const refused = asked.ask(apis.fetch, 12, fetchOf(0n))
    await expect(refused).rejects.toThrow('closed')
  })
})
