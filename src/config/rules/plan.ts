/** The plan, its journal, and the limits. */
import { limitDefaults } from '../defaults.ts'
import { formatSize } from '../values.ts'
import type { Path } from '../yaml.ts'
import type { Rule } from './rule.ts'

const topicsAreDistinct: Rule = ({ shape, refused }) => {
  const topics = shape.cutover?.topics
  const path: Path = ['cutover', 'topics']
  if (topics === undefined) return []
  if (topics.length === 0) {
    const remedy = 'name the topics that move, or leave the key out for every topic'
    return [{ path, given: 'an empty list', allowed: 'at least one topic', remedy }]
  }
  return topics.flatMap((topic, i) => {
    if (topic === undefined) return []
    const { source, target = source } = topic
    if (source === undefined) {
      if (refused([...path, i])) return []
      const remedy = 'add source: NAME'
      return [{ path: [...path, i, 'source'], given: 'nothing', allowed: 'a topic name', remedy }]
    }
    const before = topics.slice(0, i)
    if (before.some((other) => other?.source === source)) {
      const given = `"${source}" a second time`
      const allowed = 'each source topic once'
      return [{ path: [...path, i, 'source'], given, allowed, remedy: 'remove one of them' }]
    }
    const rival = before.find((other) => (other?.target ?? other?.source) === target)
    if (rival === undefined) return []
    return [
      {
        path: [...path, i, 'target'],
        given: `"${target}", into which "${rival.source ?? '?'}" moves already`,
        allowed: 'a target topic for each source topic',
        remedy: `name another target, as ${source}:${source}`,
      },
    ]
  })
}

const topicJournalHasTarget: Rule = ({ shape, refused }) => {
  const journal = shape.cutover?.journal
  if (journal?.kind !== 'topic' || shape.target !== undefined || refused(['target'])) return []
  return [
    {
      path: ['cutover', 'journal'],
      given: `"topic:${journal.name}" without a target`,
      allowed: 'topic:NAME with a target, on which the topic is kept; file:PATH without',
      remedy: 'add --target, or write file:PATH',
    },
  ]
}

const rewrittenFitsBuffer: Rule = ({ shape }) => {
  const rewritten = shape.limits?.rewrittenResponseBytes ?? limitDefaults.rewrittenResponseBytesMax
  const buffered = shape.limits?.bufferedBytes ?? limitDefaults.bufferedBytesMax
  if (rewritten <= buffered) return []
  const path = ['limits', 'rewrittenResponseBytes']
  return [
    {
      path,
      given: `${formatSize(rewritten)}, more than limits.bufferedBytes`,
      allowed: `up to ${formatSize(buffered)}`,
      remedy: 'raise limits.bufferedBytes, or lower this',
    },
  ]
}

export const planRules: readonly Rule[] = [
  topicsAreDistinct,
  topicJournalHasTarget,
  rewrittenFitsBuffer,
]
