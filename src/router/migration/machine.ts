import {
  lanesOf,
  namespacesMax,
  parallelTimelines,
  sourceTimeline,
  splice,
  type Parallel,
  type Timeline,
} from '../timeline/index.ts'
import type { PlannedTopic } from '../view.ts'
import type {
  CarriedEntry,
  Entry,
  EntryKind,
  FencedTopic,
  FenceEntry,
  FlipEntry,
  GroupEntry,
  SequenceBaseEntry,
  SpliceEntry,
  StartedPartition,
  TargetEntry,
} from './entries.ts'
import { initialState, partitionKey, standingOf } from './state.ts'
import type { GroupStanding, MigrationState, Phase } from './state.ts'
import { groupTransitions, transitions } from './table.ts'

export type Applied =
  | { readonly ok: true; readonly state: MigrationState }
  | { readonly ok: false; readonly reason: string }

/** More partitions than any cluster has: what a topic of the plan may claim to have. */
export const maxPartitions = 1_000_000

/** The state behind an entry, or why the entry means nothing there. Never throws. */
export function apply(state: MigrationState, entry: Entry): Applied {
  const row: Partial<Record<EntryKind, Phase>> = transitions[state.phase]
  const phase = row[entry.kind]
  if (phase === undefined) return refused(`${entry.kind} is not possible in phase ${state.phase}`)
  switch (entry.kind) {
    case 'fence':
      return fence(state, entry, phase)
    case 'abort':
      return entry.fence === state.fence?.id
        ? accepted({
            ...initialState,
            phase,
            fence: { ...state.fence, endedAt: entry.at, abortReason: entry.reason },
          })
        : otherFence(state, entry.fence)
    case 'splice':
      return spliceAll(state, entry, phase)
    case 'flip':
      return flip(state, entry, phase)
    case 'drained':
      return accepted({ ...state, phase })
    case 'target':
      return arrive(state, entry, phase)
    case 'carried':
      return carry(state, entry)
    case 'sequence-base':
      return keepBase(state, entry)
    case 'group-moving':
    case 'group-moved':
    case 'group-aborted':
    case 'group-forgotten':
    case 'group-left':
      return stand(state, entry)
  }
}

/**
 * What a journal's entries add up to. An entry that is refused changes nothing: where several sidecars
 * write, the first valid one wins, and the later ones find themselves here.
 */
export function replay(entries: Iterable<Entry>): {
  readonly state: MigrationState
  readonly refused: readonly { readonly entry: Entry; readonly reason: string }[]
} {
  let state = initialState
  const refused: { entry: Entry; reason: string }[] = []
  for (const entry of entries) {
    const applied = apply(state, entry)
    if (applied.ok) state = applied.state
    else refused.push({ entry, reason: applied.reason })
  }
  return { state, refused }
}

/**
 * What a sidecar that was started again appends before it serves: what it had in hand is gone, the held
 * requests with their connections, the placeholders of moving groups with their sessions. Every other
 * phase goes on where it was.
 */
export function recovered(state: MigrationState, at: number): readonly Entry[] {
  const reason = 'the sidecar was started again'
  if (state.phase === 'fenced' && state.fence !== null) {
    return [{ kind: 'abort', fence: state.fence.id, at, reason }]
  }
  return [...state.groups]
    .filter(([, standing]) => standing === 'moving')
    .map(([group]) => ({ kind: 'group-aborted', group, at, reason }))
}

function fence(state: MigrationState, entry: FenceEntry | FlipEntry, phase: Phase): Applied {
  const last = state.fence?.id ?? 0
  if (!(entry.fence > last)) return refused(`fence ${entry.fence} is not behind fence ${last}`)
  const names = new Set(entry.topics.map(({ name }) => name))
  const targetNames = new Set(entry.topics.map(({ targetName }) => targetName))
  if (names.size < entry.topics.length || targetNames.size < entry.topics.length) {
    return refused('a topic is in the plan twice')
  }
  for (const topic of entry.topics) {
    const reason = absurdity(topic)
    if (reason !== undefined) return refused(`${reason} (topic ${topic.name})`)
  }
  return accepted({
    ...state,
    phase,
    fence: { id: entry.fence, at: entry.at, endedAt: null, abortReason: null },
    clusterId: entry.clusterId,
    everyTopic: entry.everyTopic,
    topics: new Map(entry.topics.map((topic) => [topic.name, planned(topic)])),
  })
}

function absurdity({ partitions, targetPartitions }: FencedTopic): string | undefined {
  const absurd = [partitions, targetPartitions ?? 1].find(
    (n) => !Number.isInteger(n) || n < 1 || n > maxPartitions,
  )
  if (absurd !== undefined) return `${absurd} is no number of partitions`
  if (targetPartitions === undefined) return undefined
  const lanes = lanesOf({ sourcePartitions: partitions, targetPartitions })
  return lanes < namespacesMax ? undefined : `${lanes} lanes of producers are too many`
}

function planned(topic: FencedTopic): PlannedTopic {
  const { name, targetName, topicId, partitions, targetPartitions } = topic
  const timelines = Array.from({ length: partitions }, (_, i) => sourceTimeline(name, i))
  const parallel =
    targetPartitions === undefined ? undefined : { sourcePartitions: partitions, targetPartitions }
  return { name, targetName, topicId, timelines, parallel }
}

function flip(state: MigrationState, entry: FlipEntry, phase: Phase): Applied {
  const ordered = entry.topics.find(({ targetPartitions }) => targetPartitions === undefined)
  if (ordered !== undefined) return refused(`topic ${ordered.name} is ordered: it needs a fence`)
  const fenced = fence(state, entry, phase)
  if (!fenced.ok) return fenced
  return spliceAll(fenced.state, { ...entry, kind: 'splice', partitions: [] }, phase)
}

function spliceAll(state: MigrationState, entry: SpliceEntry, phase: Phase): Applied {
  if (state.fence === null || entry.fence !== state.fence.id) return otherFence(state, entry.fence)
  const given = new Map(entry.partitions.map((p) => [partitionKey(p.topic, p.partition), p]))
  if (given.size < entry.partitions.length) return refused('a partition is in the splice twice')
  const starts = startsOf(entry.starts ?? [])
  const topics = new Map<string, PlannedTopic>()
  let found = 0
  let started = 0
  for (const topic of state.topics.values()) {
    if (topic.parallel !== undefined) {
      const opened = open(topic, topic.parallel, starts.get(topic.name) ?? [])
      if (typeof opened === 'string') return refused(opened)
      topics.set(topic.name, opened)
      started += topic.parallel.targetPartitions
      continue
    }
    const timelines: Timeline[] = []
    for (const [partition, timeline] of topic.timelines.entries()) {
      const at = given.get(partitionKey(topic.name, partition))
      if (at === undefined) return refused(`the splice lacks ${topic.name} ${partition}`)
      if (at.end < 0n || at.start < 0n) {
        return refused(`an offset of ${topic.name} ${partition} is negative`)
      }
      const next = {
        cluster: 'target',
        topic: topic.targetName,
        partition,
        start: at.start,
      } as const
      timelines.push(splice(timeline, { end: at.end, next }))
      found++
    }
    topics.set(topic.name, { ...topic, timelines })
  }
  if (found < given.size || started < (entry.starts?.length ?? 0)) {
    return refused('the splice has a partition that the fence has not')
  }
  return accepted({ ...state, phase, fence: { ...state.fence, endedAt: entry.at }, topics })
}

function startsOf(starts: readonly StartedPartition[]): ReadonlyMap<string, bigint[]> {
  const byTopic = new Map<string, bigint[]>()
  for (const { topic, partition, start } of starts) {
    const mine = byTopic.get(topic) ?? []
    mine[partition] = start
    byTopic.set(topic, mine)
  }
  return byTopic
}

/** Both clusters are read from now on. @returns why not */
function open(
  topic: PlannedTopic,
  { sourcePartitions, targetPartitions }: Parallel,
  given: readonly bigint[],
): PlannedTopic | string {
  const { name, targetName } = topic
  const starts: bigint[] = []
  for (let partition = 0; partition < targetPartitions; partition++) {
    const start = given[partition]
    if (start === undefined) return `the splice lacks partition ${partition} of ${targetName}`
    if (start < 0n) return `an offset of ${targetName} ${partition} is negative`
    starts.push(start)
  }
  return { ...topic, timelines: parallelTimelines({ name, targetName, sourcePartitions, starts }) }
}

/** Groups whose move was aborted, and which have vanished since, begin anew on the target. */
function arrive(state: MigrationState, { read = [] }: TargetEntry, phase: Phase): Applied {
  const groups = new Map<string, GroupStanding>()
  for (const [group, standing] of state.groups) {
    if (standing === 'moving') return refused(`group ${group} is moving`)
    if (standing !== 'source') groups.set(group, standing)
  }
  const carried = new Map(state.carried)
  for (const { topic, partition, end } of read) {
    const { parallel } = state.topics.get(topic) ?? {}
    if (parallel === undefined || partition >= parallel.sourcePartitions) {
      return refused(`${topic} ${partition} is not read on the source beside the target`)
    }
    carried.set(partitionKey(topic, partition), end)
  }
  return accepted({ ...state, phase, groups, carried })
}

function stand(state: MigrationState, entry: GroupEntry): Applied {
  const { kind, group } = entry
  const standing = standingOf(state, group)
  const row: Partial<Record<EntryKind, GroupStanding>> = groupTransitions[standing]
  const next = row[kind]
  if (next === undefined) {
    return refused(`${kind} is not possible for group ${group}, which is ${inWords[standing]}`)
  }
  const groups = new Map(state.groups).set(group, next)
  return accepted({ ...state, groups, placeholders: placeholdersBehind(state, entry) })
}

function placeholdersBehind(
  { placeholders }: MigrationState,
  entry: GroupEntry,
): MigrationState['placeholders'] {
  const standing = entry.kind === 'group-moving' ? entry.placeholder : undefined
  if (standing === undefined && !placeholders.has(entry.group)) return placeholders
  const behind = new Map(placeholders)
  behind.delete(entry.group)
  return standing === undefined ? behind : behind.set(entry.group, standing)
}

const inWords: Record<GroupStanding, string> = {
  source: 'on the source',
  moving: 'moving',
  moved: 'on the target',
  forgotten: 'forgotten, and on the target',
  left: 'left on the source',
}

function carry(state: MigrationState, { topic, partition, sourceEnd }: CarriedEntry): Applied {
  const key = partitionKey(topic, partition)
  const before = state.carried.get(key) ?? state.topics.get(topic)?.timelines[partition]?.[0].end
  if (before == null) return refused(`${topic} ${partition} is not in the plan`)
  if (sourceEnd < before) {
    return refused(`${topic} ${partition} is carried to ${before} already, behind ${sourceEnd}`)
  }
  return accepted({ ...state, carried: new Map(state.carried).set(key, sourceEnd) })
}

/** The first one holds: what was written by it must not be told otherwise. */
function keepBase(state: MigrationState, entry: SequenceBaseEntry): Applied {
  if (state.topics.get(entry.topic)?.timelines[entry.partition] === undefined) {
    return refused(`${entry.topic} ${entry.partition} is not in the plan`)
  }
  const known = state.sequenceBases.some(
    (base) =>
      base.topic === entry.topic &&
      base.partition === entry.partition &&
      base.producerId === entry.producerId &&
      base.producerEpoch === entry.producerEpoch,
  )
  if (known) return refused(`producer ${entry.producerId} has a base on ${entry.topic} already`)
  return accepted({ ...state, sequenceBases: [...state.sequenceBases, entry] })
}

const accepted = (state: MigrationState): Applied => ({ ok: true, state })
const refused = (reason: string): Applied => ({ ok: false, reason })
const otherFence = (state: MigrationState, fence: number): Applied =>
  refused(`fence ${fence} is not the one that stands, which is ${state.fence?.id}`)
