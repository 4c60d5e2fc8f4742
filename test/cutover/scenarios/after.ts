/** Phase target: the source is switched off, and applications are pointed at the target itself. */
import { createTopics } from '../../kafka/index.ts'
import { notOnce, readNative, send } from './applications.ts'
import { everyPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, logLines, operate, pause, type Stage } from './stage.ts'

const clients = ['java-4.3.1', 'librdkafka'] as const
const partitions = 2
const preloaded = 5
const quietMs = 60_000
const warn = 40

export const after: readonly NamedScenario[] = [
  { name: 'source-off', pairs: everyPair, clients, fresh: true, play: sourceOff },
]

async function sourceOff(stage: Stage): Promise<void> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const onTarget = kafkaAt(stage.target.internalServers)
  await send(
    onTarget,
    topic,
    0,
    Array.from({ length: preloaded }, (_, i) => `old-${i}`),
  )
  const sidecar = await stage.sidecar() // every topic
  const { bootstrap } = sidecar
  const producer = stage.client('java-4.3.1', {
    ...{ role: 'produce', bootstrap, topic, id: 'app', records: 1_000_000, rate: 50 },
  })
  const consumers = clients.map((name) => ({
    name,
    client: stage.client(name, {
      ...{ role: 'consume', bootstrap, topic, id: `in-${name}`, records: 0 },
      group: `${name}-${stage.unique}`,
    }),
  }))
  await stage.wait('records flow', () =>
    consumers.every(({ client }) => client.consumed.length > 50),
  )
  const status = await cutOver(stage, sidecar)
  await Promise.all(stage.source.brokers.map((_, i) => stage.source.stopBroker(i)))
  const since = (await logLines(sidecar)).length
  const atFirst = producer.acked.length
  await pause(quietMs)
  const lines = (await logLines(sidecar)).slice(since)
  const loud = lines.filter(({ level }) => Number(level) >= warn)
  stage.check('no warning of the sidecar for a minute', loud.length === 0, loud.slice(0, 3))
  stage.check('its log is silent', lines.length <= 2, lines.slice(0, 5))
  const came = producer.acked.length - atFirst
  stage.check('producers go on', came > (50 * quietMs) / 1_000 / 2, came)

  const row = status.topics[0]?.partitions[0]
  const [end, start] = [row?.sourceEnd ?? 0, row?.targetStart ?? 0]
  const translate = (offset: number, ...more: string[]) =>
    operate(['offsets', topic, '0', String(offset), '--admin', sidecar.admin, ...more])
  const behind = await translate(end + 3)
  stage.check(
    'offsets translates what lies behind the splice',
    behind.code === 0 &&
      behind.stdout.includes('source   not there') &&
      behind.stdout.includes(`target   ${topic} 0  offset ${start + 3}`),
    behind,
  )
  const before = await translate(end - 1)
  stage.check(
    'and before it',
    before.code === 0 &&
      before.stdout.includes(`source   ${topic} 0  offset ${end - 1}`) &&
      before.stdout.includes('target   not there'),
    before,
  )
  const unknown = await operate(['offsets', 'nothing', '0', '1', '--admin', sidecar.admin])
  stage.check('offsets of an unknown topic exits 3', unknown.code === 3, unknown)

  await producer.stop()
  const values = producer.acked.map(({ value }) => value)
  for (const { name, client } of consumers) {
    const complete = () => new Set(client.consumed.map((r) => r.value)).size >= values.length
    await stage.wait(`${name}: everything came`, complete, {
      seen: () => notOnce(values, client.consumed).slice(0, 5),
    })
    await client.stop()
    const errors = client.events.filter((e) => e.event === 'error')
    stage.check(`${name}: no error`, errors.length === 0, errors.slice(0, 3))
    const wrong = notOnce(values, client.consumed)
    stage.check(`${name}: each once`, wrong.length === 0, wrong.slice(0, 5))
  }
  const errors = producer.events.filter((e) => e.event === 'error')
  stage.check('the producer saw no error', errors.length === 0, errors.slice(0, 3))
  for (const { name } of consumers) await resumesDirectly(stage, name, topic)
}

/** The same group, at the target itself: it gets what is new, and only that. */
async function resumesDirectly(
  stage: Stage,
  name: (typeof clients)[number],
  topic: string,
): Promise<void> {
  const { internalServers: bootstrap } = stage.target
  const id = `new-${name}`
  const before = new Set((await readNative(stage.target, topic)).map(({ value }) => value))
  const producer = stage.client(name, { role: 'produce', bootstrap, topic, id, records: 10 })
  await producer.ended
  const consumer = stage.client(name, {
    ...{ role: 'consume', bootstrap, topic, id: `direct-${name}`, records: 0 },
    group: `${name}-${stage.unique}`,
  })
  const values = producer.acked.map(({ value }) => value)
  await stage.wait(`${name}: a direct client of the group goes on`, () =>
    values.every((value) => consumer.consumed.some((r) => r.value === value)),
  )
  await consumer.stop()
  const again = consumer.consumed.filter(
    ({ value }) => before.has(value) && !value.startsWith('new-'),
  )
  stage.check(`${name}: exactly where it was`, again.length === 0, again.slice(0, 3))
}
