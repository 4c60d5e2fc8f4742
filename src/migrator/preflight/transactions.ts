import { apis } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { readEnds, type PartitionName } from '../ends.ts'
import type { Finding, TopicPlan } from './finding.ts'
import { readTransactionLog } from './transaction-log.ts'
import { listIds, seeProducers, type Found, type Sighting } from './transactional-ids.ts'

/** How many of the gaps are told. */
const gapsShownMax = 3

/**
 * Transactional producers that are active on the plan's topics: moving them is not built yet, so they
 * refuse the cutover.
 *
 *     ListTransactions (3.0) -----------+
 *     or __transaction_state --> ids ---+--> DescribeProducers (2.8) --+
 *              `--> partitions that an id has named -------------------+--> by id
 *     last stable offset < end, no id has it open -------------------------> by topic
 *
 * @param nowMs ms since the epoch
 */
export async function findTransactions(
  source: Cluster,
  topics: readonly TopicPlan[],
  nowMs: number,
): Promise<readonly Finding[]> {
  const partitions = topics.flatMap(({ name, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
  )
  if (partitions.length === 0) return []
  const { found, gaps } = await sightings(source, partitions, nowMs)
  const open = await openWithoutId(source, partitions, found, gaps)
  return [...byId(found), ...open, ...(gaps.length === 0 ? [] : [unseen(gaps)])]
}

async function sightings(
  source: Cluster,
  partitions: readonly PartitionName[],
  nowMs: number,
): Promise<Found<Sighting>> {
  const offers = (api: { readonly key: number }) => source.version(api.key, 0) !== undefined
  const topics = new Set(partitions.map(({ topic }) => topic))
  const known = offers(apis.listTransactions)
    ? await listIds(source)
    : await readTransactionLog(source, topics, nowMs)
  if (known.ids.length === 0) return known
  if (!offers(apis.describeProducers)) {
    const unplaced = known.unplaced.map(
      ({ id }) => `transactional id ${id} has ended a transaction, its log tells no more on what`,
    )
    return { found: known.found, gaps: [...known.gaps, ...unplaced] }
  }
  const seen = await seeProducers(source, partitions, known.ids, nowMs)
  return { found: [...known.found, ...seen.found], gaps: [...known.gaps, ...seen.gaps] }
}

/** One finding for each id: of its open transaction, if it has one. */
function byId(found: readonly Sighting[]): readonly Finding[] {
  const shown = new Map<string, Sighting>()
  for (const each of found) {
    const before = shown.get(each.of.id)
    if (before === undefined || (each.isOpen && !before.isOpen)) shown.set(each.of.id, each)
  }
  return [...shown.values()].map(active).sort((a, b) => (a.subject < b.subject ? -1 : 1))
}

const active = ({ of: { id, state }, at, isOpen, seenIn }: Sighting): Finding => ({
  severity: 'blocking',
  subject: `transactional id ${id}`,
  problem: isOpen
    ? 'it has an open transaction on a topic of the plan'
    : 'it wrote to a topic of the plan within the last 10 minutes',
  evidence:
    seenIn === 'partition'
      ? `producer of ${at.topic}-${at.partition}, state ${state}`
      : `its coordinator's log names ${at.topic}-${at.partition}, state ${state}`,
  remedy:
    'stop the transactional producer, or leave its topics out of the plan: moving transactions is not built yet',
})

/** An open transaction shows by the last stable offset, whoever's it is. */
async function openWithoutId(
  source: Cluster,
  partitions: readonly PartitionName[],
  found: readonly Sighting[],
  gaps: readonly string[],
): Promise<readonly Finding[]> {
  const ends = await readEnds(source, partitions)
  const isKnown = ({ topic, partition }: PartitionName): boolean =>
    found.some(({ isOpen, at }) => isOpen && at.topic === topic && at.partition === partition)
  const why = gaps[0] ?? 'no id that the source tells of has it open'
  return partitions.flatMap((name, i) => {
    const end = ends[i]
    if (end === undefined || end.lastStable >= end.highWatermark || isKnown(name)) return []
    return [
      {
        severity: 'blocking' as const,
        subject: `topic ${name.topic}`,
        problem: 'a transaction is open on it',
        evidence: `partition ${name.partition}: last stable offset ${end.lastStable}, end ${end.highWatermark}; its transactional id is not known: ${why}`,
        remedy:
          'stop the transactional producer, or leave the topic out of the plan: moving transactions is not built yet',
      },
    ]
  })
}

function unseen(gaps: readonly string[]): Finding {
  const more = gaps.length - gapsShownMax
  return {
    severity: 'warning',
    subject: 'transactional producers',
    problem:
      'one that is between two transactions may not be seen: the source does not tell of all',
    evidence: [...gaps.slice(0, gapsShownMax), ...(more > 0 ? [`and ${more} more`] : [])].join(
      '; ',
    ),
    remedy:
      "let the user of source.sasl read __transaction_state, or make sure that none writes to the plan's topics",
  }
}
