import { expect, test } from 'vitest'
import { requireKafka, run } from '../kafka/index.ts'

const kafka = await requireKafka()

test.skipIf(!kafka)('the demo on real brokers ends with a clean verdict', async () => {
  const args = ['src/main.ts', 'demo', '--kafka', '--seconds', '10']
  const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 240_000 })
  expect(stderr).toBe('')
  const [clusters, cutover, , verdict] = stdout.trimEnd().split('\n').slice(-4)
  expect(clusters).toBe(
    'clusters        source Kafka 3.9.1, target Kafka 4.3.1, three brokers each',
  )
  expect(cutover).toMatch(/^cutover {9}phase target after .*, then [\d.]+ s without the source$/)
  expect(verdict).toMatch(
    /^verdict: clean: sent (\d+), received by billing \1, received by audit \1, lost 0, out of order 0, repeated 0$/,
  )
  expect(code).toBe(0)
})
