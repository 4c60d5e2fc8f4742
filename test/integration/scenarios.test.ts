import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { setupClients } from '../clients/index.ts'
import { namedScenarios, Stage } from '../cutover/scenarios/index.ts'
import { requireKafka, startCluster } from '../kafka/index.ts'

/**
 * Those of the acceptance matrix that always run: what only real brokers do, a kill in the middle of it, every client while it
 * hears of new partitions, and one that leaves its sidecar behind.
 */
const names = [
  'stragglers',
  'stragglers-killed',
  'lost-acks-killed',
  'unordered-latest',
  'unordered-leaving-java-4.3.1',
]
const [sourceVersion, targetVersion] = ['3.9.1', '4.3.1']

const kafka = await requireKafka()
const scenarios = namedScenarios.filter(({ name }) => names.includes(name))
const which = [...new Set(scenarios.flatMap(({ clients }) => clients))]
const setup = await setupClients({ which: kafka ? which : [] })
for (const [client, reason] of setup.missing) console.warn(`skipped: ${client}, for ${reason}`)
if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1' && setup.missing.size > 0)
  throw new Error(`clients are missing: ${[...setup.missing.keys()].join(', ')}`)

describe.skipIf(!kafka || setup.missing.size > 0)(
  `a cutover from Kafka ${sourceVersion} to ${targetVersion}`,
  () => {
    test.for(scenarios)('$name', async ({ play, source: particular }) => {
      const [source, target] = await Promise.all([
        startCluster({ version: sourceVersion, brokers: 1, name: 'source', ...particular }),
        startCluster({ version: targetVersion, brokers: 1, name: 'target' }),
      ])
      const unique = randomBytes(4).toString('hex')
      const stage = new Stage({ source, target, programs: setup.programs, unique })
      try {
        await play(stage)
        expect(stage.findings).toEqual([])
        expect(stage.held.length).toBeGreaterThan(0)
      } finally {
        await stage.end()
        await Promise.all([source.stop(), target.stop()])
      }
    })
  },
)
