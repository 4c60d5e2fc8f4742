/** Producers that bypass the sidecar and write to the source behind the splice. */
import { createTopics } from '../../kafka/index.ts'
import { seeded } from '../random.ts'
import { consume, notOnce, produce, readNative, send, timesOf } from './applications.ts'
import { everyPair, middlePair, newPair, oldPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, logLines, metricOf, pause, statusOf, type Stage } from './stage.ts'

const partitions = 2
const noticedMsMax = 2_000
/** An hour ago. */
const written = Date.now() - 3_600_000
const warning = /^records reached the source behind the splice/

export const stragglers: readonly NamedScenario[] = [
  { name: 'stragglers', pairs: everyPair, clients: [], play: inTwoPhases },
  { name: 'stragglers-killed', pairs: [oldPair, middlePair, newPair], clients: [], play: killed },
]

/** In phase `spliced`, kept there by a group that stays away, and in phase `target`. */
async function inTwoPhases(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  const dormant = `dormant-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const application = kafkaAt(sidecar.bootstrap)
  await send(application, topic, 0, ['first-0', 'first-1'])
  await commit(stage, dormant, topic)
  const consumer = await consume(stage, application, `group-${stage.unique}`, [topic])
  const producer = produce(stage, application, topic, { id: 'app', partitions, everyMs: 20 })
  const direct = kafkaAt(stage.source.internalServers, 'bypass')
  const status = await cutOver(stage, sidecar, 'spliced')
  const { sourceEnd = null } = status.topics[0]?.partitions[0] ?? {}

  const late = ['late-0', 'late-1', 'late-2', 'late-3', 'late-4']
  await send(direct, topic, 0, late, { gzip: true, timestamp: written })
  await noticed(stage, sidecar, 'in phase spliced', late.length)
  const [line] = (await logLines(sidecar)).filter(({ msg }) => warning.test(String(msg)))
  stage.check(
    'logged with topic, partition and offsets',
    line?.['topic'] === topic &&
      line['partition'] === 0 &&
      line['value'] === `${sourceEnd}..${(sourceEnd ?? 0) + late.length - 1}`,
    { line, sourceEnd },
  )

  await consumer.stop() // its group moves without members
  await stage.wait('the dormant group can be forgotten', async () => {
    const { postCommand } = await import('../../../src/cli/api.ts')
    const admin = { url: new URL(sidecar.admin), token: null }
    return (await postCommand(admin, 'forget', { group: dormant })).kind === 'ok'
  })
  await cutOver(stage, sidecar)
  const later = ['later-0', 'later-1', 'later-2']
  await send(direct, topic, 0, later)
  await noticed(stage, sidecar, 'in phase target', late.length + later.length)
  const counted = await metricOf(sidecar, `stragglers_total{topic="${topic}"}`)
  stage.check('stragglers_total counts them', counted === late.length + later.length, counted)

  const again = await consume(stage, application, `group-${stage.unique}`, [topic])
  await producer.stop()
  stage.check('the producer noticed nothing', producer.errors.length === 0, producer.errors)
  const wanted = [...late, ...later, ...producer.acked.keys()]
  const all = () => [...consumer.seen, ...again.seen]
  const complete = () => wanted.every((value) => timesOf(all()).has(value))
  await stage.wait('everything comes to the group', complete, {
    seen: () => notOnce(wanted, all()).slice(0, 5),
  })
  const repeated = notOnce(wanted, all())
  stage.check('and once', repeated.length === 0, repeated.slice(0, 5))
  const onTarget = await readNative(stage.target, topic)
  const wrong = notOnce([...late, ...later], onTarget)
  stage.check('each straggler is on the target once', wrong.length === 0, wrong)
  const carried = onTarget.find(({ value }) => value === 'late-3')
  stage.check(
    'with its key, headers and timestamp',
    carried?.key === 'key of late-3' &&
      carried.headers === 'from=a test' &&
      carried.timestamp === written,
    carried,
  )
}

async function noticed(
  stage: Stage,
  sidecar: Parameters<typeof statusOf>[0],
  when: string,
  count: number,
): Promise<void> {
  const start = performance.now()
  let seen: number | null | undefined
  await stage.wait(
    `stragglers are counted in /status ${when}`,
    async () => {
      seen = (await statusOf(sidecar)).topics[0]?.partitions[0]?.stragglers
      return seen === count
    },
    { timeoutMs: 15_000, seen: () => seen },
  )
  const ms = Math.round(performance.now() - start)
  stage.check(`noticed within ${noticedMsMax} ms ${when}`, ms < noticedMsMax, `${ms} ms`)
}

/** Commits 0 for a group that has no members. */
async function commit(stage: Stage, group: string, topic: string): Promise<void> {
  const admin = kafkaAt(stage.source.internalServers).admin()
  await admin.connect()
  await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] })
  await admin.disconnect()
}

const kills = 6
const killPauseMs = [300, 3_000] as const
const betweenMs = 15

/** A stream of stragglers while the sidecar dies again and again, at random moments. */
async function killed(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const sidecar = await stage.sidecar({ topics: [topic] })
  await cutOver(stage, sidecar)
  const direct = kafkaAt(stage.source.internalServers, 'bypass')
  const bypass = produce(stage, direct, topic, { id: 'late', partitions, everyMs: betweenMs })
  const random = seeded(Number.parseInt(stage.unique.slice(0, 6), 16))
  for (let kill = 0; kill < kills; kill++) {
    const [least, most] = killPauseMs
    await pause(least + (most - least) * random())
    await sidecar.kill()
    await sidecar.restart()
  }
  await bypass.stop()
  const wanted = [...bypass.acked.keys()]
  stage.check('there were many stragglers', wanted.length > 100, wanted.length)
  const start = performance.now()
  let onTarget = await readNative(stage.target, topic)
  await stage.wait(
    'all are carried',
    async () => {
      onTarget = await readNative(stage.target, topic)
      return wanted.every((value) => timesOf(onTarget).has(value))
    },
    { seen: () => notOnce(wanted, onTarget).slice(0, 5) },
  )
  const ms = Math.round(performance.now() - start)
  stage.check('within seconds after the last kill', ms < 10_000, `${ms} ms`)
  await pause(2_500) // a second look of whoever carries
  onTarget = await readNative(stage.target, topic)
  const wrong = notOnce(wanted, onTarget)
  stage.check(
    `${kills} kills, and each is on the target once`,
    wrong.length === 0,
    wrong.slice(0, 9),
  )
  const order = onTarget
    .filter(({ partition }) => partition === 0)
    .map((r) => Number(r.value.slice(5)))
  stage.check(
    'in their order',
    order.every((n, i) => n > (order[i - 1] ?? -1)),
    order.slice(0, 9),
  )
}
