/** A group that reads an unordered topic and has moved: the target's numbers for those who join it directly. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import {
  apis,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  errorCodes,
  type JoinGroupResponse,
} from '../../src/protocol/index.ts'
import { noView, parallelTimelines, type GroupPlace } from '../../src/router/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, connectClient, frameOf, type Client } from './client.ts'
import { startSidecar, untilReady, type Sidecar } from './sidecar.ts'

/** `orders` is 0 and 1 of the source, then 2, 3 and 4, which are `orders-2` on the target. */
const sourcePartitions = 2
const targetPartitions = 3
const groupId = 'billing'

let source: EmbeddedCluster
let target: EmbeddedCluster
let sidecar: Sidecar
const clients: Client[] = []

beforeEach(async () => {
  const ofSource = [{ name: 'orders', partitions: sourcePartitions }]
  const ofTarget = [{ name: 'orders-2', partitions: targetPartitions }]
  source = await startEmbeddedCluster({ brokers: 1, topics: ofSource })
  target = await startEmbeddedCluster({ brokers: 1, topics: ofTarget })
  sidecar = await startSidecar(source.bootstrapServers, {
    target: { bootstrapServers: [addressOf(target)], tls: null, identity: null },
  })
  await untilReady(sidecar)
  await until(() => sidecar.proxy.target?.discovered === true, 5_000, 5)
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
})

function addressOf(cluster: EmbeddedCluster): { host: string; port: number } {
  const [host = '', port] = cluster.bootstrapServers.split(':')
  return { host, port: Number(port) }
}

const behindSidecar = async (): Promise<Client> => kept(await sidecar.connect())
const direct = async (): Promise<Client> => kept(await connectClient(addressOf(target).port))
function kept(client: Client): Client {
  clients.push(client)
  return client
}

function show(place: GroupPlace): void {
  const names = { name: 'orders', targetName: 'orders-2' }
  const parallel = { sourcePartitions, targetPartitions }
  const starts = Array.from({ length: targetPartitions }, () => 0n)
  const timelines = parallelTimelines({ ...names, sourcePartitions, starts })
  const topicId = sidecar.proxy.source.topology.topics.get('orders')?.topicId ?? null
  sidecar.proxy.show({
    ...noView,
    ...{ hasTarget: true, clusterId: source.clusterId, everyTopic: true, spliced: true },
    topics: new Map([['orders', { ...names, topicId, timelines, parallel }]]),
    groups: new Map([[groupId, place]]),
  })
}

const version = 3
type Owned = readonly number[]

/** Asks to join; the answer is awaited by who joins last. */
function askToJoin(client: Client, topic: string, memberId = '', owned: Owned = []): void {
  const ownedPartitions = owned.length === 0 ? [] : [{ topic, partitions: [...owned] }]
  const metadata = encodeSubscription(1, { topics: [topic], ownedPartitions })
  client.write(
    frameOf(apis.joinGroup, version, {
      ...{ groupId, memberId, protocolType: 'consumer' },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
      protocols: [{ name: 'range', metadata }],
    }),
  )
}

async function joined(client: Client): Promise<JoinGroupResponse> {
  const answer = answerOf(apis.joinGroup, version, await client.next())
  expect(answer.errorCode).toBe(errorCodes.NONE)
  return answer
}

/** @returns what the member is given of the topic */
async function sync(
  client: Client,
  { memberId, generationId }: JoinGroupResponse,
  topic: string,
  given: Readonly<Record<string, Owned>> = {},
): Promise<Owned> {
  const assignments = Object.entries(given).map(([id, partitions]) => ({
    memberId: id,
    assignment: encodeAssignment(1, {
      assignedPartitions: [{ topic, partitions: [...partitions] }],
    }),
  }))
  const asked = { groupId, generationId, memberId, assignments }
  const { errorCode, assignment } = await client.ask(apis.syncGroup, 3, asked)
  expect(errorCode).toBe(errorCodes.NONE)
  const { assignedPartitions } = decodeAssignment(assignment).message
  expect(assignedPartitions.every((each) => each.topic === topic)).toBe(true)
  return assignedPartitions.flatMap(({ partitions }) => partitions)
}

async function beat(
  client: Client,
  { memberId, generationId }: JoinGroupResponse,
): Promise<number> {
  return (await client.ask(apis.heartbeat, 1, { groupId, generationId, memberId })).errorCode
}

const whatTheyOwn = ({ members }: JoinGroupResponse) =>
  members.map(({ metadata }) => {
    const { topics, ownedPartitions } = decodeSubscription(metadata).message
    return { topics, owned: ownedPartitions.flatMap(({ partitions }) => partitions) }
  })

test('a leader behind a sidecar and a direct member are in one group', async () => {
  show('target')
  const [proxied, native] = [await behindSidecar(), await direct()]
  askToJoin(proxied, 'orders')
  const alone = await joined(proxied)
  expect(await sync(proxied, alone, 'orders', { [alone.memberId]: [0, 1, 2, 3, 4] })).toEqual([2, 3, 4]) // prettier-ignore

  askToJoin(native, 'orders-2')
  await until(async () => (await beat(proxied, alone)) === errorCodes.REBALANCE_IN_PROGRESS, 5_000, 10) // prettier-ignore
  askToJoin(proxied, 'orders', alone.memberId)
  const [leader, follower] = [await joined(proxied), await joined(native)]
  expect(leader.leader).toBe(leader.memberId)
  expect(whatTheyOwn(leader)).toEqual([{ topics: ['orders'], owned: [] }, { topics: ['orders'], owned: [] }]) // prettier-ignore
  // As the range assignor has it, and then each has as many of the target's.
  const range = { [leader.memberId]: [0, 1], [follower.memberId]: [2, 3, 4] }
  const theirs = sync(native, follower, 'orders-2')
  expect(await sync(proxied, leader, 'orders', range)).toEqual([4])
  expect(await theirs).toEqual([0, 1])

  const described = await proxied.ask(apis.describeGroups, 3, { groups: [groupId] })
  const all = described.groups.flatMap(({ members }) =>
    members.map(({ memberAssignment }) => decodeAssignment(memberAssignment).message),
  )
  const partitions = all.flatMap(({ assignedPartitions }) =>
    assignedPartitions.flatMap((each) => [each.topic, ...each.partitions]),
  )
  expect(partitions.toSorted()).toEqual([2, 3, 4, 'orders', 'orders'])
})

test('cooperative members keep what they own of the target, and a direct leader knows no other', async () => {
  show('target')
  const [proxied, native] = [await behindSidecar(), await direct()]
  askToJoin(native, 'orders-2')
  const alone = await joined(native)
  await sync(native, alone, 'orders-2', { [alone.memberId]: [0, 1, 2] })
  askToJoin(proxied, 'orders', '', [0, 1, 2, 4])
  await until(async () => (await beat(native, alone)) === errorCodes.REBALANCE_IN_PROGRESS, 5_000, 10) // prettier-ignore
  askToJoin(native, 'orders-2', alone.memberId, [1])
  const [leader, follower] = [await joined(native), await joined(proxied)]
  expect(leader.leader).toBe(leader.memberId)
  expect(whatTheyOwn(leader).map(({ owned }) => owned).toSorted()).toEqual([[0, 2], [1]]) // prettier-ignore
  const mine = sync(proxied, follower, 'orders')
  const given = { [leader.memberId]: [1], [follower.memberId]: [2, 0] }
  expect(await sync(native, leader, 'orders-2', given)).toEqual([1])
  expect(await mine).toEqual([4, 2])
})

test('members whose joins were held while their group moved speak so at once', async () => {
  const [placeholder, a, b] = [await direct(), await behindSidecar(), await behindSidecar()]
  askToJoin(placeholder, 'orders-2')
  const first = await joined(placeholder)
  show('moving')
  askToJoin(a, 'orders', 'of the source')
  askToJoin(b, 'orders')
  await until(() => sidecar.proxy.groups.heldJoins === 2, 5_000, 10)
  show('target')
  const leaving = { groupId, memberId: first.memberId }
  await until(
    async () => {
      const { groups } = await placeholder.ask(apis.describeGroups, 3, { groups: [groupId] })
      return groups[0]?.members.length === 3
    },
    5_000,
    10,
  )
  await placeholder.ask(apis.leaveGroup, 2, leaving)
  const both = { a: await joined(a), b: await joined(b) }
  const leads = both.a.leader === both.a.memberId
  const [leading, following] = leads ? [a, b] : [b, a]
  const [leader, follower] = leads ? [both.a, both.b] : [both.b, both.a]
  expect(whatTheyOwn(leader).map(({ topics }) => topics)).toEqual([['orders'], ['orders']])
  const theirs = sync(following, follower, 'orders')
  const range = { [leader.memberId]: [0, 1], [follower.memberId]: [2, 3, 4] }
  expect(await sync(leading, leader, 'orders', range)).toEqual([4])
  expect(await theirs).toEqual([2, 3])
})
