import { lanesOf, namespacesMax } from '../../router/index.ts'
import type { Finding, UnorderedTopicPlan } from './finding.ts'

/**
 * An unordered topic, and what an operator should know of it. Any numbers of partitions will do, but for
 * those with which idempotent producers could not be told apart.
 */
export function planUnordered(
  topic: UnorderedTopicPlan,
  findings: Finding[],
): UnorderedTopicPlan | undefined {
  const { name, targetName, partitions, targetPartitions } = topic
  const subject = `topic ${name}`
  const evidence = `${partitions} on the source, ${targetPartitions} on the target`
  if (targetPartitions < 1) return undefined
  const lanes = lanesOf({ sourcePartitions: partitions, targetPartitions })
  if (lanes >= namespacesMax) {
    findings.push({
      severity: 'blocking',
      subject,
      problem: `the target's ${targetName} has too few partitions to tell idempotent producers apart`,
      evidence,
      remedy: `give ${targetName} at least ${Math.ceil(partitions / (namespacesMax - 2))} partitions`,
    })
    return undefined
  }
  findings.push({
    severity: 'warning',
    subject,
    problem: 'a producer that chooses partitions itself cannot be seen from here',
    evidence: `${evidence}: applications see ${partitions + targetPartitions}; what is produced to partition p is read as partition ${partitions} + (p mod ${targetPartitions}), unless p is one of the new ones`,
    remedy:
      'none for producers that leave the choice to their partitioner; where a consumer relies on a partition number, use ordered',
  })
  return topic
}

/** A compacted topic is read by key, and the two clusters have each a part of every key's history. */
export const compacted = (name: string, evidence: string): Finding => ({
  severity: 'blocking',
  subject: `topic ${name}`,
  problem: 'it is compacted, so keyed: what both clusters have of a key would be read in any order',
  evidence,
  remedy: 'leave it out of the plan',
})
