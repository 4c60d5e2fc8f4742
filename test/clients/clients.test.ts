import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTopics, requireKafka, startCluster, until, type Cluster } from '../kafka/index.ts'
import {
  clientNames,
  compressionsWith,
  setupClients,
  startClient,
  type ClientEvent,
  type Login,
  type Workload,
} from './index.ts'

const kafka = await requireKafka()
const setup = await setupClients({ which: kafka ? clientNames : [] })
for (const [client, reason] of setup.missing) console.warn(`skipped: ${client}, for ${reason}`)

const version = '3.9.1'
const records = 20

/** The programs themselves, without a sidecar: a test that rests on them is worth what they are. */
describe.skipIf(!kafka)('the program of', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster({ version, brokers: 1, security: 'sasl_ssl' })
  })
  afterAll(() => cluster?.stop())

  test.for([...setup.programs.values()])(
    '$client logs in, produces every variant, consumes and ends',
    async (program) => {
      const { client } = program
      const variants: Partial<Workload>[] = [
        ...compressionsWith(client, version).map((compression) => ({ compression })),
        { idempotence: false },
        { acks: '1' },
        { acks: '0' },
      ]
      await createTopics(cluster, [client], { partitions: 3 })
      const common = { bootstrap: cluster.bootstrapServers, topic: client, login: loginOf(cluster) }
      const consumer = startClient(
        program,
        { ...common, role: 'consume', id: `${client}-c`, group: client, records: 0 },
        version,
      )
      const producers = []
      for (const [i, variant] of variants.entries()) {
        const id = `${client}-p${i}`
        const workload = { ...common, ...variant, role: 'produce', id, records, rate: 200 } as const
        const producer = startClient(program, workload, version)
        producers.push(producer)
        const code = await producer.ended
        expect(code, JSON.stringify([variant, producer.events.slice(-5)])).toBe(0)
      }
      const expected = variants.length * records
      await until(() => consumer.consumed.length >= expected, 30_000)
      await consumer.stop()

      const seen = new Set(consumer.consumed.map((r) => r.value))
      const unseen = producers.flatMap((producer) =>
        producer.acked.flatMap((r) => (seen.has(r.value) ? [] : [r.value])),
      )
      expect(unseen).toEqual([])
      expect(seen.size).toBe(expected)
      for (const producer of producers) {
        expect(producer.acked).toHaveLength(records)
        // Only without acknowledgements is nobody told an offset.
        const told = producer.acked.every((r) => r.offset >= 0)
        expect(told).toBe(producer.workload.acks !== '0')
      }
      for (const { events } of [consumer, ...producers]) {
        expect(events.filter((e) => e.event === 'error')).toEqual([])
        expect(events.findLast(isNoLog)?.event).toBe('done')
      }
    },
  )

  test.for([...setup.programs.values()])(
    '$client tells what its application sees when the password is wrong',
    async (program) => {
      const topic = `refused-${program.client}`
      await createTopics(cluster, [topic], { partitions: 1 })
      const login = { ...loginOf(cluster), password: 'wrong' }
      const producer = startClient(
        program,
        { role: 'produce', id: 'p', bootstrap: cluster.bootstrapServers, topic, records: 1, login },
        version,
      )
      const told = await until(
        () => producer.events.some((e) => e.event === 'error' || e.event === 'log'),
        60_000,
      )
      await producer.kill()
      expect(told).toBe(true)
      expect(producer.acked).toEqual([])
    },
  )
})

const isNoLog = (event: ClientEvent) => event.event !== 'log'

function loginOf(cluster: Cluster): Login {
  const { certificate } = cluster
  if (certificate === undefined) throw new Error('this cluster speaks no TLS')
  return {
    mechanism: 'PLAIN',
    username: 'alice',
    password: cluster.users['alice'] ?? '',
    ca: certificate.certificateFile,
    truststore: certificate.truststoreFile,
    truststorePassword: certificate.password,
  }
}
