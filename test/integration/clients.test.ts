import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sidecarOf, type RunningSidecar } from '../acceptance/sidecar.ts'
import { rollingRestart, runTraffic } from '../acceptance/traffic.ts'
import { foreignErrors, isOfRestart, type Judgement } from '../acceptance/verdict.ts'
import { clientNames, setupClients, type ClientName } from '../clients/index.ts'
import { requireKafka, startCluster, type Cluster } from '../kafka/index.ts'

const kafka = await requireKafka()
const setup = await setupClients({ which: kafka ? clientNames : [] })
for (const [client, reason] of setup.missing) console.warn(`skipped: ${client}, for ${reason}`)
if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1' && setup.missing.size > 0)
  throw new Error(`clients are missing: ${[...setup.missing.keys()].join(', ')}`)

const version = '3.9.1'
const setupTimeoutMs = 480_000
/** Records per second and lane, of which there are twice as many as clients: small machines run this. */
const rate = 25

/** Not all at once: sixteen processes beside three brokers would test the machine. */
const halves = [0, 1].map((half) => {
  const programs = [...setup.programs.values()].filter((_, i) => i % 2 === half)
  return { programs, names: programs.map(({ client }) => client).join(', ') }
})

/**
 * The slice of the acceptance matrix that always runs: clients through one sidecar and without it, at the same
 * time, while each of three brokers is restarted. What the machine does to one it does to both.
 */
describe.skipIf(!kafka).each(halves)(
  `unmodified clients through the sidecar, Kafka ${version} restarting: $names`,
  ({ programs }) => {
    const directs = new Map<ClientName, Judgement>()
    const throughs = new Map<ClientName, Judgement>()
    let cluster: Cluster
    let sidecar: RunningSidecar

    beforeAll(async () => {
      cluster = await startCluster({ version, brokers: 3 })
      sidecar = await sidecarOf(cluster)
      const hidden = cluster.brokers.map(({ host, port }) => `${host}:${port}`)
      const { bootstrapServers } = cluster
      const planned = programs.flatMap((program) => [
        {
          judged: directs,
          lane: { name: `${program.client}-direct`, program, bootstrap: bootstrapServers },
        },
        {
          judged: throughs,
          lane: { name: program.client, program, bootstrap: sidecar.bootstrap, hidden },
        },
      ])
      const results = await runTraffic({
        cluster,
        lanes: planned.map(({ lane }) => lane),
        rate,
        during: () => rollingRestart(cluster),
      })
      for (const [i, { judged, lane }] of planned.entries()) {
        const judgement = results[i]
        if (judgement !== undefined) judged.set(lane.program.client, judgement)
      }
    }, setupTimeoutMs)

    afterAll(async () => {
      await sidecar?.stop()
      await cluster?.stop()
    })

    test.for(programs.map(({ client }) => client))(
      '%s loses nothing, and sees no more than without it',
      (client) => {
        const [through, direct] = [throughs.get(client), directs.get(client)]
        if (through === undefined || direct === undefined) throw new Error('a lane was not judged')
        // A client that breaks the law without a sidecar is to be known, and is not our failure.
        for (const finding of direct.findings) console.warn(`${client}, directly: ${finding}`)
        expect(through.findings).toEqual([])
        const foreign = foreignErrors(through, [direct])
        // Of ordinary ones, chance decides which lane sees them.
        for (const kind of foreign) console.warn(`${client}, only through the sidecar: ${kind}`)
        expect(foreign.filter((kind) => !isOfRestart(kind))).toEqual([])
        // It did work, before, during and after the restarts, and about as much.
        expect(direct.figures.acked).toBeGreaterThan(rate)
        expect(through.figures.acked).toBeGreaterThan(direct.figures.acked / 2)
      },
    )
  },
)
