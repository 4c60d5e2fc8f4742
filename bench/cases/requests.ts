import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { apis, zeroUuid } from '../../src/protocol/index.ts'
import { endProcess, exitOf, spawnTied } from '../../test/kafka/index.ts'
import type { Bench, Case, Sample } from '../case.ts'
import { cpuSeconds, pinned } from '../cores.ts'
import { createTopic, deleteTopic, KafkaConnection, metadataRequest, versions } from '../kafka.ts'
import type { LoadResult } from '../load.ts'
import type { Subject } from '../subjects.ts'

/** Small requests one after the other: what the turn through a proxy costs, and how long it takes. */

const partitions = 6
const seconds = 4
const loadFile = fileURLToPath(new URL('../load.ts', import.meta.url))

/** Where an ordinary client would send its requests: the leader's address, as the proxy tells it. */
async function leaderPort(bootstrapPort: number, topic: string): Promise<number> {
  const kafka = await KafkaConnection.open(bootstrapPort)
  const answer = await kafka.request(apis.metadata, versions.metadata, {
    ...metadataRequest,
    topics: [{ name: topic, topicId: zeroUuid }],
  })
  kafka.close()
  const leader = answer.topics[0]?.partitions[0]?.leaderId
  const port = answer.brokers.find((broker) => broker.nodeId === leader)?.port
  if (port === undefined) throw new Error(`no leader of ${topic} in the metadata`)
  return port
}

interface Load {
  readonly bench: Bench
  readonly port: number
  readonly connections: number
  /** One that is there, and stays. */
  readonly topic?: string
}

/** Runs the load, by default on a topic of its own. `around` brackets what is counted, without the warm-up. */
async function runLoad(
  { bench, port, connections, topic: existing }: Load,
  around: { begin(): void; end(): void },
): Promise<LoadResult> {
  const topic = existing ?? `bench-requests-${bench.unique()}`
  if (existing === undefined) await createTopic(bench.broker.port, topic, partitions)
  const flags = {
    port: await leaderPort(port, topic),
    topic,
    partitions,
    connections,
    seconds,
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const node = [process.execPath, loadFile, ...args]
  const [command = '', ...rest] = pinned(bench.cores?.load, node)
  const child = spawnTied(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    let said = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said === '' && text.startsWith('ready')) {
        around.begin()
        child.stdin?.write('go\n')
      }
      said += text
    })
    if (child.stdout !== null) await once(child.stdout, 'end')
    around.end()
    if ((await exitOf(child)) !== 0) throw new Error('the load has failed')
    return loadResult(said.split('\n')[1] ?? '')
  } finally {
    await endProcess(child, 'SIGKILL')
    if (existing === undefined) await deleteTopic(bench.broker.port, topic)
  }
}

function loadResult(line: string): LoadResult {
  const parsed: unknown = JSON.parse(line)
  const number = (name: keyof LoadResult): number => {
    const value: unknown =
      typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, name) : undefined
    if (typeof value !== 'number') throw new Error(`the load gave no ${name}: ${line}`)
    return value
  }
  return {
    requests: number('requests'),
    seconds: number('seconds'),
    p50: number('p50'),
    p99: number('p99'),
  }
}

const requestsPerUnit = 100_000

/** @param topic one that is there, and stays; else one of its own */
export async function requestsTo(bench: Bench, subject: Subject, topic?: string): Promise<Sample> {
  let before = 0
  let after = 0
  const load = await runLoad(
    { bench, port: subject.port, connections: 16, ...(topic === undefined ? {} : { topic }) },
    {
      begin: () => (before = cpuSeconds(subject.pid)),
      end: () => (after = cpuSeconds(subject.pid)),
    },
  )
  return {
    figure: ((after - before) / load.requests) * requestsPerUnit,
    details: { 'requests/s': load.requests / load.seconds },
  }
}

export const smallRequests = {
  kind: 'running',
  name: 'requests',
  title: '16 clients, one record a request',
  unit: 'CPU s/100k',
  goal: { kind: 'ratio', max: 1.35 },
  measure: (bench, subject) => requestsTo(bench, subject),
} as const satisfies Case

const nothing = { begin: () => {}, end: () => {} }
const microsecondsPerMillisecond = 1000

/** The broker alone is measured right before, so that its own moods cancel out. */
export const latency: Case = {
  kind: 'running',
  name: 'latency',
  title: 'added latency, p50',
  unit: 'us',
  goal: { kind: 'none' },
  async measure(bench, subject) {
    const direct = await runLoad({ bench, port: bench.broker.port, connections: 1 }, nothing)
    const through = await runLoad({ bench, port: subject.port, connections: 1 }, nothing)
    const added = (name: 'p50' | 'p99') =>
      (through[name] - direct[name]) * microsecondsPerMillisecond
    return {
      figure: added('p50'),
      details: {
        'added p99 us': added('p99'),
        'direct p50 us': direct.p50 * microsecondsPerMillisecond,
        'direct p99 us': direct.p99 * microsecondsPerMillisecond,
      },
    }
  },
}
