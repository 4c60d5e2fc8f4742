/** What a cutover left behind, as an operator and an application without a sidecar would find it. */
import type { Status } from '../../src/admin/index.ts'
import type { Flip } from './flip.ts'
import { consumedBy, type GroupHistory, type History } from './history.ts'
import type { NativeView } from './native.ts'
import { stalledWithin } from './stalls.ts'

/** It reaches phase `target`, and where nothing was killed at the first attempt. */
export function flipFindings(flip: Flip, faults: boolean): string[] {
  const { phases, refusals, accepted, status } = flip
  const path = phases.map(({ phase, atMs }) => `${phase} at ${atMs} ms`).join(', ')
  const findings: string[] = []
  if (!flip.reached) {
    const last = refusals.at(-1)
    findings.push(
      `stuck: phase target was not reached; seen: ${path || 'nothing'}; ` +
        `waiting for: ${status?.waitingFor.join('; ') || 'nothing'}` +
        (last === undefined ? '' : `; refused: ${last}`),
    )
  }
  if (!faults && accepted > 1)
    findings.push(`given up: the cutover needed ${accepted} attempts (${path})`)
  return findings
}

/** Every group has committed the end of every partition, in the cluster's own offsets. */
export function commitFindings({ ends, committed }: NativeView): string[] {
  return [...committed].flatMap(([group, offsets]) =>
    [...ends].flatMap(([partition, end]) => {
      const offset = offsets.get(partition) ?? -1n
      return offset === end
        ? []
        : [`commits: ${group} has committed ${offset} of ${partition}@${end} itself`]
    }),
  )
}

/**
 * The splice is what the status says: clients saw as many records of a partition as the source had and the
 * target has got since.
 */
export function spliceFindings(
  { ends }: NativeView,
  status: Status | undefined,
  topic: string,
  groups: readonly GroupHistory[],
): string[] {
  const partitions = status?.topics.find(({ source }) => source === topic)?.partitions ?? []
  return [...ends].flatMap(([partition, end]) => {
    const splice = partitions.find((p) => p.partition === partition)
    const { sourceEnd = null, targetStart = null } = splice ?? {}
    if (sourceEnd === null || targetStart === null)
      return [`splice: the status does not tell where partition ${partition} was spliced`]
    const expected = sourceEnd + Number(end) - targetStart
    return groups.flatMap((group) => {
      const seen = endOf(group, partition)
      return seen === expected
        ? []
        : [
            `splice: ${group.name} read partition ${partition} up to ${seen}, and not to ${expected}: ` +
              `${sourceEnd} of the source, then ${targetStart} to ${end} of the target`,
          ]
    })
  })
}

/** How soon every group must read what an unordered flip adds, and how long a producer may wait then, in ms. */
const growthMsMax = 10_000
const ackGapMsMax = 250

/** Every group reads the target's partitions soon after the flip, and producers go on as if there were none. */
export function unorderedFindings(history: History): string[] {
  const { parallel, groups, from, faults } = history
  if (parallel === undefined) return []
  const late = groups.flatMap((group) => {
    const afterMs = growthOf(group, parallel.sourcePartitions, from)
    return afterMs <= growthMsMax
      ? []
      : [`growth: ${group.name} read nothing of the target until ${afterMs} ms after the flip`]
  })
  if (faults) return []
  const long = pausesOf(history).filter(({ ms }) => ms >= ackGapMsMax)
  return [
    ...late,
    ...long.map(({ ms, stalledMs }) => {
      const beside = stalledMs === 0 ? '' : `, ${stalledMs} of them with one beside the sidecar`
      return `pause: a producer waited ${ms} ms for an acknowledgement${beside}`
    }),
  ]
}

/** Between two acknowledgements of one producer, in ms: and how long of it one waited that is not behind the sidecar. */
export interface Pause {
  readonly ms: number
  readonly stalledMs: number
}

/** Those that ended behind `from`, the longest first. */
export function pausesOf({ producers, from, stalls = [] }: History): Pause[] {
  const pauses = producers.flatMap(({ events }) => {
    const times = events.filter((e) => e.event === 'acked').map((e) => e.t)
    return times.slice(1).flatMap((time, i) => {
      const begun = times[i] ?? time
      if (time < from) return []
      return [{ ms: time - begun, stalledMs: stalledWithin(stalls, begun, time) }]
    })
  })
  return pauses.sort((a, b) => b.ms - a.ms)
}

/** After how many ms a group read a partition of the target; Infinity if it never did. */
export function growthOf(group: GroupHistory, sourcePartitions: number, from: number): number {
  const first = consumedBy(group).find(({ partition }) => partition >= sourcePartitions)
  return first === undefined ? Infinity : first.t - from
}

const endOf = (group: GroupHistory, partition: number): number =>
  consumedBy(group)
    .filter((record) => record.partition === partition)
    .reduce((end, record) => Math.max(end, record.offset + 1), 0)
