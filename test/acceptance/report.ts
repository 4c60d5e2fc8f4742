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
  const traffic = full.filter((result) => result.cell.startsWith('client '))
  const cutovers = full.filter((result) => isCutover(result.cell))
  const scenarios = full.filter((result) => result.cell.startsWith('scenario '))
  const others = full.filter((r) => r.cell.startsWith('tool '))
  return `# Acceptance, ${date}

${count('pass')} cells passed, ${count('fail')} failed, ${count('skip')} skipped.

Each client writes and reads the same load twice at the same time, directly and through the sidecar, on three
brokers: one idempotent producer where the client has one, two consumers of one group, 100 records per second.
\`rolling\` restarts every broker once meanwhile. A cell passes when every acknowledged record was consumed, in
order per partition, and the application saw no kind of error that it does not see without the sidecar.

Kafka ${brokerVersions.join(', ')}; ${clientNames.map((name) => `${name} ${clients[name].version}`).join(', ')}; Node ${[...new Set(full.map((r) => r.node))].join(', ')}; kafka-cutover ${[...new Set(full.map((r) => r.commit))].join(', ')}.

## Clients

Sidecar / direct: records acknowledged, delivered again, errors that the application saw, and the longest time
without an acknowledgement.

| client | Kafka | scenario | verdict | acknowledged | again | errors | longest gap, ms |
|---|---|---|---|---|---|---|---|
${traffic.map(trafficRow).join('')}
## Tools

| cell | verdict | compared |
|---|---|---|
${others.map((r) => `| ${r.cell} | ${r.verdict} | ${r.figures['compared'] ?? ''} |\n`).join('')}

## Cutovers

Two producers and the groups of one client, through one sidecar, while it cuts over. \`cutover\` then stops the
source; \`kill\` kills something at a random moment around it, which comes back. A cell passes when every
acknowledged record came to every group, at its offset and in order, without repetition where nothing was killed;
when the target holds the groups' commits; and, where nothing was killed, when no application saw an error.

| cell | verdict | phase target after, ms | longest gap of acknowledgements, of a partition, ms | again | rebalances | errors | killed |
|---|---|---|---|---|---|---|---|
${cutovers.map(cutoverRow).join('')}

## Scenarios

Cutovers with something particular about them, on one broker each; what is named was looked at and found true.

| cell | verdict | checked |
|---|---|---|
${scenarios.map((r) => `| ${r.cell.slice('scenario '.length)} | ${r.verdict} | ${r.figures['checked'] ?? ''} |\n`).join('')}
${findings(full)}`
}

const isCutover = (cell: string) => /^(cutover|kill) /.test(cell)

function cutoverRow({ cell, verdict, figures }: Result): string {
  const figure = (name: string) => figures[name] ?? '-'
  const gaps = `${figure('ackGapMaxMs')}, ${figure('gapMaxMs')}`
  const columns = [figure('targetAfterMs'), gaps, figure('again'), figure('rebalances')]
  return `| ${[cell, verdict, ...columns, figure('errors'), figures['killed'] ?? ''].join(' | ')} |\n`
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
