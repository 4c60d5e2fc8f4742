import type { Cluster } from '../cluster.ts'
import type { Finding, TopicPlan } from './finding.ts'
import { planUnordered } from './unordered.ts'

/** Whether records keep their order, or both clusters are read at once. */
export type Mode = 'ordered' | 'unordered'

/** A row of the configured plan. */
export interface PlanRow {
  readonly source: string
  readonly target: string
  readonly mode: Mode
}

export interface Plan {
  readonly everyTopic: boolean
  readonly topics: readonly TopicPlan[]
  readonly findings: readonly Finding[]
}

/** Topics of the clusters themselves: their groups and transactions move by themselves. */
export const isInternal = (name: string): boolean => name.startsWith('__')

/**
 * The plan against what the clusters have now.
 * @param rows null is every topic of the source
 * @param mode of every topic, where there are no rows
 */
export function planTopics(
  source: Cluster,
  target: Cluster,
  rows: readonly PlanRow[] | null,
  mode: Mode,
): Plan {
  const wanted =
    rows ??
    [...source.topology.topics.keys()]
      .filter((name) => !isInternal(name))
      .sort()
      .map((name) => ({ source: name, target: name, mode }))
  const findings: Finding[] = []
  const topics: TopicPlan[] = []
  const claimed = new Map<string, string>()
  for (const row of wanted) {
    const before = claimed.get(row.target)
    if (before !== undefined) findings.push(sameTarget(row, before))
    claimed.set(row.target, row.source)
    const topic = planTopic(source, target, row, findings)
    if (topic !== undefined) topics.push(topic)
  }
  if (wanted.length === 0) {
    findings.push({
      severity: 'warning',
      subject: 'the plan',
      problem: 'there is no topic to move',
      evidence: `the source shows ${source.topology.topics.size} topics to this user`,
      remedy: 'check that the user of source.sasl may describe the topics',
    })
  }
  return { everyTopic: rows === null, topics, findings }
}

function planTopic(
  source: Cluster,
  target: Cluster,
  row: PlanRow,
  findings: Finding[],
): TopicPlan | undefined {
  const from = source.topology.topics.get(row.source)
  const to = target.topology.topics.get(row.target)
  if (from === undefined) {
    findings.push({
      severity: 'blocking',
      subject: `topic ${row.source}`,
      problem: 'the source has no such topic',
      evidence: 'Metadata of the source does not list it',
      remedy: 'take it out of cutover.topics, or let the user of the source describe it',
    })
    return undefined
  }
  const partitions = from.partitions.length
  if (to === undefined) {
    findings.push({
      severity: 'blocking',
      subject: `topic ${row.source}`,
      problem: `the target has no topic ${row.target}`,
      evidence: 'Metadata of the target does not list it',
      remedy: `create it on the target with ${partitions} partitions`,
    })
    return undefined
  }
  const names = { name: row.source, targetName: row.target, topicId: from.topicId }
  const targetPartitions = to.partitions.length
  if (row.mode === 'unordered') {
    return planUnordered({ ...names, partitions, targetPartitions }, findings)
  }
  if (targetPartitions < partitions) {
    findings.push({
      severity: 'blocking',
      subject: `topic ${row.source}`,
      problem: `the target's ${row.target} has fewer partitions`,
      evidence: `${partitions} on the source, ${targetPartitions} on the target`,
      remedy: `give ${row.target} on the target ${partitions} partitions: order is kept by partition (--mode unordered takes any number)`,
    })
    return undefined
  }
  if (targetPartitions > partitions) {
    findings.push({
      severity: 'info',
      subject: `topic ${row.source}`,
      problem: `the target's ${row.target} has more partitions`,
      evidence: `${partitions} on the source, ${targetPartitions} on the target`,
      remedy: 'none is needed: the others stay unused until the application connects to the target',
    })
  }
  return { ...names, partitions }
}

const sameTarget = (row: PlanRow, other: string): Finding => ({
  severity: 'blocking',
  subject: `topic ${row.source}`,
  problem: `two topics would move to ${row.target}`,
  evidence: `${other} and ${row.source} of the plan`,
  remedy: 'give each its own topic on the target',
})
