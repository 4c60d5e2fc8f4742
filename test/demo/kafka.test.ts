import { expect, test } from 'vitest'
import { startEmbeddedCluster } from '../../src/embedded/index.ts'
import {
  kafkaClusters,
  runDemo,
  type DemoOptions,
  type KafkaStarter,
} from '../../src/demo/index.ts'
import { startSidecar } from '../../src/sidecar.ts'
import * as realKafka from '../kafka/index.ts'

// What is loaded at run time has the shape that the demo expects.
realKafka satisfies KafkaStarter

type StartCluster = KafkaStarter['startCluster']

/** Starts embedded clusters for real ones, and knows what became of them. */
function fakeKafka(faults: Partial<KafkaStarter> = {}) {
  const asked: Parameters<StartCluster>[0][] = []
  const stopped: string[] = []
  const startCluster: StartCluster = async (options) => {
    asked.push(options)
    const delay = Number(options.properties['group.initial.rebalance.delay.ms'] ?? 0)
    const cluster = await startEmbeddedCluster({
      brokers: options.brokers,
      topics: [{ name: 'orders', partitions: 6 }],
      limits: { initialRebalanceDelayMs: delay },
    })
    return {
      bootstrapServers: cluster.bootstrapServers,
      async stop() {
        stopped.push(options.name)
        await cluster.stop()
      },
    }
  }
  const kafka: KafkaStarter = {
    availability: () => Promise.resolve({ jvm: true, docker: false, reasons: ['no Docker'] }),
    startCluster,
    createTopics: () => Promise.resolve(),
    ...faults,
  }
  return { kafka, asked, stopped, startCluster }
}

async function demo(load: () => Promise<unknown>, options: Partial<DemoOptions> = {}) {
  const world = { stdout: '', stderr: '' }
  const code = await runDemo({
    startClusters: kafkaClusters(load),
    startSidecar,
    stdout: { isTTY: false, write: (text) => void (world.stdout += text) },
    stderr: { isTTY: true, write: (text) => void (world.stderr += text) },
    signal: new AbortController().signal,
    seconds: 1,
    ...options,
  })
  return { ...world, code }
}

test('plays on what is loaded, and says which Kafka it was', async () => {
  const topics: unknown[] = []
  const { kafka, asked, stopped } = fakeKafka({
    createTopics: (_cluster, names, options) => {
      topics.push([names, options])
      return Promise.resolve()
    },
  })
  const { code, stdout, stderr } = await demo(() => Promise.resolve(kafka))
  expect(stdout.split('\n').slice(-5)).toEqual([
    'clusters        source Kafka 3.9.1, target Kafka 4.3.1, three brokers each',
    expect.stringMatching(/^cutover {9}phase target/),
    expect.any(String),
    expect.stringMatching(/^verdict: clean: /),
    '',
  ])
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /^starting two Kafka clusters, 3\.9\.1 and 4\.3\.1, three brokers each \.\.\. \d+ s\n$/,
  )
  expect(asked).toEqual([
    { version: '3.9.1', brokers: 3, name: 'source', properties: {} },
    {
      ...{ version: '4.3.1', brokers: 3, name: 'target' },
      properties: { 'group.initial.rebalance.delay.ms': '3000' },
    },
  ])
  expect(topics).toEqual([
    [['orders'], { partitions: 6 }],
    [['orders'], { partitions: 6 }],
  ])
  expect(stopped).toEqual(['source', 'target'])
})

test('is refused where what starts Kafka is not shipped', async () => {
  const missing = Object.assign(new Error("Cannot find module 'test/kafka/index.ts'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  const { code, stdout, stderr } = await demo(() => Promise.reject(missing))
  expect(code).toBe(3)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^demo --kafka: what starts real brokers is not here\. Nothing was done\./)
  expect(stderr).toContain(`\n  ${missing.message}\n`)
  expect(stderr).toContain('clone')
})

test('does not hide another error in what is loaded', async () => {
  await expect(demo(() => Promise.reject(new SyntaxError('a bug')))).rejects.toThrow('a bug')
  await expect(demo(() => Promise.resolve({}))).rejects.toThrow('startCluster')
})

test('is refused where there is nothing to run Kafka with, and says why', async () => {
  const reasons = ['java is not installed', 'no Docker engine answers']
  const { kafka, asked } = fakeKafka({
    availability: () => Promise.resolve({ jvm: false, docker: false, reasons }),
  })
  const { code, stderr } = await demo(() => Promise.resolve(kafka))
  expect(code).toBe(3)
  expect(stderr).toContain(
    'Nothing was done.\n  java is not installed\n  no Docker engine answers\n',
  )
  expect(asked).toEqual([])
})

test('stops the one where the other does not start, and says why', async () => {
  const { kafka, stopped, startCluster } = fakeKafka()
  const failing: KafkaStarter = {
    ...kafka,
    startCluster: (options) =>
      options.name === 'source' ? Promise.reject(new Error('no port')) : startCluster(options),
  }
  const { code, stderr } = await demo(() => Promise.resolve(failing))
  expect(stopped).toEqual(['target'])
  expect(stderr).toMatch(/did not start, and are stopped\.\nno port\n$/)
  expect(code).toBe(1)
})

test('stops both where their topics cannot be created', async () => {
  const { kafka, stopped } = fakeKafka({
    createTopics: () => Promise.reject(new Error('not known everywhere')),
  })
  const { code, stderr } = await demo(() => Promise.resolve(kafka))
  expect(stopped.sort()).toEqual(['source', 'target'])
  expect(stderr).toMatch(/\nnot known everywhere\nnot known everywhere\n$/)
  expect(code).toBe(1)
})

test.for([
  ['does not start', () => Promise.reject(new Error('broken'))] as const,
  [
    'does not stop',
    async (...args: Parameters<typeof startSidecar>) => {
      const sidecar = await startSidecar(...args)
      const stop = () => sidecar.stop().then(() => Promise.reject(new Error('broken')))
      return { ...sidecar, stop }
    },
  ] as const,
])('stops both where the sidecar %s', async ([, start]) => {
  const { kafka, stopped } = fakeKafka()
  const options = { startSidecar: start, seconds: 600, signal: AbortSignal.timeout(1_500) }
  await expect(demo(() => Promise.resolve(kafka), options)).rejects.toThrow('broken')
  expect(stopped.sort()).toEqual(['source', 'target'])
})

test('interrupted while they start, it stops them', async () => {
  const aborter = new AbortController()
  const { kafka, stopped } = fakeKafka({
    createTopics: () => Promise.resolve(aborter.abort()),
  })
  const { code, stdout, stderr } = await demo(() => Promise.resolve(kafka), {
    signal: aborter.signal,
  })
  expect(stopped.sort()).toEqual(['source', 'target'])
  expect(stdout).toBe('')
  expect(stderr).toMatch(/ interrupted, .*\ninterrupted before the applications began\n$/)
  expect(code).toBe(1)
})
