import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { setupClients } from '../clients/index.ts'
import { requireKafka, startCluster } from '../kafka/index.ts'
import type { Bench, Cell, Outcome, Result } from './cell.ts'
import { cutoverCells, unorderedCells } from './cutover-cells.ts'
import { writeReport } from './report.ts'
import { appendResult, forgetResults, readResults } from './results.ts'
import { scenarioCells } from './scenario-cells.ts'
import { sidecarExists } from './sidecar.ts'
import { toolCells } from './tool-cells.ts'
import { trafficCells } from './traffic-cells.ts'

const usage = `npm run acceptance -- [--only REGEX] [--fresh] [--direct] [--list] [--report]

  --only REGEX   the cells whose names match
  --fresh        forget all results first; otherwise cells that have passed are not run again
  --direct       only the half without the sidecar, or the cutover, to try the experiments themselves
  --list         names the cells and their last verdicts
  --report       writes docs/acceptance-DATE.md from the results so far
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    fresh: { type: 'boolean', default: false },
    direct: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const cells = [
  ...trafficCells,
  ...toolCells,
  ...cutoverCells,
  ...unorderedCells,
  ...scenarioCells,
].filter((c) => new RegExp(values.only).test(c.name))
const nameOf = (cell: Cell) => (values.direct ? `${cell.name} (direct only)` : cell.name)

if (values.help) {
  console.log(usage)
} else if (values.list) {
  const results = await readResults()
  for (const cell of cells) console.log(results.get(nameOf(cell))?.verdict ?? '-', nameOf(cell))
} else if (values.report) {
  console.log(await writeReport([...(await readResults()).values()]))
} else {
  process.exitCode = await runCells()
}

/** @returns the exit code: 1 if a cell failed */
async function runCells(): Promise<number> {
  if (!(await requireKafka())) return 1
  if (!values.direct && !sidecarExists()) {
    console.error('there is no src/main.ts to run; --direct runs the half without the sidecar')
    return 1
  }
  if (values.fresh) await forgetResults()
  const past = await readResults()
  const pending = cells.filter((cell) => past.get(nameOf(cell))?.verdict !== 'pass')
  console.log(`${pending.length} of ${cells.length} cells to run`)
  const which = [...new Set(pending.flatMap((cell) => cell.clients))]
  const clients = await setupClients({ which })
  let failed = 0
  let shared: { readonly key: string; readonly clusters: Clusters } | undefined
  const discard = async () => {
    await Promise.all([shared?.clusters.cluster.stop(), shared?.clusters.target?.stop()])
    shared = undefined
  }
  try {
    for (const cell of pending) {
      const key = JSON.stringify([cell.cluster, cell.target])
      if (shared?.key !== key || cell.fresh === true) {
        await discard()
        shared = { key, clusters: await startClusters(cell) }
      }
      const { clusters } = shared
      const unique = randomBytes(4).toString('hex')
      const start = performance.now()
      let outcome: Outcome
      try {
        outcome = await cell.run({ ...clusters, clients, directOnly: values.direct, unique })
      } catch (err) {
        const reason = err instanceof Error ? (err.stack ?? err.message) : String(err)
        outcome = { verdict: 'fail', findings: [reason], figures: {} }
        await discard() // who knows in which state it is
      }
      if (cell.fresh === true) await discard()
      if (outcome.verdict === 'fail') failed++
      await note(cell, outcome, performance.now() - start)
    }
  } finally {
    await discard()
  }
  console.log(`${pending.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

type Clusters = Pick<Bench, 'cluster' | 'target'>

async function startClusters(cell: Cell): Promise<Clusters> {
  const cluster = await startCluster(cell.cluster)
  if (cell.target === undefined) return { cluster }
  try {
    return { cluster, target: await startCluster(cell.target) }
  } catch (err) {
    await cluster.stop()
    throw err
  }
}

async function note(cell: Cell, outcome: Outcome, durationMs: number): Promise<void> {
  const result: Result = {
    cell: nameOf(cell),
    ...outcome,
    at: new Date().toISOString(),
    durationMs: Math.round(durationMs),
    commit: commit(),
    node: process.version,
  }
  await appendResult(result)
  console.log(
    result.verdict,
    result.cell,
    `${result.durationMs} ms`,
    JSON.stringify(result.figures),
  )
  for (const finding of result.findings) console.log('   ', finding)
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
