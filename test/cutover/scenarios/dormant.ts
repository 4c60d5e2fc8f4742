/** Groups with offsets and without members, and groups without a commit. */
import { createTopics } from '../../kafka/index.ts'
import { consume, notOnce, produce, send } from './applications.ts'
import { everyPair, middlePair, newPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, operate, pause, statusOf, type Stage } from './stage.ts'

const written = 12
const behind = 5
const waitsMs = 3_000

export const dormant: readonly NamedScenario[] = [
  { name: 'dormant-wait', pairs: everyPair, clients: [], play: wait },
  { name: 'dormant-forget', pairs: [middlePair, newPair], clients: [], play: forget },
  { name: 'dormant-leave', pairs: [middlePair, newPair], clients: [], play: leave },
]

interface Scene {
  readonly topic: string
  readonly sidecar: Awaited<ReturnType<Stage['sidecar']>>
  /** Has read everything. */
  readonly drained: string
  /** Has some records left. */
  readonly late: string
  /** Has only an offset of a topic that does not move. */
  readonly stranger: string
}

async function begin(stage: Stage): Promise<Scene> {
  const [topic, other] = [`orders-${stage.unique}`, `other-${stage.unique}`]
  await createTopics(stage.source, [topic, other], { partitions: 1 })
  await createTopics(stage.target, [topic], { partitions: 1 })
  await send(kafkaAt(stage.target.internalServers), topic, 0, ['old-0', 'old-1', 'old-2'])
  const sidecar = await stage.sidecar({ topics: [topic] })
  const values = Array.from({ length: written }, (_, i) => `first-${i}`)
  await send(kafkaAt(sidecar.bootstrap), topic, 0, values)
  const groups = { drained: 'drained', late: 'late', stranger: 'stranger' }
  const named = (name: string) => `${name}-${stage.unique}`
  const commit = async (groupId: string, of: string, offset: number) => {
    const admin = kafkaAt(sidecar.bootstrap).admin()
    await admin.connect()
    const partitions = [{ partition: 0, offset: String(offset) }]
    await admin.setOffsets({ groupId, topic: of, partitions })
    await admin.disconnect()
  }
  await commit(named(groups.drained), topic, written)
  await commit(named(groups.late), topic, written - behind)
  await commit(named(groups.stranger), other, 0)
  return {
    ...{ topic, sidecar, drained: named('drained'), late: named('late') },
    stranger: named('stranger'),
  }
}

async function nativeOffset(stage: Stage, groupId: string, topic: string): Promise<number> {
  const admin = kafkaAt(stage.target.internalServers).admin()
  await admin.connect()
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  return Number(answer?.partitions[0]?.offset ?? -1)
}

const old = 3

/** What every variant begins with. */
async function dormantInSpliced(stage: Stage, { topic, sidecar, drained, late, stranger }: Scene) {
  await cutOver(stage, sidecar, 'spliced')
  await stage.wait('the drained group is moved at once', async () => {
    const { groups } = await statusOf(sidecar)
    return groups.some(({ group, state }) => group === drained && state === 'moved')
  })
  const offset = await nativeOffset(stage, drained, topic)
  stage.check('its offset is on the target', offset === old, offset)
  await pause(waitsMs)
  const { phase, groups, waitingFor } = await statusOf(sidecar)
  const row = groups.find(({ group }) => group === late)
  stage.check('the other one is waited for', phase === 'spliced', phase)
  stage.check(
    'it is dormant, with what it has left',
    row?.state === 'dormant' && row.remaining === behind && row.members === 0,
    row,
  )
  const sentence = waitingFor.find((each) => each.includes(late))
  stage.check('and it is named', sentence?.includes(`${behind} records left`) === true, waitingFor)
  stage.check(
    'a group of other topics is not',
    !groups.some(({ group }) => group === stranger),
    groups,
  )
}

const leftValues = Array.from({ length: behind }, (_, i) => `first-${written - behind + i}`)

/** It returns, reads the rest, and moves. */
async function wait(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { topic, sidecar, late } = scene
  await dormantInSpliced(stage, scene)
  const application = kafkaAt(sidecar.bootstrap)
  const stream = produce(stage, application, topic, { id: 'app', partitions: 1, everyMs: 20 })
  const member = await consume(stage, application, late, [topic])
  await cutOver(stage, sidecar)
  await onlyThese(stage, member, stream, leftValues)
}

/** It gives up what it has not read. */
async function forget(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { topic, sidecar, late } = scene
  await dormantInSpliced(stage, scene)
  const told = await operate(['forget', '--group', late, '--admin', sidecar.admin])
  stage.check('forget exits 0', told.code === 0, told)
  stage.check('and says what that loses', told.stdout.includes(`gives up ${behind} records`), told)
  await cutOver(stage, sidecar)
  const application = kafkaAt(sidecar.bootstrap)
  const stream = produce(stage, application, topic, { id: 'app', partitions: 1, everyMs: 20 })
  const member = await consume(stage, application, late, [topic])
  await onlyThese(stage, member, stream, [])
}

/** It stays on the source, is waited for no longer, and moves when it has returned. */
async function leave(stage: Stage): Promise<void> {
  const scene = await begin(stage)
  const { topic, sidecar, late } = scene
  const done = await operate([
    'cutover',
    '--admin',
    sidecar.admin,
    '--dormant',
    'leave',
    '--timeout',
    '60s',
  ])
  stage.check('cutover --dormant leave exits 0', done.code === 0, done)
  const application = kafkaAt(sidecar.bootstrap)
  const stream = produce(stage, application, topic, { id: 'app', partitions: 1, everyMs: 20 })
  const member = await consume(stage, application, late, [topic])
  await stage.wait('it moves when it has returned', async () => {
    const { groups } = await statusOf(sidecar)
    return groups.some(({ group, state }) => group === late && state === 'moved')
  })
  await onlyThese(stage, member, stream, leftValues)
}

/** The member gets these, then what is produced now, each once and in order. */
async function onlyThese(
  stage: Stage,
  member: Awaited<ReturnType<typeof consume>>,
  stream: ReturnType<typeof produce>,
  first: readonly string[],
): Promise<void> {
  await stage.wait('records flow', () => stream.acked.size > 50)
  await stream.stop()
  const wanted = [...first, ...stream.acked.keys()]
  await stage.wait('it gets what it had left, and what is new', () =>
    wanted.every((value) => member.seen.some((s) => s.value === value)),
  )
  const wrong = notOnce(wanted, member.seen)
  stage.check('each once', wrong.length === 0, wrong.slice(0, 5))
  const order = member.seen.map(({ value }) => value)
  stage.check('in order, and nothing else', order.join() === wanted.join(), order.slice(0, 8))
}
