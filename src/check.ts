import type { CheckReport } from './cli/index.ts'
import type { ClusterConfig, Config } from './config/index.ts'
import type { ClusterName } from './ids.ts'
import { silentLog, type Log } from './log.ts'
import { preflight, type Finding, type Plan } from './migrator/index.ts'
import { openLoneCluster, type LoneCluster } from './proxy/index.ts'
import { unbuiltFindings } from './unbuilt.ts'

/**
 * Preflight without a sidecar: connects to both clusters, and changes nothing. What goes wrong is a finding.
 * @param config with a target
 */
export async function check(config: Config, version: string): Promise<CheckReport> {
  const failures = new Map<string, string>()
  const log = listening(failures)
  const open = (name: ClusterName, cluster: ClusterConfig | null): LoneCluster =>
    openLoneCluster({
      name,
      bootstrapServers: cluster?.bootstrapServers ?? [],
      tls: cluster?.tls ?? null,
      identity: cluster?.sasl ?? null,
      limits: config.limits,
      version,
      log,
    })
  const source = open('source', config.source)
  const target = open('target', config.target)
  try {
    const { topics: rows, mode } = config.cutover
    const plan = await preflight(source.cluster, target.cluster, rows, Date.now(), mode)
    return report(plan, [...unbuiltFindings(config.cutover), ...explained(plan.findings, failures)])
  } catch (error) {
    return report(undefined, [...unbuiltFindings(config.cutover), unfinished(error)])
  } finally {
    source.close()
    target.close()
  }
}

const bySeverity: readonly Finding['severity'][] = ['blocking', 'warning', 'info']

function report(plan: Plan | undefined, findings: readonly Finding[]): CheckReport {
  return {
    ready: !findings.some(({ severity }) => severity === 'blocking'),
    everyTopic: plan?.everyTopic ?? false,
    topics: (plan?.topics ?? []).map(({ name, targetName, partitions }) => ({
      source: name,
      target: targetName,
      partitions,
    })),
    findings: bySeverity.flatMap((each) => findings.filter(({ severity }) => severity === each)),
  }
}

/** The clients tell of what fails in their log lines; here these are the evidence. */
function listening(failures: Map<string, string>): Log {
  return {
    ...silentLog,
    warn({ cluster, err }) {
      if (cluster !== undefined && typeof err === 'string') failures.set(cluster, err)
    },
  }
}

function explained(
  findings: readonly Finding[],
  failures: ReadonlyMap<string, string>,
): readonly Finding[] {
  return findings.map((finding) => {
    const failure = failures.get(finding.subject.replace(/^the /, ''))
    if (finding.severity !== 'blocking' || failure === undefined) return finding
    return { ...finding, evidence: `${finding.evidence}: ${failure}` }
  })
}

const unfinished = (error: unknown): Finding => ({
  severity: 'blocking',
  subject: 'the check',
  problem: 'it could not be finished: a cluster failed on the way',
  evidence: error instanceof Error ? error.message : String(error),
  remedy: 'see that the cluster is well and that its user may describe topics, then check again',
})
