import { Kafka, logLevel } from 'kafkajs'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  atLeast,
  createTopics,
  fetchMetadata,
  run,
  runJava,
  type Cluster,
  type RunResult,
} from '../kafka/index.ts'
import type { Bench, Cell, Outcome } from './cell.ts'
import { normalise, withoutNumbers, type Volatile } from './normal.ts'
import { sidecarOf } from './sidecar.ts'
import { openTee, type Tee } from './tee.ts'
import {
  classOf,
  stepsOf,
  toolNames,
  toolVersion,
  type Half,
  type Step,
  type ToolName,
} from './tool-steps.ts'
import { brokerVersions } from './traffic-cells.ts'

/**
 * Four loopback addresses, which Linux has without being told: tools reach the brokers at the first, or
 * the tee at the third, which leads to the sidecar at the second. So the first must never be among the
 * bytes that pass the tee.
 */
const brokerHost = '127.0.0.2'
const sidecarHost = '127.0.0.3'
const teeHost = '127.0.0.4'

const recordsPerPartition = 10
const repeatsMax = 30

/** Each tool on each version: the same answers through the sidecar as without it. */
export const toolCells: readonly Cell[] = brokerVersions.flatMap((version) =>
  toolNames
    .filter((tool) => stepsFor(tool, version).length > 0)
    .map((tool) => ({
      name: `tool ${tool} ${version}`,
      cluster: { version, brokers: 3, host: brokerHost, authorizer: true },
      clients: [],
      run: (bench) => runToolCell(bench, tool),
    })),
)

function stepsFor(tool: ToolName, version: string): readonly Step[] {
  return stepsOf(tool, version).filter((step) => atLeast(version, step.since ?? '0'))
}

async function runToolCell(bench: Bench, tool: ToolName): Promise<Outcome> {
  const skip = (reason: string): Outcome => ({ verdict: 'skip', findings: [reason], figures: {} })
  if (process.platform !== 'linux') return skip(`only Linux has the address ${teeHost} by itself`)
  if (tool === 'kcat' && (await run('kcat', ['-V'])).code !== 0)
    return skip('kcat is not installed')
  const { cluster } = bench
  const steps = stepsFor(tool, cluster.version)
  const direct = await runHalf(bench, 'direct', cluster.bootstrapServers, steps)
  if (bench.directOnly) {
    // A second run must say the same as the first, or the comparison is worth nothing.
    const again = await runHalf(bench, 'again', cluster.bootstrapServers, steps)
    return verdict(steps, compare(steps, direct, again))
  }
  const sidecar = await sidecarOf(cluster, { host: sidecarHost, advertise: teeHost })
  const ports = [0, ...cluster.brokers.keys()].map((_, i) => sidecar.port + i)
  const tee = await openTee({ host: teeHost, ports, towards: sidecarHost, words: [brokerHost] })
  try {
    const through = await runHalf(bench, 'through', sidecar.bootstrap, steps)
    return verdict(steps, [
      ...compare(steps, direct, through),
      ...leaks(through, tee),
      ...(await blindness(cluster)),
    ])
  } finally {
    await tee.close()
    await sidecar.stop()
  }
}

function verdict(steps: readonly Step[], findings: readonly string[]): Outcome {
  return {
    verdict: findings.length === 0 ? 'pass' : 'fail',
    findings,
    figures: { compared: steps.length },
  }
}

interface Answer {
  readonly result: RunResult
  readonly normal: string
}

async function runHalf(
  bench: Bench,
  name: string,
  bootstrap: string,
  steps: readonly Step[],
): Promise<Answer[]> {
  const { cluster, unique } = bench
  const directory = mkdtempSync(join(tmpdir(), 'kafka-cutover-tools-'))
  const half: Half = {
    bootstrap,
    topic: `orders-${unique}-${name}`,
    newTopic: `fresh-${unique}-${name}`,
    group: `billing-${unique}-${name}`,
    file(file, content) {
      writeFileSync(join(directory, file), JSON.stringify(content))
      return join(directory, file)
    },
  }
  const hosts = [brokerHost, sidecarHost, teeHost]
  const addressesIn = (text: string) =>
    hosts.flatMap(
      (host) => text.match(new RegExp(`${host.replaceAll('.', '\\.')}:\\d+`, 'g')) ?? [],
    )
  const names = [
    [half.topic, 'TOPIC'],
    [half.newTopic, 'NEW-TOPIC'],
    [half.group, 'GROUP'],
  ] as const
  try {
    await furnish(cluster, half, steps)
    const answers: Answer[] = []
    for (const step of steps) {
      const result = await ask(cluster.version, step, half)
      const output = step.ownLines === true ? ownLines(result.stdout, half) : result.stdout
      const volatile: Volatile = { addresses: addressesIn(output), names }
      const normal = normalise(output, volatile)
      answers.push({ result, normal: step.measured === true ? withoutNumbers(normal) : normal })
    }
    return answers
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const ownLines = (text: string, half: Half) =>
  text
    .split('\n')
    .filter((line) => [half.topic, half.newTopic, half.group].some((name) => line.includes(name)))
    .join('\n')

async function ask(version: string, step: Step, half: Half): Promise<RunResult> {
  const { tool } = step
  const args = step.args(half)
  const options = step.input === undefined ? {} : { input: step.input }
  for (let repeat = 1; ; repeat++) {
    const result =
      tool === 'kcat'
        ? await run('kcat', args, { timeoutMs: 60_000, ...options })
        : await runJava(toolVersion(version), classOf(tool, toolVersion(version)), args, options)
    if (step.until === undefined || step.until.test(result.stdout) || repeat === repeatsMax) {
      return result
    }
    await sleep(500)
  }
}

function compare(steps: readonly Step[], direct: readonly Answer[], other: readonly Answer[]) {
  return steps.flatMap((step, i) => {
    const [a, b] = [direct[i], other[i]]
    if (a === undefined || b === undefined) throw new Error('a step was not run')
    const command = `${step.tool}, step ${i + 1}`
    if (a.result.code !== b.result.code) {
      const said = `${b.result.stdout}${b.result.stderr}`.slice(-600)
      return [`${command}: exit code ${b.result.code} instead of ${a.result.code}: ${said}`]
    }
    if (step.codeOnly === true || a.normal === b.normal) return []
    return [`${command}: says ${firstDifference(a.normal, b.normal)}`]
  })
}

function firstDifference(direct: string, other: string): string {
  const [a, b] = [direct.split('\n'), other.split('\n')]
  const i = a.findIndex((line, index) => line !== b[index])
  const at = i < 0 ? a.length : i
  return `${JSON.stringify(b[at] ?? '')} instead of ${JSON.stringify(a[at] ?? '')}`
}

function leaks(answers: readonly Answer[], tee: Tee): string[] {
  const findings = [...tee.found].map((word) => `${word} was among the bytes that a tool received`)
  if (tee.bytes === 0) findings.push('no byte passed the tee')
  for (const { result } of answers) {
    if (`${result.stdout}${result.stderr}`.includes(brokerHost))
      findings.push(`${brokerHost} is in the output of a tool`)
  }
  return findings
}

/** Before a broker itself, the tee must find what it looks for. */
async function blindness(cluster: Cluster): Promise<string[]> {
  const [broker] = cluster.brokers
  if (broker === undefined) throw new Error('a cluster without brokers')
  const ports = [broker.port]
  const tee = await openTee({ host: teeHost, ports, towards: brokerHost, words: [brokerHost] })
  try {
    await fetchMetadata(teeHost, broker.port)
    return tee.found.has(brokerHost) ? [] : ['the tee is blind']
  } finally {
    await tee.close()
  }
}

/** Gives a half its topic, its records and, where it is asked for, its group: the same for both. */
async function furnish(cluster: Cluster, half: Half, steps: readonly Step[]): Promise<void> {
  const assignment = [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ]
  await createTopics(cluster, [half.topic], { partitions: assignment.length, assignment })
  const brokers = cluster.internalServers.split(',')
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  const admin = kafka.admin()
  await Promise.all([producer.connect(), admin.connect()])
  try {
    for (const partition of assignment.keys()) {
      const messages = Array.from({ length: recordsPerPartition }, (_, i) => ({
        partition,
        key: `k${i}`,
        value: `v${partition}-${i}`,
        timestamp: String(1_700_000_000_000 + i),
      }))
      await producer.send({ topic: half.topic, acks: -1, messages })
    }
    // It takes seconds, for kafkajs joins the group to do it.
    if (!steps.some((step) => step.tool === 'kafka-consumer-groups')) return
    const partitions = [...assignment.keys()].map((partition) => ({ partition, offset: '5' }))
    await admin.setOffsets({ groupId: half.group, topic: half.topic, partitions })
  } finally {
    await Promise.all([producer.disconnect(), admin.disconnect()])
  }
}
