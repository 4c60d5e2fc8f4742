/** Plans other than the same topics on both sides: renamed, with more partitions, and with fewer. */
import { createTopics } from '../../kafka/index.ts'
import { consume, notOnce, produce, readNative, send } from './applications.ts'
import { everyPair, middlePair, newPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, operate, statusOf, type Stage } from './stage.ts'

const partitions = 2
const targetPartitions = 4
const old = 7

export const plans: readonly NamedScenario[] = [
  { name: 'renamed', pairs: everyPair, clients: [], play: renamed },
  { name: 'fewer-partitions', pairs: [middlePair, newPair], clients: [], play: fewer },
]

/** The operator has made the target's topic: with another name, more partitions, and records in it. */
async function renamed(stage: Stage): Promise<void> {
  const [topic, other] = [`a-${stage.unique}`, `b-${stage.unique}`]
  const group = `group-${stage.unique}`
  await createTopics(stage.source, [topic], { partitions })
  await createTopics(stage.target, [other], { partitions: targetPartitions })
  const onTarget = kafkaAt(stage.target.internalServers)
  const already = Array.from({ length: old }, (_, i) => `old-${i}`)
  await send(onTarget, other, 0, already)
  const sidecar = await stage.sidecar({ topics: [`${topic}:${other}`] })
  const application = kafkaAt(sidecar.bootstrap)
  const consumer = await consume(stage, application, group, [topic])
  const producer = produce(stage, application, topic, {
    ...{ id: 'app', partitions, everyMs: 15, idempotent: true },
  })
  await stage.wait('records flow', () => consumer.seen.length > 50)
  const status = await cutOver(stage, sidecar)
  const [row] = status.topics
  stage.check('the status names both', row?.source === topic && row.target === other, row)
  stage.check(
    'the target begins behind what it had',
    row?.partitions[0]?.targetStart === old && row.partitions[1]?.targetStart === 0,
    row,
  )
  const atSplice = consumer.seen.length
  await stage.wait('records flow again', () => consumer.seen.length > atSplice + 100)
  const admin = application.admin()
  await admin.connect()
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
  const count = metadata.topics[0]?.partitions.length
  stage.check('clients see as many partitions as before', count === partitions, count)
  const names = (await admin.listTopics()).filter((name) => name.endsWith(stage.unique))
  stage.check('and the old name only', names.length === 1 && names[0] === topic, names)
  await admin.disconnect()
  await producer.stop()
  const values = [...producer.acked.keys()]
  await stage.wait('everything comes', () =>
    values.every((v) => consumer.seen.some((s) => s.value === v)),
  )
  const wrong = notOnce(values, consumer.seen)
  stage.check('each once', wrong.length === 0, wrong.slice(0, 5))
  stage.check('and nothing else', consumer.seen.length === values.length, consumer.seen.length)
  const misplaced = consumer.seen.filter(({ value, partition, offset }) => {
    const acked = producer.acked.get(value)
    return acked?.partition !== partition || acked.offset !== offset
  })
  stage.check('where it was acknowledged', misplaced.length === 0, misplaced.slice(0, 3))
  stage.check('no error', producer.errors.length + consumer.errors.length === 0, producer.errors)
  await consumer.stop()
  const log = await readNative(stage.target, other)
  const unused = log.filter(({ partition }) => partition >= partitions)
  stage.check('the other partitions are unused', unused.length === 0, unused.length)
  const left = log.filter(({ value }) => value.startsWith('old-')).length
  stage.check('what was there is there', left === old, left)
  await resumes(stage, group, other)
}

/** A client that connects to the target directly goes on exactly there. */
async function resumes(stage: Stage, group: string, topic: string): Promise<void> {
  const direct = kafkaAt(stage.target.internalServers, 'direct')
  const next = ['next-0', 'next-1']
  for (const partition of [0, 1]) await send(direct, topic, partition, next)
  const consumer = await consume(stage, direct, group, [topic])
  await stage.wait('a direct client of the group resumes', () => consumer.seen.length >= 4, {
    timeoutMs: 30_000,
    seen: () => consumer.seen.length,
  })
  const strange = consumer.seen.filter(({ value }) => !next.includes(value))
  stage.check('exactly where it was', strange.length === 0, strange.slice(0, 3))
}

/** Refused with the remedy; nothing is held; and what the remedy says is enough. */
async function fewer(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  await createTopics(stage.source, [topic], { partitions: 3 })
  await createTopics(stage.target, [topic], { partitions: 2 })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const application = kafkaAt(sidecar.bootstrap)
  const producer = produce(stage, application, topic, { id: 'app', partitions: 3, everyMs: 15 })
  await stage.wait('records flow', () => producer.acked.size > 20)
  const clusters = [
    ...['--source', stage.source.bootstrapServers, '--target', stage.target.bootstrapServers],
    ...['--topics', topic],
  ]
  const remedy = new RegExp(`${topic} on the target 3 partitions`)
  const checked = await operate(['check', ...clusters])
  stage.check('check exits 3', checked.code === 3, checked)
  stage.check('check says the remedy', remedy.test(checked.stdout + checked.stderr), checked)
  const refused = await operate(['cutover', '--admin', sidecar.admin])
  stage.check('cutover exits 3', refused.code === 3, refused)
  stage.check('cutover says the remedy', remedy.test(refused.stderr), refused)
  stage.check('and that nothing was held', refused.stderr.includes('nothing was held'), refused)
  const { phase } = await statusOf(sidecar)
  stage.check('the phase is source', phase === 'source', phase)
  const admin = kafkaAt(stage.target.internalServers).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await admin.disconnect()
  const again = await operate(['check', ...clusters])
  stage.check('check exits 0 when that is done', again.code === 0, again)
  const done = await operate(['cutover', '--admin', sidecar.admin, '--timeout', '60s'])
  stage.check('cutover exits 0 then', done.code === 0, done)
  await producer.stop()
  stage.check('the producer noticed nothing', producer.errors.length === 0, producer.errors)
}
