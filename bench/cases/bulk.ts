import type { Bench, Case, Sample } from '../case.ts'
import { gigabyte } from '../case.ts'
import { cpuSeconds } from '../cores.ts'
import { createTopic, deleteTopic } from '../kafka.ts'
import type { Subject } from '../subjects.ts'

/** Kafka's own perf tools through a proxy: what a gigabyte costs it. */

const recordBytes = 1024
const partitions = 6
const consumeTopic = 'bench-consume'

const recordCount = (bench: Bench): number => Math.ceil(bench.bulkBytes / recordBytes)

/** 1,050,624 > 1 MiB: the batch, and what a request adds to it. */
const bigBatches = [
  'batch.size=1048576',
  'linger.ms=50',
  'max.request.size=1100000',
  'buffer.memory=134217728',
]

const finalLine = /^(\d+) records sent.*\(([\d.]+) MB\/sec\).*99\.9th/m

/** @returns MB/s as the tool tells it */
export async function produceTo(
  bench: Bench,
  port: number,
  topic: string,
  properties: readonly string[],
): Promise<number> {
  const count = recordCount(bench)
  const { stdout } = await bench.broker.tool('org.apache.kafka.tools.ProducerPerformance', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic],
    ...['--num-records', String(count), '--record-size', String(recordBytes)],
    ...['--throughput', '-1'],
    ...(properties.length === 0 ? [] : ['--command-property', ...properties]),
  ])
  const [, sent, speed] = finalLine.exec(stdout) ?? []
  if (Number(sent) !== count) throw new Error(`ProducerPerformance sent not all: ${stdout}`)
  return Number(speed)
}

/** What `act` cost the proxy, by the gigabyte. */
export async function perGigabyte(
  bench: Bench,
  subject: Subject,
  act: () => Promise<number>,
): Promise<Sample> {
  const before = cpuSeconds(subject.pid)
  const speed = await act()
  const cost = cpuSeconds(subject.pid) - before
  return {
    figure: cost / ((recordCount(bench) * recordBytes) / gigabyte),
    details: { 'MB/s': speed },
  }
}

async function measureProduce(
  bench: Bench,
  subject: Subject,
  properties: readonly string[],
): Promise<Sample> {
  const topic = `bench-produce-${bench.unique()}`
  await createTopic(bench.broker.port, topic, partitions)
  const sample = await perGigabyte(bench, subject, () =>
    produceTo(bench, subject.port, topic, properties),
  )
  await deleteTopic(bench.broker.port, topic)
  return sample
}

export const produceDefault = {
  kind: 'running',
  name: 'produce',
  title: 'produce, default batches',
  unit: 'CPU s/GB',
  goal: { kind: 'ratio', max: 0.95 },
  measure: (bench, subject) => measureProduce(bench, subject, []),
} as const satisfies Case

export const produceBig: Case = {
  kind: 'running',
  name: 'produce-1m',
  title: 'produce, 1 MiB batches',
  unit: 'CPU s/GB',
  goal: { kind: 'ratio', max: 0.85 },
  measure: (bench, subject) => measureProduce(bench, subject, bigBatches),
}

/** What `consumeFrom` reads, written to the broker directly into a topic that is there. */
export async function fillBulk(bench: Bench, topic: string): Promise<void> {
  await produceTo(bench, bench.broker.port, topic, [])
}

/** @returns MB/s as the tool tells it */
export async function consumeFrom(bench: Bench, port: number, topic: string): Promise<number> {
  const { stdout } = await bench.broker.tool('org.apache.kafka.tools.ConsumerPerformance', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic],
    ...['--num-records', String(recordCount(bench)), '--group', `bench-${bench.unique()}`],
    '--hide-header',
  ])
  // start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, ...
  const columns = (stdout.trim().split('\n').at(-1) ?? '').split(',').map((s) => s.trim())
  const [, , , speed, count] = columns
  if (Number(count) < recordCount(bench)) {
    throw new Error(`ConsumerPerformance read not all: ${stdout}`)
  }
  return Number(speed)
}

/** All rounds read the same log, which goes to the broker directly. */
export const consume: Case = {
  kind: 'running',
  name: 'consume',
  title: 'consume',
  unit: 'CPU s/GB',
  goal: { kind: 'ratio', max: 0.7 },
  async prepare(bench) {
    await createTopic(bench.broker.port, consumeTopic, partitions)
    await fillBulk(bench, consumeTopic)
  },
  measure: (bench, subject) =>
    perGigabyte(bench, subject, () => consumeFrom(bench, subject.port, consumeTopic)),
}
