import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sidecarOf, type RunningSidecar } from '../acceptance/sidecar.ts'
import { rollingRestart, runTraffic } from '../acceptance/traffic.ts'
import type { Judgement } from '../acceptance/verdict.ts'
import { clientNames, clients, setupClients, type ClientName } from '../clients/index.ts'
import { requireKafka, startCluster, type Cluster } from '../kafka/index.ts'

const kafka = await requireKafka()
const setup = await setupClients({ which: kafka ? clientNames : [] })
for (const [client, reason] of setup.missing) console.warn(`skipped: ${client}, for ${reason}`)
if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1' && setup.missing.size > 0)
  throw new Error(`clients are missing: ${[...setup.missing.keys()].join(', ')}`)

const version = '3.9.1'
const setupTimeoutMs = 300_000
const rate = 50

/**
 * The slice of the acceptance matrix that always runs: every client through one sidecar, all at the
 * same time, while each of three brokers is restarted.
 */
describe.skipIf(!kafka)(
  `unmodified clients through the sidecar, Kafka ${version} restarting`,
  () => {
    const judgements = new Map<ClientName, Judgement>()
    let cluster: Cluster
    let sidecar: RunningSidecar

    beforeAll(async () => {
      cluster = await startCluster({ version, brokers: 3 })
      sidecar = await sidecarOf(cluster)
      const programs = [...setup.programs.values()]
      const lanes = programs.map((program) => ({
        name: program.client,
        program,
        bootstrap: sidecar.bootstrap,
      }))
      const results = await runTraffic({
        cluster,
        lanes,
        rate,
        during: () => rollingRestart(cluster),
      })
      for (const [i, program] of programs.entries()) {
        const judgement = results[i]
        if (judgement !== undefined) judgements.set(program.client, judgement)
      }
    }, setupTimeoutMs)

    afterAll(async () => {
      await sidecar?.stop()
      await cluster?.stop()
    })

    test.for([...setup.programs.keys()])('%s loses nothing and notices nothing', (client) => {
      const judgement = judgements.get(client)
      expect(judgement?.findings).toEqual([])
      const known = clients[client].restartErrors
      expect(judgement?.errorKinds.filter((kind) => !known.includes(kind))).toEqual([])
      // It did work, before, during and after the restarts.
      expect(judgement?.figures.acked).toBeGreaterThan(10 * rate)
    })
  },
)
