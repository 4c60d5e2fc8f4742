import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { requireKafka, run } from '../test/kafka/index.ts'
import { startBroker } from './broker.ts'
import { buildSidecar } from './build.ts'
import { gigabyte } from './case.ts'
import { divideCores, residentKib } from './cores.ts'
import { createTopic, smallLog } from './kafka.ts'
import { churn, fillTopic, move, type ChurnCounts } from './raw-load.ts'
import { shown } from './rounds.ts'
import { median } from './statistics.ts'
import { sidecarKind } from './subjects.ts'

/**
 * Whether the sidecar keeps what it should let go: its memory after many connections and gigabytes
 * beside that after the first few.
 */
const usage = `npm run bench:leak -- [options]

  --connections N   opened and closed in all, default 200000
  --gigabytes N     moved in all, half produced and half fetched, default 20
  --sidecar CMD     default the one that is built here
  --kafka VERSION   default 4.3.1

Exit code 1 if memory or open files have grown.
`

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '200000' },
    gigabytes: { type: 'string', default: '20' },
    sidecar: { type: 'string' },
    kafka: { type: 'string', default: '4.3.1' },
    help: { type: 'boolean', default: false },
  },
})

/** What is done before the first look; less where less is done in all. */
const firstShare = { connections: 10_000, bytes: gigabyte }
const growthMax = 0.1
/** Descriptors that may differ by chance: a connection of the sidecar's own, a file at work. */
const filesSlack = 5
const settleMs = 8_000
const settledSamples = 5
const sampleMs = 1_000
const reportMs = 15_000

const traffic = {
  produceTopic: 'leak-produce',
  partitions: 4,
  fetchTopic: 'leak-fetch',
  recordBytes: 1_000_000,
}

interface Look {
  readonly kib: number
  readonly files: number
}

async function main(): Promise<number> {
  if (!(await requireKafka())) return 1
  const total = {
    connections: Number(values.connections),
    bytes: Number(values.gigabytes) * gigabyte,
  }
  const first = {
    connections: Math.min(firstShare.connections, total.connections / 2),
    bytes: Math.min(firstShare.bytes, total.bytes / 2),
  }
  const command = values.sidecar?.split(' ') ?? (await buildSidecar())
  const cores = divideCores()
  if (cores !== undefined) await run('taskset', ['-acp', cores.load, String(process.pid)])
  const broker = await startBroker(values.kafka, cores)
  try {
    await createTopic(broker.port, traffic.produceTopic, traffic.partitions, smallLog)
    await createTopic(broker.port, traffic.fetchTopic, 1)
    await fillTopic(broker.port, traffic.fetchTopic)
    const sidecar = await sidecarKind('sidecar', command, broker, cores).start()
    try {
      const counts: ChurnCounts = { opened: 0, failed: 0 }
      const moved = { bytes: 0 }
      const sampler = setInterval(() => {
        progress(counts, moved.bytes, residentKib(sidecar.pid))
      }, reportMs)
      const load = async (share: typeof total) => {
        await Promise.all([
          churn(sidecar.port, share.connections, counts),
          move({ port: sidecar.port, ...traffic, bytes: share.bytes }, moved),
        ])
      }
      await load(first)
      const before = await settled(sidecar.pid)
      console.log(`after ${progressText(counts, moved.bytes)}: ${lookText(before)}`)
      await load({
        connections: total.connections - first.connections,
        bytes: total.bytes - first.bytes,
      })
      const after = await settled(sidecar.pid)
      clearInterval(sampler)
      console.log(`after ${progressText(counts, moved.bytes)}: ${lookText(after)}`)
      return verdict(before, after, counts)
    } finally {
      await sidecar.stop()
    }
  } finally {
    await broker.stop()
  }
}

async function settled(pid: number): Promise<Look> {
  await sleep(settleMs)
  const samples: number[] = []
  while (samples.length < settledSamples) {
    samples.push(residentKib(pid))
    await sleep(sampleMs)
  }
  return { kib: median(samples), files: readdirSync(`/proc/${pid}/fd`).length }
}

function verdict(before: Look, after: Look, counts: ChurnCounts): number {
  const growth = after.kib / before.kib - 1
  const memoryHolds = growth <= growthMax
  const filesHold = after.files <= before.files + filesSlack
  console.log(`memory ${growth >= 0 ? '+' : ''}${shown(growth * 100)} % (at most +10 % is allowed)`)
  if (counts.failed > 0) console.log(`${counts.failed} connections could not be opened or used`)
  if (memoryHolds && filesHold) console.log('nothing leaks')
  else console.log(`LEAK: ${memoryHolds ? 'open files' : 'memory'}`)
  return memoryHolds && filesHold && counts.failed === 0 ? 0 : 1
}

const progressText = (counts: ChurnCounts, bytes: number): string =>
  `${counts.opened} connections and ${shown(bytes / gigabyte)} GB`

const lookText = ({ kib, files }: Look): string => `${shown(kib / 1024)} MiB, ${files} open files`

function progress(counts: ChurnCounts, bytes: number, kib: number): void {
  console.log(`${progressText(counts, bytes)}: ${shown(kib / 1024)} MiB`)
}

if (values.help) console.log(usage)
else process.exitCode = await main()
