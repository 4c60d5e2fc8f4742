/** `check` on real sockets: two embedded clusters, and what stands in the way of a cutover. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { check } from '../src/check.ts'
import { loadConfig, type Config, type Flags } from '../src/config/index.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../src/embedded/index.ts'
import { freePortRow } from './kafka/index.ts'

let source: EmbeddedCluster
let target: EmbeddedCluster

beforeEach(async () => {
  const topics = ['orders', 'bills'].map((name) => ({ name, partitions: 2 }))
  source = await startEmbeddedCluster({ brokers: 2, topics })
  target = await startEmbeddedCluster({ brokers: 1, topics: topics.slice(0, 1) })
})

afterEach(async () => {
  await Promise.all([source.stop(), target.stop()])
})

async function config(flags: Partial<Flags> = {}): Promise<Config> {
  const loaded = await loadConfig({
    flags: { source: source.bootstrapServers, target: target.bootstrapServers, ...flags },
    env: {},
    readFile: () => '',
  })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ text }) => text).join('\n'))
  return loaded.config
}

describe('check', () => {
  it('is ready for a plan that the target can take', async () => {
    const report = await check(await config({ topics: 'orders' }), '1.2.3')
    expect(report.findings.filter(({ severity }) => severity === 'blocking')).toEqual([])
    expect(report).toMatchObject({
      ready: true,
      everyTopic: false,
      topics: [{ source: 'orders', target: 'orders', partitions: 2 }],
    })
  })

  it('is blocked by a topic that the target lacks', async () => {
    const report = await check(await config(), '1.2.3')
    expect(report.ready).toBe(false)
    expect(report.findings[0]).toMatchObject({
      severity: 'blocking',
      subject: 'topic bills',
      problem: 'the target has no topic bills',
    })
  })

  it('finds a cluster that cannot be reached, and says what went wrong', async () => {
    const port = await freePortRow(1)
    const report = await check(await config({ target: `127.0.0.1:${port}` }), '1.2.3')
    expect(report).toMatchObject({ ready: false, topics: [] })
    expect(report.findings).toHaveLength(1)
    expect(report.findings[0]).toMatchObject({ severity: 'blocking', subject: 'the target' })
    expect(report.findings[0]?.evidence).toContain('ECONNREFUSED')
  })

  it.each([[{ journal: 'topic:__kafka_cutover' }, 'cutover.journal']])(
    'is blocked by what is not built yet: %j',
    async (flags, subject) => {
      const report = await check(await config({ topics: 'orders', ...flags }), '1.2.3')
      const blocking = report.findings.filter(({ severity }) => severity === 'blocking')
      expect(blocking).toMatchObject([{ subject, problem: 'it is not built yet' }])
    },
  )
})
