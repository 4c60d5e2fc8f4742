import { namedScenarios, Stage, type NamedScenario, type Pair } from '../cutover/scenarios/index.ts'
import type { Bench, Cell, Outcome } from './cell.ts'
import { keepLog } from './evidence.ts'

/** Each scenario across the pairs of versions that matter to it. */
export const scenarioCells: readonly Cell[] = namedScenarios.flatMap((scenario) =>
  scenario.pairs.map((pair) => cellOf(scenario, pair)),
)

function cellOf(scenario: NamedScenario, pair: Pair): Cell {
  const [source, target] = pair
  return {
    name: `scenario ${scenario.name} ${pair.join('->')}`,
    cluster: { version: source, brokers: 1, name: 'source', ...scenario.source },
    target: { version: target, brokers: 1, name: 'target' },
    ...(scenario.fresh === true ? { fresh: true } : {}),
    clients: scenario.clients,
    run: (bench) => run(bench, scenario),
  }
}

async function run(bench: Bench, { play, clients }: NamedScenario): Promise<Outcome> {
  const { cluster: source, target, unique } = bench
  const { programs, missing } = bench.clients
  const lacks = clients.filter((client) => !programs.has(client))
  if (bench.directOnly || lacks.length > 0) {
    const reasons = lacks.map((client) => missing.get(client) ?? 'not set up')
    return { verdict: 'skip', findings: reasons, figures: {} }
  }
  if (target === undefined) throw new Error('a cutover needs two clusters')
  const stage = new Stage({ source, target, programs, unique })
  try {
    await play(stage)
  } catch (err) {
    const { findings } = stage
    const reason = err instanceof Error ? err.message : String(err)
    if (!findings.some((finding) => finding.startsWith(reason.split(':')[0] ?? reason)))
      findings.push(reason)
  }
  const evidence = await stage.end()
  const passed = stage.findings.length === 0
  if (!passed) await keepLog(unique, evidence)
  return {
    verdict: passed ? 'pass' : 'fail',
    findings: stage.findings,
    figures: {
      checked: stage.held.join('; '),
      ...(passed ? {} : { evidence: unique }),
    },
  }
}
