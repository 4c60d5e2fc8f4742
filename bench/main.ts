import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { requireKafka } from '../test/kafka/index.ts'
import { peerNames, startBroker, type Broker } from './broker.ts'
import { buildSidecar, root } from './build.ts'
import type { Bench, Case } from './case.ts'
import { createTopic, smallLog } from './kafka.ts'
import { fillTopic, move } from './raw-load.ts'
import { consume, produceBig, produceDefault } from './cases/bulk.ts'
import { idle } from './cases/idle.ts'
import { latency, smallRequests } from './cases/requests.ts'
import { start } from './cases/start.ts'
import { translationCases, warmTranslation } from './cases/translation.ts'
import { divideCores } from './cores.ts'
import { printReport, summarize } from './report.ts'
import { runRounds, takesPart, type Contender } from './rounds.ts'
import { bareKind, haproxyKind, haproxyVersion, sidecarKind, type SubjectKind } from './subjects.ts'
import { translatedKind } from './translated.ts'

const allCases: readonly Case[] = [
  produceDefault,
  produceBig,
  consume,
  smallRequests,
  latency,
  idle,
  start,
  ...translationCases,
]

const usage = `npm run bench -- [options]

The sidecar beside HAProxy in TCP mode, before a real broker, in interleaved rounds.

  --only A,B       cases: ${allCases.map((of) => of.name).join(', ')}
  --rounds N       default 3
  --megabytes N    what one bulk measurement moves, default 512
  --peer A,B       haproxy (default), bare (a proxy in Node that knows nothing of Kafka), or none
  --baseline CMD   another sidecar to compare to, e.g. "node ../before/dist/main.js"
  --sidecar CMD    the sidecar itself, default the one that is built here
  --noise CORES    what others may take of the machine before a round does not count, default 0.3
  --wait SECONDS   how long to wait before a round until it is as quiet as that, default 0
  --kafka VERSION  default 4.3.1
  --json FILE      all that was measured
`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    megabytes: { type: 'string', default: '512' },
    peer: { type: 'string', default: 'haproxy' },
    baseline: { type: 'string' },
    sidecar: { type: 'string' },
    noise: { type: 'string', default: '0.3' },
    wait: { type: 'string', default: '0' },
    kafka: { type: 'string', default: '4.3.1' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => console.log(line)
const warmUpBytes = 500e6
const sidecarName = 'sidecar'
const sourceName = 'sidecar (.ts)'

async function main(): Promise<number> {
  const only = values.only?.split(',')
  const cases = allCases.filter((of) => only?.includes(of.name) ?? true)
  const unknown = only?.filter((name) => !allCases.some((of) => of.name === name)) ?? []
  if (unknown.length > 0) {
    console.error(`no such case: ${unknown.join(', ')}\n\n${usage}`)
    return 2
  }
  if (!(await requireKafka())) return 1
  const peers = values.peer === 'none' ? [] : values.peer.split(',')
  const strange = peers.filter((name) => !peerNames.some((known) => known === name))
  if (strange.length > 0) {
    console.error(`no such peer: ${strange.join(', ')}\n\n${usage}`)
    return 2
  }
  const peerVersion = peers.includes('haproxy') ? await haproxyVersion() : undefined
  if (peers.includes('haproxy') && peerVersion === undefined) {
    console.error('haproxy is not installed; --peer none measures without it')
    return 1
  }
  const cores = divideCores()
  const environment = {
    node: process.version,
    kafka: values.kafka,
    haproxy: peerVersion ?? 'none',
    cores: availableParallelism(),
    congestionControl: congestionControl(),
  }
  say(Object.entries(environment).map((entry) => entry.join(' ')).join(', ')) // prettier-ignore
  const sidecar = values.sidecar?.split(' ') ?? (await buildSidecar())
  const broker = await startBroker(values.kafka, cores)
  const kinds = subjectKinds(sidecar, broker)
  const contenders: Contender[] = []
  try {
    for (const kind of kinds) {
      const runs = cases.some((of) => of.kind === 'running' && takesPart(kind, of))
      contenders.push({ kind, subject: runs ? await kind.start() : undefined })
    }
    const bench: Bench = {
      broker,
      cores,
      bulkBytes: Number(values.megabytes) * 1e6,
      unique: counter(),
    }
    await warmUp(bench, contenders)
    const results = await runRounds(bench, cases, contenders, {
      rounds: Number(values.rounds),
      noiseMax: Number(values.noise),
      waitMs: Number(values.wait) * 1000,
      say,
    })
    const lines = summarize(results, sidecarName, 'haproxy')
    printReport(lines, say)
    if (values.json !== undefined) {
      const rounds = results.map((result) => ({
        name: result.case.name,
        rounds: result.rounds.map((round) => Object.fromEntries(round)),
      }))
      await writeFile(values.json, `${JSON.stringify({ environment, lines, rounds }, null, 2)}\n`)
    }
    return 0
  } finally {
    for (const { subject } of contenders) await subject?.stop()
    await broker.stop()
  }

  function subjectKinds(command: readonly string[], to: Broker): SubjectKind[] {
    const source = [process.execPath, `${root}src/main.ts`]
    return [
      sidecarKind(sidecarName, command, to, cores),
      ...(peers.includes('haproxy') ? [haproxyKind(to, cores)] : []),
      ...(peers.includes('bare') ? [bareKind(to, cores)] : []),
      ...(values.baseline === undefined
        ? []
        : [sidecarKind('baseline', values.baseline.split(' '), to, cores)]),
      { ...sidecarKind(sourceName, source, to, cores), onlyIn: [start.name] },
      translatedKind(command, to, cores),
    ]
  }
}

const warmTraffic = {
  produceTopic: 'bench-warm-produce',
  partitions: 6,
  fetchTopic: 'bench-warm-fetch',
  // About what a request of a producer with default settings carries to six partitions.
  recordBytes: 90_000,
  bytes: 1.5e9,
}

/**
 * Hot code is compiled, in the sidecar and in the broker, before anything counts: a sidecar runs for
 * weeks. V8 optimizes what has run thousands of times, which a gigabyte in big frames is not enough for.
 */
async function warmUp(bench: Bench, contenders: readonly Contender[]): Promise<void> {
  const { port } = bench.broker
  const small = { ...bench, bulkBytes: warmUpBytes }
  await createTopic(port, warmTraffic.produceTopic, warmTraffic.partitions, smallLog)
  await createTopic(port, warmTraffic.fetchTopic, 1)
  await fillTopic(port, warmTraffic.fetchTopic)
  for (const { kind, subject } of contenders) {
    if (subject === undefined) continue
    if (kind.onlyIn !== undefined) {
      await warmTranslation(small, subject, {
        recordBytes: warmTraffic.recordBytes,
        bytes: warmTraffic.bytes,
      })
      say(`${kind.name} is warm`)
      continue
    }
    await smallRequests.measure(small, subject)
    await move({ port: subject.port, ...warmTraffic }, { bytes: 0 })
    await produceDefault.measure(small, subject)
    say(`${kind.name} is warm`)
  }
}

function counter(): () => string {
  let last = 0
  return () => String(++last)
}

function congestionControl(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

if (values.help) say(usage)
else process.exitCode = await main()
