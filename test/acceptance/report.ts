import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { clientNames, clients } from '../clients/index.ts'
import type { Result } from './cell.ts'
import { brokerVersions } from './traffic-cells.ts'

/** Writes the results as a page of the documentation. @returns its path */
export async function writeReport(results: readonly Result[]): Promise<string> {
  const date = new Date().toISOString().slice(0, 10)
  const file = resolve(import.meta.dirname, `../../docs/acceptance-${date}.md`)
  await writeFile(file, formatReport(results, date))
  return file
}

export function formatReport(results: readonly Result[], date: string): string {
  const full = results.filter((result) => !result.cell.endsWith('(direct only)'))
  const count = (verdict: Result['verdict']) => full.filter((r) => r.verdict === verdict).length
  const of = (kind: RegExp) => full.filter(({ cell }) => kind.test(cell))
  const unordered = of(/^unordered /)
  const sections = [
    section('Clients', aboutClients, clientColumns, of(/^client /).map(trafficRow)),
    section('Tools', '', ['cell', 'verdict', 'compared'], of(/^tool /).map(toolRow)),
    section('Cutovers', aboutCutovers, cutoverColumns, of(/^(cutover|kill) /).map(cutoverRow)),
    section(
      'Unordered cutovers',
      aboutUnordered(unordered),
      unorderedColumns,
      unordered.map(unorderedRow),
    ),
    section(
      'Scenarios',
      aboutScenarios,
      ['cell', 'verdict', 'checked'],
      of(/^scenario /).map(scenarioRow),
    ),
    findings(full),
  ]
  return `# Acceptance, ${date}

${count('pass')} cells passed, ${count('fail')} failed, ${count('skip')} skipped.

${clientNames.map((name) => `${name} ${clients[name].version}`).join(', ')}; Node ${[...new Set(full.map((r) => r.node))].join(', ')}; kafka-cutover ${[...new Set(full.map((r) => r.commit))].join(', ')}.

${sections.filter((text) => text !== '').join('\n')}`
}

const aboutClients = `Each client writes and reads the same load twice at the same time, directly and through the sidecar, on three
brokers (Kafka ${brokerVersions.join(', ')}): one idempotent producer where the client has one, two consumers of one group, 100
records per second. \`rolling\` restarts every broker once meanwhile. A cell passes when every acknowledged record was consumed, in
order per partition, and the application saw no kind of error that it does not see without the sidecar.

Sidecar / direct: records acknowledged, delivered again, errors that the application saw, and the longest time
without an acknowledgement.`
const clientColumns = ['client', 'Kafka', 'scenario', 'verdict', 'acknowledged', 'again', 'errors', 'longest gap, ms'] // prettier-ignore

const aboutCutovers = `Two producers and the groups of one client, through one sidecar, while it cuts over. \`cutover\` then stops the
source; \`kill\` kills something at a random moment around it, which comes back. A cell passes when every
acknowledged record came to every group, at its offset and in order, without repetition where nothing was killed;
when the target holds the groups' commits; and, where nothing was killed, when no application saw an error.`
const cutoverColumns = ['cell', 'verdict', 'phase target after, ms', 'longest gap of acknowledgements, of a partition, ms', 'again', 'rebalances', 'errors', 'killed'] // prettier-ignore

/** With the medians and the extremes of the cells in which nothing was killed. */
function aboutUnordered(results: readonly Result[]): string {
  const calm = results.filter(({ figures }) => figures['killed'] === undefined)
  const gaps = calm.map(({ figures }) => Number(figures['ackGapMaxMs']))
  const growth = calm.flatMap(({ figures }) => String(figures['growthMs']).split(', ').map(Number))
  return `Two producers, of 20 to 50 records a second each, and the groups of one client, through one sidecar, while a topic of N
partitions is flipped to one of M. Then
the source is stopped; \`kill\` kills the sidecar at a random moment instead, and starts it again. A cell passes when every
acknowledged record came to every group once, where it was written, and the target holds the groups' commits; and, where nothing
was killed, when no application saw an error, no producer waited for 250 ms (in brackets, how much of it one of the same
client beside it waited that talks to the target directly), every group read the target within 10 s, and no
member was disturbed more than twice, by the new partitions and by the move. Both clusters have served others for some
seconds before the flip, except where something is killed: brokers that have just started compile themselves meanwhile.
Of the cells without a kill, median and worst: the longest gap of acknowledgements ${spread(gaps)} ms, the target read after ${spread(growth)} ms.`
}
const unorderedColumns = ['cell', 'verdict', 'target read after, ms', ...cutoverColumns.slice(2)]

const spread = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b)
  return `${sorted[Math.floor(sorted.length / 2)] ?? '-'} and ${sorted.at(-1) ?? '-'}`
}

const aboutScenarios =
  'Cutovers with something particular about them, on one broker each; what is named was looked at and found true.'

function section(
  title: string,
  about: string,
  columns: readonly string[],
  rows: readonly string[],
): string {
  if (rows.length === 0) return ''
  const head = `| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}\n`
  return `## ${title}\n\n${about === '' ? '' : `${about}\n\n`}${head}${rows.join('')}`
}

const toolRow = ({ cell, verdict, figures }: Result): string =>
  `| ${cell} | ${verdict} | ${figures['compared'] ?? ''} |\n`

const scenarioRow = ({ cell, verdict, figures }: Result): string =>
  `| ${cell.slice('scenario '.length)} | ${verdict} | ${figures['checked'] ?? ''} |\n`

function cutoverRow({ cell, verdict, figures }: Result): string {
  return `| ${[cell, verdict, ...courseOf(figures)].join(' | ')} |\n`
}

function unorderedRow({ cell, verdict, figures }: Result): string {
  const read = figures['growthMs'] ?? '-'
  return `| ${[cell.slice('unordered '.length), verdict, read, ...courseOf(figures)].join(' | ')} |\n`
}

/** What `cutoverColumns` name behind the verdict. */
function courseOf(figures: Result['figures']): readonly (number | string)[] {
  const figure = (name: string) => figures[name] ?? '-'
  const besideMs = Number(figures['stalledMs'] ?? 0)
  const stalled = besideMs === 0 ? '' : ` (${besideMs})`
  const gaps = `${figure('ackGapMaxMs')}${stalled}, ${figure('gapMaxMs')}`
  const counts = [figure('again'), figure('rebalances'), figure('errors')]
  return [figure('targetAfterMs'), gaps, ...counts, figures['killed'] ?? '']
}

function trafficRow(result: Result): string {
  const [, client, version, scenario] = result.cell.split(' ')
  const both = (name: string) =>
    `${result.figures[`through.${name}`] ?? '-'} / ${result.figures[`direct.${name}`] ?? '-'}`
  return `| ${client} | ${version} | ${scenario} | ${result.verdict} | ${both('acked')} | ${both('duplicates')} | ${both('errors')} | ${both('ackGapMaxMs')} |\n`
}

function findings(results: readonly Result[]): string {
  const found = results.filter((result) => result.findings.length > 0)
  if (found.length === 0) return ''
  const entries = found.map(
    (result) =>
      `- ${result.cell} (${result.verdict})\n${result.findings.map((f) => `  - ${f.split('\n')[0]}\n`).join('')}`,
  )
  return `## Findings\n\n${entries.join('')}`
}
