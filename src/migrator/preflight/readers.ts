import { messageOf } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'
import type { Reading } from '../data-plane.ts'
import { describeGroup, listEveryGroup } from '../groups/index.ts'
import { isUnordered, type Finding, type TopicPlan } from './finding.ts'

/**
 * Who reads unordered topics without a group, through the sidecar: with `assign()`, as Kafka's and kcat's console consumers
 * may. Nobody tells it of the new partitions, so that it would miss what is produced from the flip on. A Fetch names no
 * group: a member of one is known by its client id.
 */
export async function findReaders(
  source: Cluster,
  reading: readonly Reading[],
  topics: readonly TopicPlan[],
): Promise<readonly Finding[]> {
  const unordered = topics.filter(isUnordered).map(({ name }) => name)
  const read = new Map<string, Set<string>>()
  for (const { clientId, topics: asked } of reading) {
    for (const topic of unordered) {
      if (asked.has(topic)) read.set(clientId, (read.get(clientId) ?? new Set()).add(topic))
    }
  }
  if (read.size === 0) return []
  const members = await clientIdsOfMembers(source)
  return [...read]
    .filter(([clientId]) => !members.has(clientId))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([clientId, named]) => withoutGroup(clientId, [...named]))
}

/** One group after the other, which a cutover has time for. Those that may not be looked at are findings of their own. */
async function clientIdsOfMembers(source: Cluster): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const { groupId, protocolType } of await listEveryGroup(source)) {
    if (protocolType !== 'consumer') continue
    const { members } = await describeGroup(source, groupId).catch(notAllowed)
    for (const { clientId } of members) found.add(clientId)
  }
  return found
}

function notAllowed(error: unknown): { readonly members: readonly [] } {
  if (!messageOf(error).includes('AUTHORIZATION_FAILED')) throw error
  return { members: [] }
}

const withoutGroup = (clientId: string, topics: readonly string[]): Finding => ({
  severity: 'blocking',
  subject: clientId === '' ? 'a reader without a client id' : `reader ${clientId}`,
  problem: 'it reads without a group: who reads with assign() is not given the new partitions',
  evidence: `it asks for records of ${topics.join(', ')}, which are unordered, and no member of a group has its client id`,
  remedy: 'let it subscribe() as a member of a group, or stop it, or use ordered for these topics',
})
