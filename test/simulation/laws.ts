import { clusterNames } from '../../src/ids.ts'
import { replay, type Entry } from '../../src/router/index.ts'
import type { Ledger } from './ledger.ts'
import type { SimPartition } from './partition.ts'

/** What is left when everything has settled. */
export interface Outcome {
  readonly source: readonly SimPartition[]
  readonly target: readonly SimPartition[]
  readonly entries: readonly Entry[]
  readonly ledger: Ledger
  /** What writers behind no sidecar wrote to the source behind the splice. */
  readonly bypassed: ReadonlySet<string>
  /** What brokers appended long after its connection had ended. */
  readonly zombies: ReadonlySet<string>
  /** Whether a connection was lost, or a leader elected: acks=0 promises nothing then. */
  readonly wasDisturbed: boolean
  readonly readers: readonly string[]
}

/** What was broken, in sentences. */
export function breachesOf(outcome: Outcome): readonly string[] {
  const { entries, ledger, source } = outcome
  const { state, refused } = replay(entries)
  const breaches = [...ledger.breaches]
  for (const { entry, reason } of refused) breaches.push(`journal: ${entry.kind}: ${reason}`)
  const logs = source.map((_, partition) => {
    const timeline = [...state.topics.values()][0]?.timelines[partition]
    return virtualLog(outcome, partition, timeline?.[0].end ?? null, timeline?.[1]?.start ?? 0n)
  })
  for (const [partition, log] of logs.entries())
    breaches.push(...logBreaches(outcome, partition, log))
  for (const reader of outcome.readers) breaches.push(...readingBreaches(outcome, reader, logs))
  return breaches
}

/** The records that clients see: the source's up to S, then the target's from T0 on. */
function virtualLog(
  { source, target }: Outcome,
  partition: number,
  end: bigint | null,
  start: bigint,
): readonly string[] {
  const before = valuesIn(source[partition]).slice(0, end === null ? undefined : Number(end))
  const after = end === null ? [] : valuesIn(target[partition]).slice(Number(start))
  if (before.length < Number(end ?? 0n)) throw new Error('the source ends before S')
  return [...before, ...after]
}

const valuesIn = (log: SimPartition | undefined): readonly string[] =>
  log?.batches.flatMap(({ values }) => values) ?? []

function logBreaches(outcome: Outcome, partition: number, log: readonly string[]): string[] {
  const { ledger, wasDisturbed } = outcome
  const breaches: string[] = []
  const first = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const [at, value] of log.entries()) {
    if (!first.has(value)) first.set(value, at)
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const lost = new Set(clusterNames.flatMap((name) => [...(outcome[name][partition]?.lost ?? [])]))
  for (const ack of ledger.acks.filter((each) => each.partition === partition)) {
    for (const [i, value] of ack.values.entries()) {
      const mayBeLost = ack.kind === 'leader-only' && lost.has(value)
      if (!first.has(value)) {
        if (!mayBeLost) breaches.push(`${value} was acknowledged, and is lost (${partition})`)
      } else if (ack.kind === 'idempotent' && counts.get(value) !== 1) {
        breaches.push(`${value} is there ${counts.get(value)} times`)
      }
      const at = ack.baseOffset + BigInt(i)
      if (ack.baseOffset >= 0n && !mayBeLost && log[Number(at)] !== value) {
        breaches.push(`${value} was acknowledged at ${at}, where ${log[Number(at)]} is`)
      }
    }
  }
  if (!wasDisturbed) {
    for (const told of ledger.unanswered.filter((each) => each.partition === partition)) {
      for (const value of told.values) {
        if (counts.get(value) !== 1)
          breaches.push(`${value} (acks=0) is there ${counts.get(value)} times`)
      }
    }
  }
  breaches.push(
    ...orderBreaches(outcome, first.keys()),
    ...lateBreaches(outcome, partition, counts),
  )
  return breaches
}

/** The first of each value counts; what was sent again may come again. */
function orderBreaches({ zombies }: Outcome, values: Iterable<string>): string[] {
  const breaches: string[] = []
  const last = new Map<string, number>()
  for (const value of values) {
    if (value.startsWith('old')) continue
    const [producer = '', , sequence] = value.split('/')
    // Who does not wait for every replica goes on, though a broker still has what was sent before.
    if (zombies.has(value) && !/^(idempotent|plain)/.test(producer)) continue
    if (Number(sequence) < (last.get(producer) ?? -1))
      breaches.push(`${value} is behind its successor`)
    last.set(producer, Number(sequence))
  }
  return breaches
}

/** What reached the source behind the splice came past the sidecar, or late; and it is on the target. */
function lateBreaches(
  { source, entries, bypassed, zombies }: Outcome,
  partition: number,
  counts: ReadonlyMap<string, number>,
): string[] {
  const breaches: string[] = []
  const [closed] = [...replay(entries).state.topics.values()][0]?.timelines[partition] ?? []
  if (closed?.end == null) return breaches
  for (const value of valuesIn(source[partition]).slice(Number(closed.end))) {
    const count = counts.get(value) ?? 0
    if (!bypassed.has(value) && !zombies.has(value)) {
      breaches.push(`${value} was written to the source behind S`)
    }
    if (count === 0) breaches.push(`${value} was not carried`)
    if (count > 1 && bypassed.has(value)) breaches.push(`${value} was carried ${count} times`)
  }
  return breaches
}

function readingBreaches(
  { ledger }: Outcome,
  reader: string,
  logs: readonly (readonly string[])[],
): readonly string[] {
  const breaches: string[] = []
  for (const [partition, log] of logs.entries()) {
    const given = ledger.deliveries.get(reader)?.[partition] ?? []
    let next = Number(ledger.beginOf(reader, partition))
    for (const { offset, value } of given) {
      const at = Number(offset)
      if (log[at] !== value)
        breaches.push(`${reader}: ${partition} @${at} is ${log[at]}, given ${value}`)
      if (at > next) breaches.push(`${reader}: ${partition} @${next} was passed over for ${at}`)
      const mayRepeat = (ledger.disturbed || ledger.isLate(reader)) && reader !== 'alone'
      if (at < next && !mayRepeat) breaches.push(`${reader}: ${partition} @${at} came again`)
      next = Math.max(next, at + 1)
    }
    if (next < log.length) {
      breaches.push(`${reader}: ${partition} was read to ${next} of ${log.length}`)
    }
  }
  return breaches
}
