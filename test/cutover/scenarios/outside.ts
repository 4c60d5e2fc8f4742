/** Topics outside the plan, topics that are created later, and groups that begin in any phase. */
import { createTopics, type Cluster } from '../../kafka/index.ts'
import {
  consume,
  notOnce,
  produce,
  readNative,
  send,
  type Consuming,
  type Producing,
} from './applications.ts'
import { everyPair, middlePair, newPair, oldPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, pause, post, statusOf, type Stage } from './stage.ts'

const partitions = 2

export const outside: readonly NamedScenario[] = [
  { name: 'topics-outside', pairs: everyPair, clients: [], play: topicsOutside },
  {
    name: 'topics-later',
    pairs: [middlePair, newPair],
    clients: [],
    fresh: true,
    play: topicsLater,
  },
  { name: 'first-joins', pairs: [oldPair, middlePair, newPair], clients: [], play: firstJoins },
]

const topicsOf = async (cluster: Cluster) => {
  const admin = kafkaAt(cluster.internalServers).admin()
  await admin.connect()
  const names = await admin.listTopics()
  await admin.disconnect()
  return names
}

async function committedOn(cluster: Cluster, groupId: string, topic: string): Promise<number[]> {
  const admin = kafkaAt(cluster.internalServers).admin()
  await admin.connect()
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  const offsets = answer?.partitions.map(({ offset }) => Number(offset)) ?? []
  return offsets.filter((offset) => offset >= 0)
}

async function everything(
  stage: Stage,
  what: string,
  consumers: readonly Consuming[],
  producers: readonly Producing[],
): Promise<void> {
  const seen = () => consumers.flatMap((consumer) => consumer.seen)
  const values = producers.flatMap(({ acked }) => [...acked.keys()])
  const complete = () => {
    const came = new Set(seen().map(({ value }) => value))
    return values.every((value) => came.has(value))
  }
  await stage.wait(`${what}: everything comes`, complete, {
    timeoutMs: 30_000,
    seen: () => notOnce(values, seen()).slice(0, 5),
  })
  const wrong = notOnce(values, seen())
  stage.check(`${what}: each once`, wrong.length === 0, wrong.slice(0, 5))
  const errors = [...consumers, ...producers].flatMap((each) => each.errors)
  stage.check(`${what}: no error`, errors.length === 0, errors.slice(0, 3))
}

/** One group of two members that reads a planned topic, another one, and one that is created later. */
async function topicsOutside(stage: Stage): Promise<void> {
  const [planned, other, later] = ['a', 'x', 'n'].map((name) => `${name}-${stage.unique}`)
  if (planned === undefined || other === undefined || later === undefined) return
  const group = `group-${stage.unique}`
  await createTopics(stage.source, [planned, other], { partitions })
  await createTopics(stage.target, [planned], { partitions })
  const sidecar = await stage.sidecar({ topics: [planned] })
  const application = kafkaAt(sidecar.bootstrap)
  const members = await Promise.all(
    [1, 2].map(() => consume(stage, application, group, [planned, other])),
  )
  const streams = [planned, other].map((topic) =>
    produce(stage, application, topic, { id: topic, partitions, everyMs: 20 }),
  )
  const count = () => members.reduce((sum, { seen }) => sum + seen.length, 0)
  await stage.wait('records flow', () => count() > 60)
  const joins = members.map((member) => member.joins())
  await cutOver(stage, sidecar)
  const atTarget = count()
  await stage.wait('both topics flow again', () => count() > atTarget + 100)
  const more = members.map((member, i) => member.joins() - (joins[i] ?? 0))
  stage.check(
    'one rebalance for each member',
    more.every((n) => n <= 1),
    more,
  )
  const admin = application.admin()
  await admin.connect()
  const topics = [{ topic: later, numPartitions: partitions, replicationFactor: 1 }]
  await admin.createTopics({ topics })
  const names = (await admin.listTopics()).filter((name) => name.endsWith(stage.unique)).sort()
  await admin.disconnect()
  stage.check(
    'clients see all three topics',
    names.join() === [planned, later, other].sort().join(),
    names,
  )
  stage.check(
    'a topic that is created later is on the source',
    (await topicsOf(stage.source)).includes(later),
  )
  stage.check('and not on the target', !(await topicsOf(stage.target)).includes(later))
  streams.push(produce(stage, application, later, { id: later, partitions, everyMs: 20 }))
  const newcomer = await consume(stage, application, `new-${stage.unique}`, [planned, later])
  await stage.wait('a new group reads both', () =>
    [planned, later].every((topic) => newcomer.seen.filter((s) => s.topic === topic).length > 20),
  )
  await Promise.all(streams.map((stream) => stream.stop()))
  await everything(stage, 'the group', members, streams.slice(0, 2))
  const [first, , third] = streams
  if (first !== undefined && third !== undefined)
    await everything(stage, 'the new group', [newcomer], [first, third])
  await Promise.all([...members, newcomer].map((member) => member.stop()))
  const outsideOn = await committedOn(stage.source, group, other)
  const values = streams[1]?.acked.size ?? 0
  const sum = outsideOn.reduce((a, b) => a + b, 0)
  stage.check('its offsets of the other topic are on the source', sum === values, {
    outsideOn,
    values,
  })
  const ends = await readNative(stage.target, planned)
  const plannedOn = await committedOn(stage.target, group, planned)
  const committed = plannedOn.reduce((a, b) => a + b, 0)
  stage.check('those of the planned one on the target', committed === ends.length, {
    plannedOn,
    ends: ends.length,
  })
}

/** The plan is every topic, and one is created behind the splice. */
async function topicsLater(stage: Stage): Promise<void> {
  const [planned, later] = [`a-${stage.unique}`, `n-${stage.unique}`]
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [planned], { partitions })
  const sidecar = await stage.sidecar()
  const application = kafkaAt(sidecar.bootstrap)
  const group = await consume(stage, application, `group-${stage.unique}`, [planned])
  const streams = [produce(stage, application, planned, { id: planned, partitions, everyMs: 20 })]
  await stage.wait('records flow', () => group.seen.length > 50)
  await cutOver(stage, sidecar)
  const admin = application.admin()
  await admin.connect()
  const topics = [{ topic: later, numPartitions: partitions, replicationFactor: 1 }]
  await admin.createTopics({ topics, waitForLeaders: true })
  await admin.disconnect()
  stage.check(
    'a topic that is created later is on the target',
    (await topicsOf(stage.target)).includes(later),
  )
  stage.check('and not on the source', !(await topicsOf(stage.source)).includes(later))
  await group.stop()
  streams.push(produce(stage, application, later, { id: later, partitions, everyMs: 20 }))
  const both = await consume(stage, application, `group-${stage.unique}`, [planned, later])
  await stage.wait(
    'the group reads it too',
    () => both.seen.filter((s) => s.topic === later).length > 20,
  )
  await Promise.all(streams.map((stream) => stream.stop()))
  await everything(stage, 'the group', [group, both], streams)
}

/** New groups at every moment of a cutover, and second members of groups that are about to move. */
async function firstJoins(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const application = kafkaAt(sidecar.bootstrap)
  await send(application, topic, 0, ['first-0', 'first-1', 'first-2'])
  // Keeps the cutover in phase spliced until it is forgotten.
  const admin = kafkaAt(stage.source.internalServers).admin()
  await admin.connect()
  const dormant = `dormant-${stage.unique}`
  await admin.setOffsets({ groupId: dormant, topic, partitions: [{ partition: 0, offset: '0' }] })
  await admin.disconnect()
  const stream = produce(stage, application, topic, { id: 'app', partitions, everyMs: 20 })
  const groups = new Map<string, Consuming[]>()
  const join = async (when: string) => {
    const member = await consume(stage, application, `${when}-${stage.unique}`, [topic])
    groups.set(when, [...(groups.get(when) ?? []), member])
  }
  await join('before')
  await join('grows')
  await stage.wait('records flow', () => stream.acked.size > 50)
  // One after the other, without waiting: some are being formed when the fence falls, some while others move.
  const around = Array.from({ length: 6 }, async (_, i) => {
    await pause(i * 250)
    await join(`around-${i}`)
    if (i === 2) await join('grows')
  })
  await cutOver(stage, sidecar, 'spliced')
  await Promise.all(around)
  await join('spliced')
  const standing = async (when: string) =>
    (await statusOf(sidecar)).groups.find(({ group }) => group === `${when}-${stage.unique}`)?.state
  await stage.wait(
    'a group that begins in phase spliced moves',
    async () => (await standing('spliced')) === 'moved',
  )
  await post(sidecar, 'forget', { group: dormant })
  await cutOver(stage, sidecar)
  await join('target')
  const enough = stream.acked.size + 50
  await stage.wait('records flow on', () => stream.acked.size > enough)
  await stream.stop()
  for (const [when, members] of groups)
    await everything(stage, `a group that joins: ${when}`, members, [stream])
}
