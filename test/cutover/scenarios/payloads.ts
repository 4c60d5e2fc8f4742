/** What producers may send in other ways than most: compressed, and without waiting for an answer. */
import type { Compression, RunningClient } from '../../clients/index.ts'
import { atLeast, createTopics } from '../../kafka/index.ts'
import { notOnce, readAll } from './applications.ts'
import { everyPair, type NamedScenario } from './scenario.ts'
import { cutOver, pause, type Stage } from './stage.ts'

const clients = ['java-2.8.2', 'librdkafka', 'franz-go'] as const
const compressing = ['java-2.8.2', 'librdkafka'] as const
const partitions = 2

export const payloads: readonly NamedScenario[] = [
  { name: 'compression', pairs: everyPair, clients, play: compression },
  { name: 'acks', pairs: everyPair, clients, play: acks },
]

async function through(
  stage: Stage,
  start: (bootstrap: string, topic: string) => readonly RunningClient[],
): Promise<void> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const { bootstrap } = sidecar
  const producers = start(bootstrap, topic)
  const consumer = stage.client('java-2.8.2', {
    ...{ role: 'consume', bootstrap, topic, id: 'in', records: 0, group: `in-${stage.unique}` },
  })
  await stage.wait(
    'records flow',
    () => producers.every((p) => p.acked.length > 50) && consumer.consumed.length > 100,
    { seen: () => producers.map((p) => `${p.workload.id} ${p.acked.length}`) },
  )
  await cutOver(stage, sidecar)
  const before = producers.map((p) => p.acked.length)
  await stage.wait('records flow on', () =>
    producers.every((p, i) => p.acked.length > (before[i] ?? 0) + 100),
  )
  await Promise.all(producers.map((producer) => producer.stop()))
  await pause(1_000) // what nobody answers arrives
  const log = await readAll(bootstrap, topic) // kcat, which checks CRCs
  const values = producers.flatMap(({ acked }) => acked.map(({ value }) => value))
  const complete = () => {
    const seen = new Set(consumer.consumed.map(({ value }) => value))
    return log.every(({ value }) => seen.has(value))
  }
  await stage.wait('the group gets everything', complete)
  await consumer.stop()
  const again = notOnce(values, consumer.consumed)
  stage.check('the group gets each once', again.length === 0, again.slice(0, 5))
  const keys = log.filter(
    ({ key, value }) => key !== `k${Number(value.slice(value.lastIndexOf('-') + 1)) % 17}`,
  )
  stage.check('keys and values are what was sent', keys.length === 0, keys.slice(0, 3))
  for (const { workload, acked, events } of producers) {
    const { id } = workload
    const own = acked.map(({ value }) => value)
    const wrong = notOnce(own, log)
    stage.check(`${id}: each record is there once`, wrong.length === 0, wrong.slice(0, 5))
    const errors = events.filter(({ event }) => event === 'error')
    stage.check(`${id}: no error`, errors.length === 0, errors.slice(0, 3))
  }
  const errors = consumer.events.filter(({ event }) => event === 'error')
  stage.check('the consumer saw no error', errors.length === 0, errors.slice(0, 3))
}

/** Each compression, in batches of several records; CRCs are looked at by Java and by kcat. */
function compression(stage: Stage): Promise<void> {
  const zstd = [stage.source, stage.target].every(({ version }) => atLeast(version, '2.1'))
  const kinds: Compression[] = ['gzip', 'snappy', 'lz4', ...(zstd ? (['zstd'] as const) : [])]
  return through(stage, (bootstrap, topic) =>
    compressing.flatMap((name) =>
      kinds.map((kind) =>
        stage.client(name, {
          ...{ role: 'produce', bootstrap, topic, id: `${name}-${kind}`, records: 1_000_000 },
          ...{ rate: 150, acks: 'all', idempotence: true, compression: kind },
        }),
      ),
    ),
  )
}

/** Nobody waits for an answer, or only for the leader's; and nobody is idempotent. */
function acks(stage: Stage): Promise<void> {
  return through(stage, (bootstrap, topic) =>
    clients.flatMap((name) =>
      (['0', '1'] as const).map((each) =>
        stage.client(name, {
          ...{ role: 'produce', bootstrap, topic, id: `${name}-acks${each}`, records: 1_000_000 },
          ...{ rate: 100, acks: each, idempotence: false },
        }),
      ),
    ),
  )
}
