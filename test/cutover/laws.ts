/** The laws that a cutover must keep, each as a function from what clients saw to what breaks it. */
import type { RecordEvent } from '../clients/index.ts'
import {
  consumedBy,
  type GroupHistory,
  type History,
  type Parallel,
  type ProducerHistory,
} from './history.ts'

const place = (record: RecordEvent) => `${record.partition}@${record.offset}`

const ackedBy = (producer: ProducerHistory): RecordEvent[] =>
  producer.events.filter((e): e is RecordEvent => e.event === 'acked')

/** `ID-i` into its halves. */
function split(value: string): { readonly producer: string; readonly sequence: number } {
  const at = value.lastIndexOf('-')
  return { producer: value.slice(0, at), sequence: Number(value.slice(at + 1)) }
}

/** What clients may do by themselves, where something was killed, or partitions were added. */
type Circumstances = Pick<History, 'from' | 'faults' | 'parallel'>

/** Every acknowledged record was consumed. */
export function lossesOf(
  producers: readonly ProducerHistory[],
  group: GroupHistory,
  { from, ...circumstances }: Circumstances,
): string[] {
  const seen = new Set(consumedBy(group).map((r) => r.value))
  return producers.flatMap((producer) => {
    const mistaken = mistakenFor(producer, group, circumstances)
    return ackedBy(producer).flatMap((record) =>
      seen.has(record.value) || mistaken(record)
        ? []
        : [
            `lost: ${record.value}, acknowledged at ${place(record)} ${record.t - from} ms after the flip, never came to ${group.name}`,
          ],
    )
  })
}

/**
 * Whether a record was acknowledged in place of another one of its producer, which that has sent again to another
 * partition meanwhile, with partitions that were added and an answer that was lost.
 */
function mistakenFor(
  producer: ProducerHistory,
  group: GroupHistory,
  { faults, parallel }: Omit<Circumstances, 'from'>,
): (record: RecordEvent) => boolean {
  if (!faults || parallel === undefined || producer.redeals !== true) return () => false
  const redealt = redealtOf(producer, group)
  const log = new Map(consumedBy(group).map((record) => [place(record), record.value]))
  return (record) => redealt.has(log.get(place(writtenTo(record, parallel))) ?? '')
}

/** The records of a producer that are in the log twice: two partitions of the client may be one of the target. */
function redealtOf({ id }: ProducerHistory, group: GroupHistory): ReadonlySet<string> {
  const places = new Map<string, string>()
  return new Set(
    consumedBy(group).flatMap((record) => {
      const before = places.get(record.value) ?? place(record)
      places.set(record.value, place(record))
      return split(record.value).producer === id && before !== place(record) ? [record.value] : []
    }),
  )
}

/**
 * What was acknowledged at an offset is what is read there; an offset holds one record, whoever reads it
 * and however often; and the offsets of a partition have no hole from the first to the last. Behind an
 * unordered flip, what is sent to a partition of the source is read in the one of the target that it is written to.
 */
export function placesOf(
  producers: readonly ProducerHistory[],
  group: GroupHistory,
  parallel?: Parallel,
): string[] {
  const findings: string[] = []
  const log = new Map<string, string>()
  const offsets = new Map<number, Set<number>>()
  for (const record of consumedBy(group)) {
    const before = log.get(place(record))
    if (before !== undefined && before !== record.value)
      findings.push(
        `mismatch: ${group.name} read ${before} and then ${record.value} at ${place(record)}`,
      )
    log.set(place(record), record.value)
    const known = offsets.get(record.partition)
    if (known === undefined) offsets.set(record.partition, new Set([record.offset]))
    else known.add(record.offset)
  }
  const seen = new Map([...log].map(([where, value]) => [value, where]))
  for (const record of producers.flatMap(ackedBy)) {
    const where = seen.get(record.value)
    if (where === undefined || record.offset < 0 || log.get(place(record)) === record.value)
      continue
    const written = parallel === undefined ? record : writtenTo(record, parallel)
    if (log.get(place(written)) === record.value) continue
    findings.push(
      `mismatch: ${record.value} was acknowledged at ${place(record)}, ${group.name} read it at ${where}`,
    )
  }
  for (const [partition, known] of offsets) {
    const end = Math.max(...known) + 1
    // The target's own records of before the flip were never this topic's.
    const isOfTarget = parallel !== undefined && partition >= parallel.sourcePartitions
    if (known.size !== (isOfTarget ? end - Math.min(...known) : end))
      findings.push(
        `hole: ${group.name} read ${known.size} of the offsets below ${end} of partition ${partition}`,
      )
  }
  return findings
}

const writtenTo = (
  record: RecordEvent,
  { sourcePartitions, targetPartitions }: Parallel,
): RecordEvent =>
  record.partition >= sourcePartitions
    ? record
    : { ...record, partition: sourcePartitions + (record.partition % targetPartitions) }

/** Nothing is in the log twice, nothing strange is in it, and nothing was delivered twice. */
export function repetitionsOf(
  producers: readonly ProducerHistory[],
  group: GroupHistory,
  { faults, parallel }: Omit<Circumstances, 'from'>,
): string[] {
  const findings: string[] = []
  const byId = new Map(producers.map((p) => [p.id, p]))
  const places = new Map<string, string>()
  const delivered = new Set<string>()
  for (const record of consumedBy(group)) {
    const here = place(record)
    const producer = byId.get(split(record.value).producer)
    if (producer === undefined)
      findings.push(`strange: ${record.value} at ${here}, which nobody here has written`)
    const before = places.get(record.value)
    const mayRedeal = parallel !== undefined && producer?.redeals === true
    const mustBeOnce = !faults || (producer?.idempotent === true && !mayRedeal)
    if (before !== undefined && before !== here && mustBeOnce)
      findings.push(`repeated: ${record.value} is in the log at ${before} and at ${here}`)
    places.set(record.value, here)
    if (delivered.has(here) && !faults)
      findings.push(`again: ${record.value} at ${here} was delivered again to ${group.name}`)
    delivered.add(here)
  }
  return findings
}

/** The log keeps each producer's order, and the group follows the log. */
export function disorderOf(
  producers: readonly ProducerHistory[],
  group: GroupHistory,
  faults: boolean,
  parallel?: Parallel,
): string[] {
  const findings: string[] = []
  // Two partitions of a producer share one of the target: neither waits for the other.
  const isShared = (partition: number): boolean =>
    parallel !== undefined && partition >= parallel.sourcePartitions
  const ordered = new Set(producers.filter((p) => !faults || p.idempotent).map((p) => p.id))
  const log = new Map(consumedBy(group).map((record) => [place(record), record]))
  const last = new Map<string, RecordEvent>()
  for (const record of [...log.values()].sort((a, b) => a.offset - b.offset)) {
    const { producer, sequence } = split(record.value)
    const line = `${producer} ${record.partition}`
    const before = last.get(line)
    const isKept = ordered.has(producer) && !isShared(record.partition)
    if (isKept && before !== undefined && split(before.value).sequence > sequence)
      findings.push(
        `disorder: ${record.value} at ${place(record)} stands behind ${before.value} in the log`,
      )
    last.set(line, record)
  }
  return [...findings, ...(faults ? group.members.flatMap(backwards) : delivery(group))]
}

/** Without faults a partition is read on from where it was left, by whichever member. */
function delivery(group: GroupHistory): string[] {
  const findings: string[] = []
  const positions = new Map<number, number>()
  for (const record of consumedBy(group)) {
    const before = positions.get(record.partition) ?? -1
    if (record.offset < before)
      findings.push(`disorder: ${group.name} got ${place(record)} after offset ${before}`)
    positions.set(record.partition, Math.max(before, record.offset))
  }
  return findings
}

/** With faults a member may go back in a partition, but only after that was assigned to it anew. */
function backwards({ id, events }: GroupHistory['members'][number]): string[] {
  const findings: string[] = []
  const positions = new Map<number, number>()
  for (const event of events) {
    if (event.event === 'assigned') {
      for (const partition of event.partitions) positions.delete(partition)
    }
    if (event.event !== 'consumed') continue
    const before = positions.get(event.partition) ?? -1
    if (event.offset <= before)
      findings.push(`disorder: ${id} got ${place(event)} after offset ${before}`)
    positions.set(event.partition, event.offset)
  }
  return findings
}
