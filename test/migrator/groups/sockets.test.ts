import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../../src/embedded/index.ts'
import {
  groupProgress,
  moveGroup,
  Tail,
  type HeldMember,
  type MoveEntry,
} from '../../../src/migrator/groups/index.ts'
import { apis, encodeAssignment, encodeSubscription } from '../../../src/protocol/index.ts'
import { sourceTimeline, splice } from '../../../src/router/index.ts'
import { SocketCluster } from './sockets.ts'
import { batch } from './world.ts'

const group = 'billing'
const protocols = [{ name: 'range', metadata: encodeSubscription(0, { topics: ['orders'] }) }]
const subscriber = { groupId: group, protocolType: 'consumer', protocols }

let clusters: EmbeddedCluster[]
let source: SocketCluster
let target: SocketCluster
let opened: SocketCluster[]

const open = (name: 'source' | 'target'): SocketCluster => {
  const [first, second] = clusters
  const embedded = name === 'source' ? first : second
  if (embedded === undefined) throw new Error('no cluster')
  const cluster = new SocketCluster(name, embedded)
  opened.push(cluster)
  return cluster
}

beforeEach(async () => {
  const topics = [{ name: 'orders', partitions: 1 }]
  // As long as a broker waits by default for more members of a new group, divided by ten.
  const limits = { initialRebalanceDelayMs: 300 }
  clusters = [
    await startEmbeddedCluster({ brokers: 2, topics }),
    await startEmbeddedCluster({ brokers: 2, topics, limits }),
  ]
  opened = []
  source = open('source')
  target = open('target')
  await Promise.all([source.refresh(), target.refresh()])
})

afterEach(async () => {
  for (const cluster of opened) cluster.close()
  await Promise.all(clusters.map((cluster) => cluster.stop()))
})

/** A member over a connection of its own; it answers MEMBER_ID_REQUIRED, and leads alone. */
async function join(cluster: SocketCluster): Promise<{ memberId: string; generationId: number }> {
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000 }
  const ask = (memberId: string) =>
    cluster.ask(apis.joinGroup, 5, { ...subscriber, ...times, memberId }, { group })
  const { memberId } = await ask('')
  const { generationId, errorCode } = await ask(memberId)
  expect(errorCode).toBe(0)
  const assignment = encodeAssignment(0, {
    assignedPartitions: [{ topic: 'orders', partitions: [0] }],
  })
  const claim = { groupId: group, memberId, generationId }
  const assignments = [{ memberId, assignment }]
  const synced = await cluster.ask(apis.syncGroup, 3, { ...claim, assignments }, { group })
  expect(synced.errorCode).toBe(0)
  return { memberId, generationId }
}

test('a group moves between two clusters, over sockets', async () => {
  const leader = source.topology.topics.get('orders')?.partitions[0]?.leader
  if (leader === undefined) throw new Error('orders has no leader')
  const partitionData = [{ index: 0, records: batch(0n, 10) }]
  const produced = await source.ask(
    apis.produce,
    7,
    { acks: -1, timeoutMs: 1_000, topicData: [{ name: 'orders', partitionData }] },
    { nodeId: leader },
  )
  expect(produced.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  const timeline = splice(sourceTimeline('orders', 0), {
    end: 10n,
    next: { cluster: 'target', topic: 'orders', partition: 0, start: 3n },
  })
  const orders = { name: 'orders', targetName: 'orders', topicId: null, timelines: [timeline] }
  const topics = new Map([['orders', orders]])

  const member = await join(source)
  const commit = async (committedOffset: bigint) => {
    const { memberId, generationId: generationIdOrMemberEpoch } = member
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const body = { groupId: group, generationIdOrMemberEpoch, memberId }
    const committed = [{ name: 'orders', partitions }]
    await source.ask(apis.offsetCommit, 7, { ...body, topics: committed }, { group })
  }

  const entries: MoveEntry[] = []
  let held: HeldMember[] = []
  let sinceMs: number | null = null
  let joined: Promise<{ generationId: number }> | undefined
  const gate = {
    begin: () => {
      const { memberId } = member
      const told = { groupInstanceId: null, clientId: 'raw', rebalanceTimeoutMs: 60_000 }
      held = [{ memberId, ...told, protocolType: 'consumer', protocols }]
      sinceMs = performance.now()
      void source.ask(apis.leaveGroup, 3, { groupId: group, members: [{ memberId }] }, { group })
    },
    held: () => ({ count: held.length, members: held, sinceMs }),
    release: (_: string, to: string) => {
      expect([to, entries.at(-1)?.kind]).toEqual(['target', 'group-moved'])
      held = []
      joined = join(open('target'))
    },
  }
  const options = {
    ...{ source, target, openTarget: () => open('target'), tail: new Tail(source) },
    ...{ positions: () => undefined, topics: () => topics, gate },
    write: (entry: MoveEntry) => {
      entries.push(entry)
      return Promise.resolve()
    },
    clock: {
      now: () => performance.now(),
      sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
      wallClock: () => Date.now(),
    },
  }

  await commit(4n)
  const look = () => groupProgress(options, group, topics, performance.now())
  expect(await look()).toMatchObject({ drained: false, remaining: 6n, members: 1 })
  await commit(10n)
  const progress = await look()
  expect(progress).toMatchObject({ drained: true, remaining: 0n, memberIds: [member.memberId] })

  expect(await moveGroup(options, progress)).toEqual({ kind: 'moved' })
  // The first generation was the placeholder's.
  expect((await joined)?.generationId).toBe(2)
  expect(entries.map(({ kind }) => kind)).toEqual(['group-moving', 'group-moved'])
  expect(clusters[1]?.committed(group, 'orders', 0)).toBe(3n)
})
