import { replay, type Entry } from '../../src/router/index.ts'
import type { SimCluster } from './cluster.ts'
import type { Ledger } from './ledger.ts'
import type { SimPartition } from './partition.ts'
import { isUnordered, type SimTopic } from './topics.ts'

/** What is left when everything has settled. */
export interface Outcome {
  readonly topics: readonly SimTopic[]
  readonly source: SimCluster
  readonly target: SimCluster
  readonly entries: readonly Entry[]
  readonly ledger: Ledger
  /** What writers behind no sidecar wrote to the source behind the splice. */
  readonly bypassed: ReadonlySet<string>
  /** What brokers appended long after its connection had ended. */
  readonly zombies: ReadonlySet<string>
  /** Whether a connection was lost, or a leader elected: acks=0 promises nothing then. */
  readonly wasDisturbed: boolean
  /** When everything that disturbs is over, in ms since the run began. */
  readonly calmAtMs: number
  /** When nothing was left to be done, in ms since the run began. */
  readonly endedAtMs: number
  /** When the sidecar was killed, in ms since the run began. */
  readonly crashes: readonly number[]
  /** Topics whose records waited for a fence to end. */
  readonly held: ReadonlySet<string>
  readonly readers: readonly { readonly name: string; readonly topics: readonly SimTopic[] }[]
}

/** What was broken, in sentences; of ordered topics, `parallelBreachesOf` tells of the others. */
export function breachesOf(outcome: Outcome): readonly string[] {
  const { entries, ledger, topics } = outcome
  const { refused } = replay(entries)
  const breaches = [...ledger.breaches]
  for (const { entry, reason } of refused) breaches.push(`journal: ${entry.kind}: ${reason}`)
  for (const topic of topics)
    if (!isUnordered(topic)) breaches.push(...topicBreaches(outcome, topic))
  return breaches
}

function topicBreaches(outcome: Outcome, topic: SimTopic): readonly string[] {
  const { names, partitions } = topic
  const timelines = replay(outcome.entries).state.topics.get(names.source)?.timelines
  const logs = Array.from({ length: partitions.source }, (_, partition): PartitionLog => {
    const timeline = timelines?.[partition]
    const source = outcome.source.partitionsOf(names.source)[partition]
    const target = outcome.target.partitionsOf(names.target)[partition]
    const end = timeline?.[0].end ?? null
    const values = virtualLog(source, target, end, timeline?.[1]?.start ?? 0n)
    return { topic: names.source, partition, end, source, target, values }
  })
  const read = outcome.readers.filter(({ topics }) => topics.includes(topic))
  return [
    ...logs.flatMap((log) => logBreaches(outcome, log)),
    ...read.flatMap(({ name }) => readingBreaches(outcome, name, logs)),
  ]
}

interface PartitionLog {
  readonly topic: string
  readonly partition: number
  /** S; null where it was never spliced. */
  readonly end: bigint | null
  readonly source: SimPartition | undefined
  readonly target: SimPartition | undefined
  /** What clients see. */
  readonly values: readonly string[]
}

/** The records that clients see: the source's up to S, then the target's from T0 on. */
function virtualLog(
  source: SimPartition | undefined,
  target: SimPartition | undefined,
  end: bigint | null,
  start: bigint,
): readonly string[] {
  const before = valuesIn(source).slice(0, end === null ? undefined : Number(end))
  const after = end === null ? [] : valuesIn(target).slice(Number(start))
  if (before.length < Number(end ?? 0n)) throw new Error('the source ends before S')
  return [...before, ...after]
}

export const valuesIn = (log: SimPartition | undefined): readonly string[] =>
  log?.batches.flatMap(({ values }) => values) ?? []

function logBreaches(outcome: Outcome, of: PartitionLog): string[] {
  const { ledger, wasDisturbed } = outcome
  const { topic, partition, source, target, values: log } = of
  const isHere = (each: { readonly topic: string; readonly partition: number }) =>
    each.topic === topic && each.partition === partition
  const breaches: string[] = []
  const first = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const [at, value] of log.entries()) {
    if (!first.has(value)) first.set(value, at)
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const lost = new Set([...(source?.lost ?? []), ...(target?.lost ?? [])])
  for (const ack of ledger.acks.filter(isHere)) {
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
    for (const told of ledger.unanswered.filter(isHere)) {
      for (const value of told.values) {
        if (counts.get(value) !== 1)
          breaches.push(`${value} (acks=0) is there ${counts.get(value)} times`)
      }
    }
  }
  breaches.push(...orderBreaches(outcome, first.keys()), ...lateBreaches(outcome, of, counts))
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
  { bypassed, zombies }: Outcome,
  { source, end }: PartitionLog,
  counts: ReadonlyMap<string, number>,
): string[] {
  const breaches: string[] = []
  if (end === null) return breaches
  for (const value of valuesIn(source).slice(Number(end))) {
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
  logs: readonly PartitionLog[],
): readonly string[] {
  const breaches: string[] = []
  for (const { topic, partition, values: log } of logs) {
    const given = ledger.deliveries(reader, topic, partition)
    let next = Number(ledger.beginOf(reader, topic, partition))
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
