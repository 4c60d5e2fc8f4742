import type { Cluster } from '../cluster.ts'
import { compareConfigs } from './configs.ts'
import type { Finding } from './finding.ts'
import { findGroups } from './groups.ts'
import { planTopics, type Mode, type Plan, type PlanRow } from './topics.ts'
import { findTransactions } from './transactions.ts'

export { isUnordered, type Finding, type TopicPlan, type UnorderedTopicPlan } from './finding.ts'
export { findReaders } from './readers.ts'
export { isInternal, type Mode, type Plan, type PlanRow } from './topics.ts'

/**
 * Looks at both clusters before anything is held; changes nothing.
 * @param rows null is every topic of the source
 * @param nowMs ms since the epoch
 * @param mode of every topic, where there are no rows
 */
export async function preflight(
  source: Cluster,
  target: Cluster,
  rows: readonly PlanRow[] | null,
  nowMs: number,
  mode: Mode,
): Promise<Plan> {
  await Promise.all([source.refresh(), target.refresh()])
  const unreachable = [source, target].filter(({ topology }) => topology.brokers.size === 0)
  if (unreachable.length > 0) {
    return { everyTopic: rows === null, topics: [], findings: unreachable.map(isDown) }
  }
  const plan = planTopics(source, target, rows, mode)
  const found = await Promise.all([
    compareConfigs(source, target, plan.topics),
    findTransactions(source, plan.topics, nowMs),
    findGroups(source, target, plan.topics),
  ])
  return { ...plan, findings: [...sameCluster(source, target), ...plan.findings, ...found.flat()] }
}

const isDown = ({ name }: Cluster): Finding => ({
  severity: 'blocking',
  subject: `the ${name}`,
  problem: 'it does not answer',
  evidence: 'none of its bootstrap servers told of a broker',
  remedy: `check ${name}.bootstrapServers, ${name}.tls and ${name}.sasl, and that it can be reached from here`,
})

function sameCluster(source: Cluster, target: Cluster): readonly Finding[] {
  const { clusterId } = source.topology
  if (clusterId === null || clusterId !== target.topology.clusterId) return []
  return [
    {
      severity: 'blocking',
      subject: 'the target',
      problem: 'source and target are the same cluster',
      evidence: `both say that their cluster id is ${clusterId}`,
      remedy: 'give the other cluster in target.bootstrapServers',
    },
  ]
}
