import { apis } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { isUnordered, type Finding, type TopicPlan } from './finding.ts'
import { compacted } from './unordered.ts'

type Configs = ReadonlyMap<string, string | null>
type Compare = (topic: TopicPlan, source: string, target: string) => Finding | undefined

const topicResource = 2
const never = -1

const numbers: Record<string, Compare> = {
  'max.message.bytes': (topic, source, target) =>
    Number(target) >= Number(source)
      ? undefined
      : differ(
          topic,
          'blocking',
          'max.message.bytes',
          source,
          target,
          'raise it on the target: a batch that the source takes would be refused there',
        ),
  'min.insync.replicas': (topic, source, target) =>
    Number(target) >= Number(source)
      ? undefined
      : differ(
          topic,
          'warning',
          'min.insync.replicas',
          source,
          target,
          'raise it on the target, unless less durability is meant',
        ),
  'message.timestamp.type': (topic, source, target) =>
    source === target
      ? undefined
      : differ(
          topic,
          'warning',
          'message.timestamp.type',
          source,
          target,
          'set it alike, or consumers see timestamps of another meaning behind the splice',
        ),
  'cleanup.policy': (topic, source, target) => {
    if (isUnordered(topic) && (source.includes('compact') || target.includes('compact'))) {
      const evidence = `cleanup.policy ${source} on the source, ${target} on the target's ${topic.targetName}`
      return compacted(topic.name, evidence)
    }
    if (source.includes('compact')) {
      return differ(
        topic,
        'blocking',
        'cleanup.policy',
        source,
        target,
        'leave compacted topics out of the plan: the keys that only the source holds would be lost with it (carrying them over is not built yet)',
      )
    }
    return source === target
      ? undefined
      : differ(topic, 'warning', 'cleanup.policy', source, target, 'set it alike on the target')
  },
  'retention.ms': longer,
  'retention.bytes': longer,
}

function longer(topic: TopicPlan, source: string, target: string): Finding | undefined {
  const [from, to] = [Number(source), Number(target)]
  if (to === never || (from !== never && to >= from)) return undefined
  return differ(
    topic,
    'warning',
    'retention',
    source,
    target,
    'raise it on the target: records would go sooner there (a default of CKafka is two hours)',
  )
}

function differ(
  { name, targetName }: TopicPlan,
  severity: Finding['severity'],
  key: string,
  source: string,
  target: string,
  remedy: string,
): Finding {
  return {
    severity,
    subject: `topic ${name}`,
    problem: `${key} differs`,
    evidence: `${source} on the source, ${target} on the target's ${targetName}`,
    remedy,
  }
}

/** The configurations of the plan's topics on both clusters, as far as they matter to applications. */
export async function compareConfigs(
  source: Cluster,
  target: Cluster,
  topics: readonly TopicPlan[],
): Promise<readonly Finding[]> {
  if (topics.length === 0) return []
  const described = await Promise.all([
    describe(source, topics.map(({ name }) => name)), // prettier-ignore
    describe(target, topics.map(({ targetName }) => targetName)), // prettier-ignore
  ])
  const [from, to] = described
  const findings: Finding[] = []
  for (const { cluster, error } of described) {
    if (error === undefined) continue
    findings.push({
      severity: 'warning',
      subject: `the ${cluster}`,
      problem: 'the configuration of its topics could not be read',
      evidence: error,
      remedy:
        'compare max.message.bytes, min.insync.replicas, cleanup.policy and retention by hand',
    })
  }
  for (const topic of topics) {
    for (const [key, compare] of Object.entries(numbers)) {
      const a = from.configs.get(topic.name)?.get(key)
      const b = to.configs.get(topic.targetName)?.get(key)
      if (a == null || b == null) continue
      const finding = compare(topic, a, b)
      if (finding !== undefined) findings.push(finding)
    }
  }
  return findings
}

interface Described {
  readonly cluster: string
  readonly configs: ReadonlyMap<string, Configs>
  readonly error?: string
}

async function describe(cluster: Cluster, topics: readonly string[]): Promise<Described> {
  const configs = new Map<string, Configs>()
  let error: string | undefined
  try {
    const answer = await cluster.ask(
      apis.describeConfigs,
      1,
      {
        resources: topics.map((resourceName) => ({
          resourceType: topicResource,
          resourceName,
          configurationKeys: Object.keys(numbers),
        })),
        includeSynonyms: false,
        includeDocumentation: false,
      },
      'any',
    )
    for (const result of answer.results) {
      if (result.errorCode !== 0) error = `${result.resourceName}: ${result.errorMessage ?? ''}`
      configs.set(
        result.resourceName,
        new Map(result.configs.map(({ name, value }) => [name, value])),
      )
    }
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure)
  }
  return { cluster: cluster.name, configs, ...(error === undefined ? {} : { error }) }
}
