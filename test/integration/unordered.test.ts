import { describe, expect, test } from 'vitest'
import { setupClients } from '../clients/index.ts'
import { play } from '../cutover/scenario.ts'
import { requireKafka, startCluster } from '../kafka/index.ts'

const kafka = await requireKafka()
const setup = await setupClients({ which: kafka ? ['java-4.3.1', 'kafkajs'] : [] })
for (const [client, reason] of setup.missing) console.warn(`skipped: ${client}, for ${reason}`)
if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1' && setup.missing.size > 0)
  throw new Error(`clients are missing: ${[...setup.missing.keys()].join(', ')}`)

const [sourceVersion, targetVersion] = ['3.9.1', '4.3.1']
const parallel = { sourcePartitions: 4, targetPartitions: 3 }

/**
 * The slice of the acceptance matrix that always runs: one broker to one, both clusters read at once, and then no
 * source at all. The clients write and read all the time, and are not told.
 */
describe.skipIf(!kafka)(
  `an unordered cutover from Kafka ${sourceVersion} to ${targetVersion}`,
  () => {
    test.for([...setup.programs.values()])(
      '$client loses nothing, sees nothing twice, and reads the target within seconds',
      async (program) => {
        const [source, target] = await Promise.all([
          startCluster({ version: sourceVersion, brokers: 1, name: 'source' }),
          startCluster({ version: targetVersion, brokers: 1, name: 'target' }),
        ])
        try {
          const report = await play({
            ...{ program, source, target, topic: 'orders' },
            ...{ cutover: true, everyTopic: true, stopSource: true, parallel },
          })
          // How long producers wait is measured where nothing else runs: by the whole matrix.
          expect(report.findings.filter((finding) => !finding.startsWith('pause:'))).toEqual([])
          expect(report.flip?.phases.map(({ phase }) => phase)).not.toContain('fenced')
          expect(report.flip?.phases.at(-1)?.phase).toBe('target')
          for (const { acked } of Object.values(report.verdict.producers)) {
            expect(acked).toBeGreaterThan(200)
          }
        } finally {
          await Promise.all([source.stop(), target.stop()])
        }
      },
    )
  },
)
