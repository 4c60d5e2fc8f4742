import type { Entry, ReadPartition, SplicedPartition, StartedPartition } from './entries.ts'
import { partitionKey, standingOf, type Fence, type MigrationState } from './state.ts'

/** Where a partition of the source ends, as its leader says. */
export interface SourceEnd {
  /** Behind the last record, replicated or not; null where the broker does not tell. */
  readonly logEnd: bigint | null
  readonly highWatermark: bigint
  /** Before the first open transaction. */
  readonly lastStable: bigint
}

/** A group that has to do with the plan, as the source shows it. */
export interface GroupFact {
  readonly group: string
  /** `dormant` has offsets and no members, `empty-drained` too, but nothing left to read. */
  readonly state: 'active' | 'dormant' | 'empty-drained'
  readonly members: number
  /** Records before S that it has not read; null while that is not known. */
  readonly remaining: bigint | null
  /** Those of the plan in which they are, by the names that clients know. */
  readonly behindIn: readonly string[]
  readonly drained: boolean
  readonly ratePerSecond?: number | null
  readonly etaSeconds?: number | null
}

/** What the runner knows now; what is undefined is not known yet. */
export interface Facts {
  /** Whether no Produce of the plan is in flight or unresolved. */
  readonly quiesced?: boolean | undefined
  /** Behind the highest acknowledged offset, by `partitionKey`; known once quiesced. */
  readonly ackedEnds?: ReadonlyMap<string, bigint> | undefined
  /** By `partitionKey`, both under the source's names; asked for after `quiesced` became true. */
  readonly sourceEnds?: ReadonlyMap<string, SourceEnd> | undefined
  readonly targetEnds?: ReadonlyMap<string, bigint> | undefined
  /** T0 of unordered topics, which their groups have been given as their positions. */
  readonly starts?: readonly StartedPartition[] | undefined
  /** What else the next entry waits for, in sentences: an open transaction, a reader without a group. */
  readonly blockers?: readonly string[] | undefined
  readonly groups?: readonly GroupFact[] | undefined
  /** How far the groups that have moved have read unordered topics on the source. */
  readonly read?: readonly ReadPartition[] | undefined
}

export interface StepOptions {
  /** How long what is produced may be held. */
  readonly fenceDeadlineMs: number
  /** Whether dormant groups with records left are waited for. */
  readonly dormant: 'wait' | 'leave'
}

export type Step =
  | { readonly kind: 'append'; readonly entry: Entry }
  /** Nothing can be done now. Nothing is waited for in the phases `source` and `target`. */
  | { readonly kind: 'wait'; readonly for: readonly string[] }

/** How many sentences tell what is waited for; a last one says how many more there are. */
export const sentencesMax = 20
/** How many topics such a sentence names. */
const namesMax = 3

/**
 * What comes next. Cutovers begin with a fence, and groups move, by other hands; this says when a fence
 * ends, and when a phase does.
 *
 * @param now epoch ms, on the clock that the entries' `at` come from
 */
export function nextStep(
  state: MigrationState,
  facts: Facts,
  now: number,
  options: StepOptions,
): Step {
  switch (state.phase) {
    case 'source':
    case 'target':
      return wait([])
    case 'fenced':
      return endFence(state, facts, now, options)
    case 'spliced':
    case 'drained':
      return settleGroups(state, facts, now, options)
  }
}

/** Late is late, though nothing is missing any more: clients have begun to send again. */
function endFence(
  { fence, topics }: MigrationState,
  facts: Facts,
  now: number,
  { fenceDeadlineMs }: StepOptions,
): Step {
  const { id, at } = fence as Fence
  const waits = [...(facts.blockers ?? [])]
  if (facts.quiesced !== true || facts.ackedEnds === undefined) {
    waits.push('what is being produced to be acknowledged')
  }
  const partitions: SplicedPartition[] = []
  const started = new Set(facts.starts?.map(({ topic }) => topic))
  for (const { name, timelines, parallel } of topics.values()) {
    if (parallel !== undefined) {
      if (!started.has(name)) waits.push(`the positions of the groups of ${name} on the target`)
      continue
    }
    for (const partition of timelines.keys()) {
      const found = splicePoint(name, partition, facts)
      if (typeof found === 'string') waits.push(found)
      else partitions.push(found)
    }
  }
  if (now - at >= fenceDeadlineMs) {
    const what = waits.length === 0 ? 'the journal' : shortened(waits).join('; ')
    const reason = `after ${now - at} ms the fence still waited for ${what}`
    return append({ kind: 'abort', fence: id, at: now, reason })
  }
  if (waits.length > 0) return wait(waits)
  const starts = started.size > 0 ? { starts: facts.starts } : {}
  return append({ kind: 'splice', fence: id, at: now, partitions, ...starts })
}

/** Where a partition is spliced, or what that waits for. */
function splicePoint(topic: string, partition: number, facts: Facts): SplicedPartition | string {
  const key = partitionKey(topic, partition)
  const name = `${topic}-${partition}`
  const source = facts.sourceEnds?.get(key)
  const start = facts.targetEnds?.get(key)
  if (source === undefined) return `the end of ${name} on the source`
  if (start === undefined) return `the end of ${name} on the target`
  const { logEnd, highWatermark: end, lastStable } = source
  if (lastStable !== end) return `a transaction on ${name} to end (open since offset ${lastStable})`
  if (logEnd !== null && logEnd !== end) {
    return `the replicas of ${name} to catch up (${end} of ${logEnd})`
  }
  const acked = facts.ackedEnds?.get(key) ?? 0n
  if (end < acked) return `the replicas of ${name} to catch up (${end} of ${acked} acknowledged)`
  return { topic, partition, end, start }
}

function settleGroups(
  state: MigrationState,
  facts: Facts,
  now: number,
  { dormant }: StepOptions,
): Step {
  const { groups, blockers = [] } = facts
  if (groups === undefined) {
    return wait(blockers.length > 0 ? blockers : ['the groups of the source to be known'])
  }
  const left = groups.find(
    (fact) =>
      dormant === 'leave' &&
      fact.state === 'dormant' &&
      !fact.drained &&
      fact.remaining !== 0n &&
      standingOf(state, fact.group) === 'source',
  )
  if (left !== undefined) return append({ kind: 'group-left', group: left.group, at: now })
  const waits = [...blockers]
  for (const fact of groups) {
    if (standingOf(state, fact.group) === 'source' && !fact.drained) waits.push(undrained(fact))
  }
  if (state.phase === 'spliced') {
    return waits.length > 0 ? wait(waits) : append({ kind: 'drained', at: now })
  }
  for (const { group, drained } of groups) {
    if (standingOf(state, group) === 'source' && drained) waits.push(`group ${group}: to move`)
  }
  for (const [group, standing] of state.groups) {
    if (standing === 'moving') waits.push(`group ${group}: is moving`)
  }
  if (waits.length > 0) return wait(waits)
  const read = facts.read === undefined ? {} : { read: facts.read }
  return append({ kind: 'target', at: now, ...read })
}

/** As in: `group billing: 1204 records left on orders, 410/s, 3 s`. */
function undrained(fact: GroupFact): string {
  const { group, state, remaining, behindIn, ratePerSecond, etaSeconds } = fact
  if (remaining === null) return `group ${group}: how much it has left is not known yet`
  // Who has read everything is not drained while nobody can say what it reads.
  if (behindIn.length === 0) return `group ${group}: it rebalances; what it reads is not known yet`
  if (remaining === 0n) {
    return `group ${group}: it has read ${listed(behindIn)} to the end, and moves when nobody writes there on the source any more`
  }
  const left = `${remaining} records left on ${listed(behindIn)}`
  if (state === 'dormant') {
    return `group ${group}: ${left}, no members; start it again to read them, or give them up: kafka-cutover forget --group ${group}`
  }
  const rate = ratePerSecond == null ? '' : `, ${Math.round(ratePerSecond)}/s`
  const eta = etaSeconds == null ? '' : `, ${Math.ceil(etaSeconds)} s`
  return `group ${group}: ${left}${rate}${eta}`
}

/** Dear to make, and asked for with every look at groups. */
const sentence = new Intl.ListFormat('en-GB')

function listed(names: readonly string[]): string {
  const more = names.length - namesMax
  const shown = more <= 0 ? names : [...names.slice(0, namesMax), `${more} more`]
  return sentence.format(shown)
}

function shortened(sentences: readonly string[]): readonly string[] {
  const more = sentences.length - sentencesMax
  return more <= 0 ? sentences : [...sentences.slice(0, sentencesMax), `${more} more`]
}

const append = (entry: Entry): Step => ({ kind: 'append', entry })
const wait = (sentences: readonly string[]): Step => ({ kind: 'wait', for: shortened(sentences) })
