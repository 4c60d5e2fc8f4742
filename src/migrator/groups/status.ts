import type { GroupFact, GroupStanding } from '../../router/index.ts'
import type { GroupProgress } from './progress.ts'
import { etaSeconds, sampled, type Rate } from './rate.ts'

/** A group as the operator sees it. Numbers that are not known are null. */
export interface GroupRow {
  readonly group: string
  readonly state: 'source' | 'draining' | 'dormant' | 'moving' | 'moved' | 'forgotten'
  readonly members: number | null
  readonly remaining: number | null
  readonly ratePerSecond: number | null
  readonly etaSeconds: number | null
}

/** The same of one topic. */
export interface DrainRow {
  readonly group: string
  readonly topic: string
  readonly remaining: number
  readonly ratePerSecond: number | null
  readonly etaSeconds: number | null
}

/** What is known of a group that is watched. */
export interface Watched {
  readonly group: string
  readonly progress: GroupProgress | undefined
  readonly rate: Rate | undefined
  /** Of each topic of the plan that it reads. */
  readonly rates: ReadonlyMap<string, Rate>
  /** Why the last look, or the last move, failed. */
  readonly trouble: string | undefined
}

export function drainsOf({ group, rates }: Watched): readonly DrainRow[] {
  return [...rates].map(([topic, rate]) => ({
    group,
    topic,
    remaining: Number(rate.remaining),
    ratePerSecond: rate.perSecond,
    etaSeconds: etaSeconds(rate),
  }))
}

export function sampledByTopic(
  before: ReadonlyMap<string, Rate>,
  { partitions }: GroupProgress,
  nowMs: number,
): ReadonlyMap<string, Rate> {
  const left = new Map<string, bigint>()
  for (const { topic, remaining } of partitions) {
    left.set(topic, (left.get(topic) ?? 0n) + remaining)
  }
  return new Map(
    [...left].map(([topic, remaining]) => [topic, sampled(before.get(topic), remaining, nowMs)]),
  )
}

export function rowOf(
  { group, progress, rate }: Watched,
  standing: GroupStanding,
  isMoving: boolean,
): GroupRow {
  const state = stateOf(progress, standing, isMoving)
  const isSettled = state === 'moved' || state === 'forgotten'
  const perSecond = rate?.perSecond ?? null
  const eta = rate === undefined ? null : etaSeconds(rate)
  return {
    group,
    state,
    members: progress?.members ?? null,
    remaining: isSettled ? 0 : progress === undefined ? null : Number(progress.remaining),
    ratePerSecond: isSettled || perSecond === null ? null : Math.round(perSecond),
    etaSeconds: isSettled ? 0 : eta === null ? null : Math.ceil(eta),
  }
}

function stateOf(
  progress: GroupProgress | undefined,
  standing: GroupStanding,
  isMoving: boolean,
): GroupRow['state'] {
  if (standing === 'moved' || standing === 'forgotten') return standing
  if (standing === 'moving' || isMoving) return 'moving'
  if (progress?.concern !== 'planned') return 'source'
  return progress.members === 0 ? 'dormant' : 'draining'
}

/** The same for the decision of what comes next; a group that has nothing to do with the plan is none. */
export function factOf({ group, progress, rate }: Watched): GroupFact | undefined {
  if (progress?.concern !== 'planned') return undefined
  const { members, remaining, drained, partitions } = progress
  const behind = partitions.filter((each) => !each.drained)
  return {
    group,
    state: members > 0 ? 'active' : drained ? 'empty-drained' : 'dormant',
    members,
    remaining,
    behindIn: [...new Set(behind.map(({ topic }) => topic))],
    drained,
    ratePerSecond: rate?.perSecond ?? null,
    etaSeconds: rate === undefined ? null : etaSeconds(rate),
  }
}

/** What else than draining keeps a group on the source. */
export function sentenceOf({ group, progress, trouble }: Watched): string {
  const unknown =
    progress === undefined
      ? 'how much it has left is not known yet'
      : 'it rebalances; what it reads is not known yet'
  return `group ${group}: ${trouble ?? unknown}`
}
