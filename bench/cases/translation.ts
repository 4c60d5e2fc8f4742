import type { Bench, Case } from '../case.ts'
import { fillTopic, move } from '../raw-load.ts'
import type { Subject } from '../subjects.ts'
import { consumeFrom, fillBulk, perGigabyte, produceTo } from './bulk.ts'
import { requestsTo } from './requests.ts'

/** What it costs to go on translating after a cutover: to a sidecar that never had one. */
export const translation = {
  /** The contender behind a finished cutover. */
  name: 'translated',
  partitions: 6,
  /** They moved in the cutover, so that they must be there before it, and stay. */
  topics: {
    produce: 'bench-translation-produce',
    requests: 'bench-translation-requests',
    consume: 'bench-translation-consume',
    warm: 'bench-translation-warm',
  },
  cases: ['translation-produce', 'translation-consume', 'translation-requests'],
} as const

const { topics } = translation
const common = {
  goal: { kind: 'ratio', max: 1.15 },
  compared: { of: translation.name, to: 'sidecar' },
} as const

const produce = {
  ...common,
  kind: 'running',
  name: translation.cases[0],
  title: 'produce behind a cutover, default batches, idempotent',
  unit: 'CPU s/GB',
  measure: (bench, subject) =>
    perGigabyte(bench, subject, () => produceTo(bench, subject.port, topics.produce, [])),
} as const satisfies Case

const consume: Case = {
  ...common,
  kind: 'running',
  name: translation.cases[1],
  title: 'consume behind a cutover',
  unit: 'CPU s/GB',
  // After the cutover, which made the end of the target's log the place where it goes on.
  prepare: (bench) => fillBulk(bench, topics.consume),
  measure: (bench, subject) =>
    perGigabyte(bench, subject, () => consumeFrom(bench, subject.port, topics.consume)),
}

const requests = {
  ...common,
  kind: 'running',
  name: translation.cases[2],
  title: '16 clients behind a cutover, one record a request',
  unit: 'CPU s/100k',
  measure: (bench, subject) => requestsTo(bench, subject, topics.requests),
} as const satisfies Case

export const translationCases: readonly Case[] = [produce, consume, requests]

/** As much of each as warms the other contenders up, through the paths that the cases take. */
export async function warmTranslation(
  bench: Bench,
  subject: Subject,
  traffic: { readonly recordBytes: number; readonly bytes: number },
): Promise<void> {
  await fillTopic(bench.broker.port, topics.warm)
  await requests.measure(bench, subject)
  const [produceTopic, fetchTopic] = [topics.requests, topics.warm]
  const { partitions } = translation
  await move({ port: subject.port, produceTopic, fetchTopic, partitions, ...traffic }, { bytes: 0 })
  await produce.measure(bench, subject)
}
