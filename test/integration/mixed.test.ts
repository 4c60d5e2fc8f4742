import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startSidecar, type RunningSidecar } from '../acceptance/sidecar.ts'
import { assignmentsOf, setupClients, startClient, type RunningClient } from '../clients/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { getStatus, postCommand } from '../../src/cli/api.ts'
import { apis } from '../../src/protocol/index.ts'
import { requireKafka, until } from '../kafka/index.ts'

const kafka = await requireKafka()
const client = 'java-4.3.1'
const setup = await setupClients({ which: kafka ? [client] : [] })
const program = setup.programs.get(client)
for (const [name, reason] of setup.missing) console.warn(`skipped: ${name}, for ${reason}`)
if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1' && program === undefined)
  throw new Error(`clients are missing: ${client}`)

const brokerVersion = '3.9.1'
/** Longer than a member takes to join anew. */
const validationMs = 2_000
const topics = (partitions: number) => [
  { name: 'orders', partitions: 2 },
  { name: 'logs', partitions },
]

let source: EmbeddedCluster
let target: EmbeddedCluster
let directory: string
let sidecar: RunningSidecar
const clients: RunningClient[] = []

beforeEach(async () => {
  source = await startEmbeddedCluster({ brokers: 1, topics: topics(2) })
  target = await startEmbeddedCluster({ brokers: 1, topics: topics(3) })
  directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-test-'))
  const plan = { topics: [{ source: 'orders' }, { source: 'logs', mode: 'unordered' }] }
  await writeFile(join(directory, 'plan.yaml'), JSON.stringify({ cutover: plan }))
  sidecar = await startSidecar({
    ...{ source: source.bootstrapServers, target: target.bootstrapServers, brokers: 1 },
    args: ['--config', join(directory, 'plan.yaml')],
  })
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.kill()))
  await sidecar.stop()
  await Promise.all([source.stop(), target.stop()])
  await rm(directory, { recursive: true, force: true })
})

/**
 * Who is told of new partitions of one topic looks up metadata and joins anew at once. Had the leaders of another topic
 * changed with it, the Java client would leave out of its last commit whatever it has not checked by then.
 */
test.skipIf(program === undefined)(
  'a group on Java that reads topics of both kinds repeats nothing, however long its positions are checked',
  async () => {
    if (program === undefined) return
    for (const cluster of [source, target]) {
      const late = () => ({ kind: 'delay', ms: validationMs }) as const
      cluster.control(apis.offsetForLeaderEpoch, late, { keep: true })
    }
    const { bootstrap } = sidecar
    const start = (workload: Partial<Parameters<typeof startClient>[1]>, id: string) => {
      const all = { role: 'consume', bootstrap, topic: 'orders,logs', records: 0, id, ...workload }
      const started = startClient(program, all as Parameters<typeof startClient>[1], brokerVersion)
      clients.push(started)
      return started
    }
    const groups = assignmentsOf(client, brokerVersion).map((assignment) =>
      [1, 2].map((i) => start({ group: assignment, assignment }, `${assignment}-${i}`)),
    )
    const members = groups.flat()
    await until(() => members.every(({ events }) => events.some((e) => e.event === 'assigned')), 30_000) // prettier-ignore
    const producers = ['orders', 'logs'].map((topic) =>
      start({ role: 'produce', topic, records: 1_000_000, rate: 60 }, topic),
    )
    await until(() => members.every(({ consumed }) => consumed.length > 100), 30_000)
    const admin = { url: new URL(sidecar.admin), token: null }
    expect((await postCommand(admin, 'cutover', {})).kind).toBe('ok')
    const phase = async () => {
      const status = await getStatus(admin)
      return status.kind === 'ok' ? status.value.phase : undefined
    }
    await until(async () => (await phase()) === 'target', 90_000)
    expect(await phase()).toBe('target')
    for (const producer of producers) await producer.stop()
    const sent = producers.flatMap(({ acked }) => acked.map(({ value }) => value)).toSorted()
    for (const group of groups) {
      const came = () => group.flatMap(({ consumed }) => consumed.map(({ value }) => value))
      await until(() => came().length >= sent.length, 30_000)
      expect(came().toSorted()).toEqual(sent)
    }
  },
  180_000,
)
