import { exitCodes, type CheckFinding, type CheckReport, type CliDeps } from './deps.ts'
import { load, reportErrors, type ConfigPlace } from './load.ts'

export interface CheckArgs extends ConfigPlace {
  readonly json: boolean
}

/** Preflight, without a running sidecar. */
export async function check({ json, ...args }: CheckArgs, deps: CliDeps): Promise<number> {
  const loaded = await load(args, deps)
  if (!loaded.ok) {
    reportErrors(loaded.errors, deps)
    return exitCodes.usage
  }
  const { config } = loaded
  if (config.target === null) {
    deps.stderr.write(
      '--target: got nothing; allowed: host:port,... of the cluster to move to; remedy: give it, or target.bootstrapServers in the file\n',
    )
    return exitCodes.usage
  }
  const report = await deps.check(config)
  deps.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
  return report.ready ? exitCodes.done : exitCodes.refused
}

/** Findings as a person reads them, the worst first, and what they come to. */
export function reportText({ ready, topics, everyTopic, findings }: CheckReport): string {
  const count = (severity: CheckFinding['severity'], one: string, many: string): string[] => {
    const { length } = findings.filter((finding) => finding.severity === severity)
    return length === 0 ? [] : [plural(length, one, many)]
  }
  const counts = [
    ...count('blocking', 'finding that blocks', 'findings that block'),
    ...count('warning', 'warning', 'warnings'),
  ]
  const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0)
  const plan = `${plural(topics.length, 'topic')}${everyTopic ? ' (every topic)' : ''}, ${plural(partitions, 'partition')}`
  return [
    ...findings.map(findingText),
    ready ? `ready: ${[plan, ...counts].join(', ')}` : `blocked: ${counts.join(', ')}`,
    ready
      ? 'Next: kafka-cutover cutover, at the running sidecar.'
      : 'Nothing was changed. A cutover would be refused; see to what blocks, then check again.',
    '',
  ].join('\n')
}

function findingText({ severity, subject, problem, evidence, remedy }: CheckFinding): string {
  return `${severity.padEnd(8)}  ${subject}: ${problem}
          found:  ${evidence}
          remedy: ${remedy}
`
}

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
