import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { requireKafka, startCluster, type Cluster } from '../test/kafka/index.ts'
import { buildLoad, clientVersion } from './cutover/load.ts'
import { drainLines, goalLines, header, runRow, summaryRows } from './cutover/report.ts'
import {
  partitions,
  performRun,
  rate,
  recordBytes,
  type RunFigures,
  type RunOptions,
} from './cutover/run.ts'

const usage = `npm run bench:cutover -- [options]

What applications notice of an ordered cutover: the same load through a fresh sidecar, again and again.

  --runs N      cutovers, default 5
  --control N   after so many cutovers a run without one, default 5
  --backlog N   then one cutover with N unread records, default 1000000; 0 for none
  --source V    version of the source, default 3.9.1
  --target V    version of the target, default 4.3.1
  --json FILE   all that was measured, written after every run
`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    control: { type: 'string', default: '5' },
    backlog: { type: 'string', default: '1000000' },
    source: { type: 'string', default: '3.9.1' },
    target: { type: 'string', default: '4.3.1' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => console.log(line)
const backlogOf = (records: number) => ({ records, bytes: 256, readRate: 20_000 })

interface Results {
  readonly cutovers: RunFigures[]
  readonly controls: RunFigures[]
  readonly backlogs: RunFigures[]
  /** Why runs have no figures. */
  readonly failures: string[]
}

async function main(): Promise<number> {
  if (!(await requireKafka())) return 1
  const program = await buildLoad()
  const clusters: Cluster[] = []
  try {
    for (const version of [values.source, values.target])
      clusters.push(await startCluster({ version, brokers: 1 }))
    const [source, target] = clusters
    if (source === undefined || target === undefined) return 1
    say(
      `${source.version} -> ${target.version}, Java client ${clientVersion}, ${rate} records/s of ${recordBytes} bytes to ${partitions} partitions; milliseconds`,
    )
    await measureAll({ program, source, target })
    return 0
  } finally {
    for (const cluster of clusters) await cluster.stop()
  }
}

async function measureAll(
  setting: Pick<RunOptions, 'program' | 'source' | 'target'>,
): Promise<void> {
  const results: Results = { cutovers: [], controls: [], backlogs: [], failures: [] }
  const measure = async (
    to: RunFigures[],
    run: Pick<RunOptions, 'topic' | 'cutover' | 'backlog'>,
  ) => {
    try {
      const figures = await performRun({ ...setting, ...run })
      to.push(figures)
      say(`${runRow(run.topic, figures)}  ${figures.firstError}`.trimEnd())
    } catch (err) {
      results.failures.push(`${run.topic}: ${String(err)}`)
      say(`${run.topic} failed: ${String(err)}`)
    }
    if (values.json !== undefined)
      await writeFile(values.json, `${JSON.stringify(results, null, 1)}\n`)
  }
  say(header())
  for (let i = 1; i <= Number(values.runs); i++) {
    await measure(results.cutovers, { topic: `run-${i}`, cutover: true })
    if (i % Number(values.control) === 0)
      await measure(results.controls, { topic: `control-${i}`, cutover: false })
  }
  const failed = Number(values.runs) - results.cutovers.length
  if (Number(values.backlog) > 0)
    await measure(results.backlogs, {
      ...{ topic: 'backlog', cutover: true },
      backlog: backlogOf(Number(values.backlog)),
    })
  report(results, failed)
}

function report({ cutovers, controls, backlogs }: Results, failed: number): void {
  say('')
  say(header())
  if (cutovers.length > 0) for (const line of summaryRows('cut', cutovers)) say(line)
  if (controls.length > 0) for (const line of summaryRows('control', controls)) say(line)
  say('')
  if (Number(values.runs) > 0) for (const line of goalLines(cutovers, failed)) say(line)
  for (const { progress } of backlogs) {
    say('')
    say('backlog: what the status said of the group')
    for (const line of drainLines(progress)) say(line)
  }
}

if (values.help) say(usage)
else process.exitCode = await main()
