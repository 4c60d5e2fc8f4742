import { describe, expect, test } from 'vitest'
import { compareConfigs } from '../../../src/migrator/preflight/configs.ts'
import { isUnordered, type Finding } from '../../../src/migrator/preflight/index.ts'
import { planTopics, type PlanRow } from '../../../src/migrator/preflight/topics.ts'
import { planUnordered } from '../../../src/migrator/preflight/unordered.ts'
import { apis } from '../../../src/protocol/index.ts'
import { FakeCluster } from '../groups/fake-cluster.ts'

/** A cluster with topics of so many partitions. */
function clusterOf(name: 'source' | 'target', topics: Readonly<Record<string, number>>) {
  const cluster = new FakeCluster(name, () => 0)
  for (const [topic, partitions] of Object.entries(topics)) {
    for (let i = 0; i < partitions; i++) {
      cluster.logs.set(`${topic} ${i}`, { start: 0n, end: 0n, records: Buffer.alloc(0) })
    }
  }
  return cluster
}

const row = (mode: PlanRow['mode']): PlanRow => ({ source: 'logs', target: 'logs-v2', mode })
const plan = (n: number, m: number, rows: readonly PlanRow[] | null = [row('unordered')]) => {
  const target = clusterOf('target', { 'logs-v2': m, logs: m })
  return planTopics(clusterOf('source', { logs: n }), target, rows, 'unordered')
}
const severities = (found: ReturnType<typeof plan>) =>
  found.findings.map(({ severity, problem }) => `${severity}: ${problem}`)

describe('an unordered topic', () => {
  test.each([
    [6, 6],
    [6, 3],
    [6, 12],
    [1, 1],
    [7, 2],
  ])('may have %i partitions on the source and %i on the target', (n, m) => {
    const found = plan(n, m)
    expect(found.topics).toMatchObject([{ name: 'logs', partitions: n, targetPartitions: m }])
    expect(severities(found)).toEqual([
      'warning: a producer that chooses partitions itself cannot be seen from here',
    ])
    expect(found.findings[0]?.evidence).toContain(
      `applications see ${n + m}; what is produced to partition p is read as partition ${n} + (p mod ${m})`,
    )
  })

  test('is what every topic is, where the plan has no rows', () => {
    expect(plan(2, 1, null).topics.map(isUnordered)).toEqual([true])
  })

  test('needs enough partitions for its producers to be told apart', () => {
    const names = { name: 'logs', targetName: 'logs-v2', topicId: null }
    const planned = (partitions: number, targetPartitions: number) => {
      const findings: Finding[] = []
      const topic = planUnordered({ ...names, partitions, targetPartitions }, findings)
      return { topic, findings }
    }
    expect(planned(2_046, 1)).toMatchObject({
      topic: undefined,
      findings: [{ severity: 'blocking', remedy: 'give logs-v2 at least 2 partitions' }],
    })
    expect(planned(2_046, 2).topic).toBeDefined()
    expect(planned(2_045, 1).topic).toBeDefined()
  })
})

test('an ordered topic has no number of its own on the target, and may not have fewer there', () => {
  expect(plan(3, 4, [row('ordered')]).topics.map(isUnordered)).toEqual([false])
  expect(severities(plan(4, 3, [row('ordered')]))).toEqual([
    "blocking: the target's logs-v2 has fewer partitions",
  ])
})

test.each([
  ['compact', 'delete'],
  ['delete', 'compact,delete'],
])('%s on the source and %s on the target refuses an unordered topic', async (from, to) => {
  const clusters = [clusterOf('source', { logs: 1 }), clusterOf('target', { logs: 1 })] as const
  for (const [i, cluster] of clusters.entries()) {
    const value = [from, to][i] ?? ''
    cluster.on(apis.describeConfigs, () => ({
      throttleTimeMs: 0,
      results: [
        {
          ...{ errorCode: 0, errorMessage: null, resourceType: 2, resourceName: 'logs' },
          configs: [{ name: 'cleanup.policy', value, readOnly: false, isSensitive: false }],
        },
      ],
    }))
  }
  const names = { name: 'logs', targetName: 'logs', topicId: null, partitions: 1 }
  const [found] = await compareConfigs(...clusters, [{ ...names, targetPartitions: 1 }])
  expect(found).toMatchObject({ severity: 'blocking', subject: 'topic logs' })
  expect(found?.problem).toContain('it is compacted, so keyed')
  expect(found?.evidence).toContain(`${from} on the source, ${to} on the target`)
})
