import {
  clientsOf,
  consumedBy,
  type GroupHistory,
  type History,
  type Parallel,
  type ProducerHistory,
} from './history.ts'
import { disorderOf, lossesOf, placesOf, repetitionsOf } from './laws.ts'

export interface Verdict {
  /** What breaks a promise. Empty is good. */
  readonly findings: readonly string[]
  /** What applications saw go wrong from `from` on, as `who: where: kind`, with how often. */
  readonly errors: Readonly<Record<string, number>>
  readonly producers: Readonly<Record<string, ProducerFigures>>
  readonly groups: Readonly<Record<string, GroupFigures>>
}

export interface ProducerFigures {
  readonly acked: number
  /** The longest time between two acknowledgements, from `from` on. */
  readonly ackGapMaxMs: number
}

export interface GroupFigures {
  /** Different records. */
  readonly consumed: number
  /** Records that were delivered to it again. */
  readonly again: number
  /** The longest time between two records of one partition, from `from` on, and of which. */
  readonly gapMaxMs: number
  readonly gapPartition: number
  /** Of each member, between `from` and `to`: how often it was told of an assignment. */
  readonly rebalances: Readonly<Record<string, number>>
  /** The same, but those that came together count once. */
  readonly disturbances: Readonly<Record<string, number>>
}

const findingsMax = 12

/**
 * Judges what clients saw of one topic that was empty when they began. Every acknowledged record was
 * consumed by every group, at the offset that was acknowledged; each partition is one log without a hole
 * in its offsets, in which every producer's records stand once and in order; and each group got it in
 * that order and once.
 */
export function judge(history: History): Verdict {
  const { producers, groups, faults, parallel } = history
  const findings = groups.flatMap((group) => [
    ...lossesOf(producers, group, history),
    ...placesOf(producers, group, parallel),
    ...repetitionsOf(producers, group, history),
    ...disorderOf(producers, group, faults, parallel),
  ])
  const errors = faults ? [] : Object.entries(errorsOf(history))
  const groupsSeen = Object.fromEntries(groups.map((g) => [g.name, groupFigures(g, history)]))
  return {
    findings: abridge([
      ...findings,
      ...errors.map(([what, times]) => `error: ${what} (${times} times)`),
      ...(faults ? [] : Object.values(groupsSeen).flatMap((group) => unrest(group, parallel))),
      ...lostPartitions(history),
      ...unfinished(history),
    ]),
    errors: errorsOf(history),
    producers: Object.fromEntries(producers.map((p) => [p.id, producerFigures(p, history)])),
    groups: groupsSeen,
  }
}

function errorsOf(history: History): Record<string, number> {
  const errors: Record<string, number> = {}
  for (const { id, events } of clientsOf(history)) {
    for (const event of events) {
      if (event.event !== 'error' || event.t < history.from) continue
      const what = `${id}: ${event.where}: ${event.kind}`
      errors[what] = (errors[what] ?? 0) + 1
    }
  }
  return errors
}

/** Assignments that follow each other within so many ms disturb an application once. */
const disturbanceMs = 1_000

/**
 * A cutover may cost each member one ordinary rebalance; an unordered one another, for the new partitions. That
 * may be several generations at once: members join anew one after the other, as each hears of the partitions,
 * and where partitions change hands a cooperative rebalance is two (KIP-429).
 */
function unrest({ rebalances, disturbances }: GroupFigures, parallel?: Parallel): string[] {
  const [counted, timesMax] = parallel === undefined ? [rebalances, 1] : [disturbances, 2]
  return Object.entries(counted).flatMap(([id, times]) =>
    times > timesMax ? [`unrest: ${id} was rebalanced ${times} times`] : [],
  )
}

/** A member that is told that it has lost its partitions cannot commit what it has read of them. */
function lostPartitions(history: History): string[] {
  if (history.faults) return []
  return history.groups
    .flatMap((group) => group.members)
    .filter((member) => member.events.some((e) => e.event === 'lost' && e.t >= history.from))
    .map((member) => `lost: ${member.id} was told that its partitions were lost`)
}

function unfinished(history: History): string[] {
  return clientsOf(history)
    .filter((client) => !client.events.some((e) => e.event === 'done'))
    .map((client) => `unfinished: ${client.id} did not end in its orderly way`)
}

function producerFigures({ events }: ProducerHistory, { from }: History): ProducerFigures {
  const times = events.filter((e) => e.event === 'acked').map((e) => e.t)
  return { acked: times.length, ackGapMaxMs: longestGap(times, from) }
}

function groupFigures(group: GroupHistory, { from, to }: History): GroupFigures {
  const records = consumedBy(group)
  const partitions = new Map<number, number[]>()
  for (const record of records) {
    const times = partitions.get(record.partition)
    if (times === undefined) partitions.set(record.partition, [record.t])
    else times.push(record.t)
  }
  const gaps = [...partitions].map(([partition, times]) => ({
    partition,
    ms: longestGap(times, from),
  }))
  const [longest] = gaps.sort((a, b) => b.ms - a.ms)
  const different = new Set(records.map((r) => `${r.partition}@${r.offset}`)).size
  return {
    consumed: different,
    again: records.length - different,
    gapMaxMs: longest?.ms ?? 0,
    gapPartition: longest?.partition ?? -1,
    rebalances: eachMember(group, (times) => times.length, { from, to }),
    disturbances: eachMember(
      group,
      (times) => times.filter((t, i) => t - (times[i - 1] ?? -Infinity) > disturbanceMs).length,
      { from, to },
    ),
  }
}

/** Of each member, what follows from when it was told of an assignment. */
const eachMember = (
  group: GroupHistory,
  count: (times: readonly number[]) => number,
  { from, to }: Pick<History, 'from' | 'to'>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    group.members.map(({ id, events }) => {
      const told = events.filter((e) => e.event === 'assigned' && e.t >= from && e.t <= to)
      return [id, count(told.map(({ t }) => t))]
    }),
  )

/** Of the gaps that ended at `from` or later: how clients start is not looked at. */
function longestGap(times: readonly number[], from: number): number {
  let gap = 0
  for (const [i, time] of times.entries()) {
    if (time >= from) gap = Math.max(gap, time - (times[i - 1] ?? time))
  }
  return gap
}

function abridge(findings: readonly string[]): string[] {
  if (findings.length <= findingsMax) return [...findings]
  return [...findings.slice(0, findingsMax), `and ${findings.length - findingsMax} more`]
}

/** A few lines for a person. `control` is a run of the same load without a cutover. */
export function formatVerdict(verdict: Verdict, control?: Verdict): string {
  const beside = (now: number, was: number | undefined) =>
    was === undefined ? String(now) : `${now} (control ${was})`
  const lines = Object.entries(verdict.producers).map(([id, { acked, ackGapMaxMs }]) => {
    const gap = beside(ackGapMaxMs, control?.producers[id]?.ackGapMaxMs)
    return `${id}: ${acked} acknowledged, longest gap ${gap} ms`
  })
  for (const [name, group] of Object.entries(verdict.groups)) {
    const gap = beside(group.gapMaxMs, control?.groups[name]?.gapMaxMs)
    const rebalances = Object.values(group.rebalances).join('+')
    lines.push(
      `${name}: ${group.consumed} consumed, ${group.again} again, longest gap ${gap} ms in partition ` +
        `${group.gapPartition}, rebalances ${rebalances}`,
    )
  }
  for (const [what, times] of Object.entries(verdict.errors)) lines.push(`error ${what}: ${times}`)
  for (const finding of verdict.findings) lines.push(`FINDING ${finding}`)
  if (verdict.findings.length === 0) lines.push('every promise held')
  return lines.join('\n')
}
