/** Commits of a group on the source that reads an unordered topic: each partition's where it is read. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import {
  apis,
  errorCodes,
  type JoinGroupResponse,
  type OffsetCommitResponse,
} from '../../src/protocol/index.ts'
import { noView, parallelTimelines, type View } from '../../src/router/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, connectClient, frameOf, type Client } from './client.ts'
import { startSidecar, untilReady, type Sidecar } from './sidecar.ts'

/** `orders` is 0 and 1 of the source, then 2, 3 and 4, which are `orders-2` on the target; `notes` is the source's. */
const sourcePartitions = 2
const targetPartitions = 3
const groupId = 'billing'

let source: EmbeddedCluster
let target: EmbeddedCluster
let sidecar: Sidecar
const clients: Client[] = []

beforeEach(async () => {
  source = await startEmbeddedCluster({
    brokers: 1,
    topics: [
      { name: 'orders', partitions: sourcePartitions },
      { name: 'notes', partitions: 1 },
    ],
  })
  const ofTarget = [{ name: 'orders-2', partitions: targetPartitions }]
  target = await startEmbeddedCluster({ brokers: 1, topics: ofTarget })
  sidecar = await startSidecar(source.bootstrapServers, {
    target: { bootstrapServers: [addressOf(target)], tls: null, identity: null },
  })
  await untilReady(sidecar)
  await until(() => sidecar.proxy.target?.discovered === true, 5_000, 5)
  show()
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
const direct = async (cluster: EmbeddedCluster): Promise<Client> =>
  kept(await connectClient(addressOf(cluster).port))
function kept(client: Client): Client {
  clients.push(client)
  return client
}

function show(changes: Partial<View> = {}): void {
  const names = { name: 'orders', targetName: 'orders-2' }
  const parallel = { sourcePartitions, targetPartitions }
  const starts = Array.from({ length: targetPartitions }, () => 0n)
  const timelines = parallelTimelines({ ...names, sourcePartitions, starts })
  const topicId = sidecar.proxy.source.topology.topics.get('orders')?.topicId ?? null
  sidecar.proxy.show({
    ...noView,
    ...{ hasTarget: true, clusterId: source.clusterId, spliced: true },
    topics: new Map([['orders', { ...names, topicId, timelines, parallel }]]),
    ...changes,
  })
}

/** Who speaks for a group, and since when. */
type Member = Pick<JoinGroupResponse, 'memberId' | 'generationId'>

function askToJoin(client: Client, memberId = ''): void {
  client.write(
    frameOf(apis.joinGroup, 3, {
      ...{ groupId, memberId, protocolType: 'consumer' },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }),
  )
}

async function joined(client: Client): Promise<Member> {
  const answer = answerOf(apis.joinGroup, 3, await client.next())
  expect(answer.errorCode).toBe(errorCodes.NONE)
  return answer
}

async function sync(client: Client, member: Member): Promise<void> {
  const { errorCode } = await client.ask(apis.syncGroup, 3, {
    ...{ groupId, memberId: member.memberId, generationId: member.generationId },
    assignments: [],
  })
  expect(errorCode).toBe(errorCodes.NONE)
}

async function join(client: Client, memberId = ''): Promise<Member> {
  askToJoin(client, memberId)
  const member = await joined(client)
  await sync(client, member)
  return member
}

/** Whether a heartbeat is answered so. */
async function beat(client: Client, member: Member, expected: number): Promise<boolean> {
  const { memberId, generationId } = member
  const asked = { groupId, memberId, generationId }
  return (await client.ask(apis.heartbeat, 1, asked)).errorCode === expected
}

/** What is committed: offsets by topic and partition. */
type Offsets = Readonly<Record<string, Readonly<Record<number, bigint>>>>
type Codes = Readonly<Record<string, Readonly<Record<number, number>>>>

async function commit(client: Client, member: Member, offsets: Offsets): Promise<Codes> {
  const answer = await client.ask(apis.offsetCommit, 6, commitOf(member, offsets))
  return codesIn(answer)
}

const commitOf = ({ memberId, generationId }: Member, offsets: Offsets) => ({
  ...{ groupId, memberId, generationIdOrMemberEpoch: generationId },
  topics: Object.entries(offsets).map(([name, partitions]) => ({
    name,
    partitions: Object.entries(partitions).map(([index, committedOffset]) => ({
      ...{ partitionIndex: Number(index), committedOffset, committedMetadata: null },
      committedLeaderEpoch: 3,
    })),
  })),
})

const codesIn = ({ topics }: OffsetCommitResponse): Codes =>
  Object.fromEntries(
    topics.map(({ name, partitions }) => [
      name,
      Object.fromEntries(partitions.map((each) => [each.partitionIndex, each.errorCode])),
    ]),
  )

/** What a cluster keeps of the group. */
async function keptBy(cluster: EmbeddedCluster): Promise<Offsets> {
  const { topics } = await (await direct(cluster)).ask(apis.offsetFetch, 5, { groupId, topics: null }) // prettier-ignore
  return Object.fromEntries(
    topics.map(({ name, partitions }) => [
      name,
      Object.fromEntries(
        partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch }) => {
          expect(committedLeaderEpoch).toBe(-1)
          return [partitionIndex, committedOffset]
        }),
      ),
    ]),
  )
}

const bothKinds: Offsets = { orders: { 0: 5n, 1: 6n, 2: 7n, 4: 9n }, notes: { 0: 3n } }
const codes = (errorCode: number): Codes => ({
  orders: { 0: errorCode, 1: errorCode, 2: errorCode, 4: errorCode },
  notes: { 0: errorCode },
})
const ofTargetOnly: Offsets = { orders: { 2: 7n, 3: 8n } }

test('both kinds land where they belong', async () => {
  const client = await behindSidecar()
  expect(await commit(client, await join(client), bothKinds)).toEqual(codes(0))
  expect(await keptBy(source)).toEqual({ orders: { 0: 5n, 1: 6n }, notes: { 0: 3n } })
  expect(await keptBy(target)).toEqual({ 'orders-2': { 0: 7n, 2: 9n } })
  const { topics } = await client.ask(apis.offsetFetch, 5, { groupId, topics: null })
  const shown = topics.flatMap(({ name, partitions }) =>
    partitions.map((each) => `${name} ${each.partitionIndex}: ${each.committedOffset}`),
  )
  expect(shown.toSorted()).toEqual(['notes 0: 3', 'orders 0: 5', 'orders 1: 6', 'orders 2: 7', 'orders 4: 9']) // prettier-ignore
})

test.each([
  ['an old generation', (at: Member) => ({ ...at, generationId: at.generationId - 1 }), errorCodes.ILLEGAL_GENERATION], // prettier-ignore
  ['a stranger', (at: Member) => ({ ...at, memberId: 'stranger' }), errorCodes.UNKNOWN_MEMBER_ID],
  ['nobody, beside members', () => ({ memberId: '', generationId: -1 }), errorCodes.UNKNOWN_MEMBER_ID], // prettier-ignore
])('%s commits nothing in either cluster', async (_, zombie, errorCode) => {
  const client = await behindSidecar()
  const at = await join(client, (await join(client)).memberId)
  expect(await commit(client, zombie(at), bothKinds)).toEqual(codes(errorCode))
  // Of the source there is nothing in it: it is asked what it says of the member.
  expect(await commit(client, zombie(at), ofTargetOnly)).toEqual({
    orders: { 2: errorCode, 3: errorCode },
  })
  expect([await keptBy(source), await keptBy(target)]).toEqual([{}, {}])
})

test('what is read of the target alone is committed by a member, or by who commits for no members', async () => {
  const client = await behindSidecar()
  expect(await commit(client, { memberId: '', generationId: -1 }, ofTargetOnly)).toEqual({
    orders: { 2: 0, 3: 0 },
  })
  const member = await join(client)
  expect(await commit(client, member, { orders: { 3: 18n } })).toEqual({ orders: { 3: 0 } })
  expect(await keptBy(target)).toEqual({ 'orders-2': { 0: 7n, 1: 18n } })
  expect(await keptBy(source)).toEqual({})
})

test('members commit what they have read when others join; not until they know what is theirs', async () => {
  const [a, b] = [await behindSidecar(), await behindSidecar()]
  const before = await join(a)
  askToJoin(b)
  await until(() => beat(a, before, errorCodes.REBALANCE_IN_PROGRESS), 5_000, 10)
  expect(await commit(a, before, ofTargetOnly)).toEqual({ orders: { 2: 0, 3: 0 } })
  askToJoin(a, before.memberId)
  const [after] = [await joined(a), await joined(b)]
  const refused = await commit(a, after, { orders: { 0: 50n, 2: 70n } })
  expect(refused).toEqual({
    orders: { 0: errorCodes.REBALANCE_IN_PROGRESS, 2: errorCodes.REBALANCE_IN_PROGRESS },
  })
  expect(await keptBy(target)).toEqual({ 'orders-2': { 0: 7n, 1: 8n } })
})

test('while the placeholder is in the group on the target, commits wait for it and are its own', async () => {
  const client = await behindSidecar()
  const member = await join(client)
  const placeholder = await join(await direct(target))
  const answers = commit(client, member, bothKinds)
  // Its join is known only when it is in the journal.
  await until(async () => Object.keys(await keptBy(source)).length > 0, 5_000, 10)
  expect(await keptBy(target)).toEqual({})
  show({ placeholders: new Map([[groupId, placeholder]]) })
  expect(await answers).toEqual(codes(0))
  expect(await keptBy(target)).toEqual({ 'orders-2': { 0: 7n, 2: 9n } })
})

test('who waits for the placeholder is told when it is no member any more', async () => {
  const client = await behindSidecar()
  const member = await join(client)
  await join(await direct(target))
  const answers = commit(client, member, bothKinds)
  await until(async () => Object.keys(await keptBy(source)).length > 0, 5_000, 10)
  const atSource = await direct(source)
  await atSource.ask(apis.leaveGroup, 2, { groupId, memberId: member.memberId })
  const refused = errorCodes.UNKNOWN_MEMBER_ID
  const orders = { 0: 0, 1: 0, 2: refused, 4: refused }
  expect(await answers).toEqual({ ...codes(0), orders })
})

test('while a group moves, who has not come yet commits on; who has is never told that it is unknown', async () => {
  const [first, second] = [await behindSidecar(), await behindSidecar()]
  const alone = await join(first)
  askToJoin(second)
  await until(() => beat(first, alone, errorCodes.REBALANCE_IN_PROGRESS), 5_000, 10)
  askToJoin(first, alone.memberId)
  const [a, b] = [await joined(first), await joined(second)]
  await Promise.all([sync(first, a), sync(second, b)])

  const beside = await direct(target)
  const placeholder = await join(beside)
  const placeholders = new Map([[groupId, placeholder]])
  show({ groups: new Map([[groupId, 'moving']]), placeholders })
  askToJoin(first, a.memberId)
  first.write(frameOf(apis.offsetCommit, 6, commitOf(a, bothKinds)))
  await until(() => sidecar.proxy.groups.heldJoins === 1, 5_000, 5)
  // The first one leaves the source, whose group rebalances.
  const atSource = await direct(source)
  await until(
    async () => {
      const { groups } = await atSource.ask(apis.describeGroups, 3, { groups: [groupId] })
      return groups[0]?.members.length === 1
    },
    5_000,
    10,
  )
  expect(await commit(second, b, bothKinds)).toEqual(codes(0))
  expect(await commit(second, b, { orders: { 3: 8n } })).toEqual({ orders: { 3: 0 } })
  const kept = { 'orders-2': { 0: 7n, 1: 8n, 2: 9n } }
  expect(await keptBy(target)).toEqual(kept)

  show({ groups: new Map([[groupId, 'target']]) })
  await beside.ask(apis.leaveGroup, 2, { groupId, memberId: placeholder.memberId })
  expect((await joined(first)).memberId).not.toBe(a.memberId)
  const late = answerOf(apis.offsetCommit, 6, await first.next())
  expect(codesIn(late)).toEqual(codes(errorCodes.ILLEGAL_GENERATION))
  expect(await keptBy(target)).toEqual(kept)
})
