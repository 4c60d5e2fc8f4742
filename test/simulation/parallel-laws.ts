import { laneOf, replay, writtenPartition, type Parallel } from '../../src/router/index.ts'
import { epochMs } from './scheduler.ts'
import { valuesIn, type Outcome } from './laws.ts'
import { isUnordered, type SimTopic } from './topics.ts'

/** How soon everybody who reads an unordered topic must read what the target has of it. */
const growthMsMax = 10_000
/** How long before the flip, or before an answer is lost, the end of the source may have been read. */
const readMsMax = 30
/** How long before the flip, or the fence for other topics of the plan, it is looked for groups. */
const givenMsMax = 100
/** Behind the flip the source gets nothing but what is on its way there. */
const onItsWayMsMax = 5_000

/** One partition that clients see, and the log that they read there. */
interface ShownLog {
  readonly topic: SimTopic
  readonly partition: number
  /** The first offset that is the topic's. */
  readonly start: bigint
  /** By the offsets of its cluster. */
  readonly values: readonly string[]
}

/** What was broken of unordered topics, in sentences. */
export function parallelBreachesOf(outcome: Outcome): readonly string[] {
  const breaches: string[] = []
  const topics = outcome.topics.filter(isUnordered)
  const isAll = topics.length === outcome.topics.length
  if (isAll && outcome.entries.some(({ kind }) => kind === 'fence'))
    breaches.push('a fence went up')
  for (const topic of topics) {
    const { source: name } = topic.names
    if (outcome.held.has(name)) breaches.push(`what is produced to ${name} was held`)
    const logs = logsOf(outcome, topic)
    breaches.push(
      ...producedBreaches(outcome, topic, logs),
      ...logs.flatMap((log) => orderBreaches(outcome, log)),
      ...bypassBreaches(outcome, topic),
      ...readersOf(outcome, topic).flatMap((reader) => [
        ...logs.flatMap((log) => readingBreaches(outcome, reader, log)),
        ...growthBreaches(outcome, reader, topic),
        ...offsetBreaches(outcome, reader, topic),
      ]),
    )
  }
  return breaches
}

/** What readers of unordered topics have not read, or not committed on the target. */
export function unreadOf(outcome: Outcome): readonly string[] {
  return outcome.topics.filter(isUnordered).flatMap((topic) => {
    const logs = logsOf(outcome, topic)
    return readersOf(outcome, topic).flatMap((reader) =>
      logs.flatMap(({ partition, values }) => {
        const at = positionOf(outcome, reader, topic, partition)
        const isRead = at >= BigInt(values.length)
        const isCommitted = committedOn(outcome, reader, topic, partition) === at
        return isRead && isCommitted ? [] : [`${reader}: ${partition} at ${at} of ${values.length}`]
      }),
    )
  })
}

const parallelOf = ({ partitions }: SimTopic): Parallel => ({
  sourcePartitions: partitions.source,
  targetPartitions: partitions.target,
})

const readersOf = ({ readers }: Outcome, topic: SimTopic): readonly string[] =>
  readers.filter(({ topics }) => topics.includes(topic)).map(({ name }) => name)

function logsOf({ source, target, entries }: Outcome, topic: SimTopic): readonly ShownLog[] {
  const { names, partitions } = topic
  const timelines = replay(entries).state.topics.get(names.source)?.timelines ?? []
  const onSource = source.partitionsOf(names.source).map((log, partition) => {
    return { topic, partition, start: 0n, values: valuesIn(log) }
  })
  const onTarget = target.partitionsOf(names.target).map((log, native) => {
    const partition = partitions.source + native
    const start = timelines[partition]?.[0].start ?? log.end
    return { topic, partition, start, values: valuesIn(log) }
  })
  return [...onSource, ...onTarget]
}

/** As far as a reader has come; behind a move, what the source has is read. */
function positionOf(
  { ledger }: Outcome,
  reader: string,
  { names }: SimTopic,
  partition: number,
): bigint {
  const read = ledger.deliveries(reader, names.source, partition).map(({ offset }) => offset + 1n)
  const begun = ledger.begins
    .filter((each) => {
      return each.reader === reader && each.topic === names.source && each.partition === partition
    })
    .map(({ offset }) => offset)
  return [...read, ...begun].reduce((max, offset) => (offset > max ? offset : max), -1n)
}

/** What a group has committed of a partition, where it is now; of the source's, as far as it has read. */
function committedOn(
  outcome: Outcome,
  reader: string,
  topic: SimTopic,
  partition: number,
): bigint | undefined {
  const { names, partitions } = topic
  if (partition < partitions.source) return positionOf(outcome, reader, topic, partition)
  const stored = outcome.target.group(reader).offsets.all()
  const native = partition - partitions.source
  return stored
    .find((each) => each.topic === names.target)
    ?.partitions.find((each) => each.partition === native)?.value.offset
}

/** When both clusters began to be read, in ms since the run began. */
function flippedAtMs({ entries }: Outcome): number | undefined {
  const flip = entries.find(({ kind }) => kind === 'flip' || kind === 'splice')
  return flip === undefined || !('at' in flip) ? undefined : flip.at - epochMs
}

/**
 * Whether the source held it without anybody being able to read it, when its producer had lost the answer: for it
 * was not on every replica. It is sent to the target again.
 */
function isUnread(
  { source, ledger }: Outcome,
  { names }: SimTopic,
  value: string,
  flipAtMs: number,
) {
  const failedAtMs = ledger.failures.get(value)
  if (failedAtMs === undefined) return false
  const batches = source.partitionsOf(names.source).flatMap((partition) => partition.batches)
  const { replicatedAt = Infinity } = batches.find(({ values }) => values.includes(value)) ?? {}
  return replicatedAt - epochMs > Math.max(failedAtMs, flipAtMs) - readMsMax
}

/**
 * What was acknowledged is there, where it belongs, and of idempotent producers once: but for what could not be
 * read of the source when its answer was lost, which is sent to the target again.
 */
function producedBreaches(
  outcome: Outcome,
  topic: SimTopic,
  logs: readonly ShownLog[],
): readonly string[] {
  const { ledger, source, target, zombies, wasDisturbed } = outcome
  const { names, partitions } = topic
  const parallel = parallelOf(topic)
  const flipAtMs = flippedAtMs(outcome) ?? Infinity
  const breaches: string[] = []
  const found = new Map<string, { readonly partition: number; readonly offset: number }[]>()
  for (const { partition, values } of logs) {
    for (const [offset, value] of values.entries()) {
      const places = found.get(value) ?? []
      found.set(value, places)
      places.push({ partition, offset })
    }
  }
  const everyPartition = [
    ...source.partitionsOf(names.source),
    ...target.partitionsOf(names.target),
  ]
  const lost = new Set(everyPartition.flatMap((each) => [...each.lost]))
  for (const ack of ledger.acks.filter((each) => each.topic === names.source)) {
    const written = partitions.source + writtenPartition(parallel, ack.partition)
    const lane = laneOf(parallel, ack.partition)
    for (const [i, value] of ack.values.entries()) {
      const places = found.get(value) ?? []
      const mayBeLost = ack.kind === 'leader-only' && lost.has(value)
      const at = places.map(({ partition, offset }) => `${partition} @${offset}`).join(', ')
      if (places.length === 0 && !mayBeLost) {
        breaches.push(`${value} was acknowledged, and is lost (lane ${lane} of ${written})`)
      }
      const isTwice = ack.kind === 'idempotent' && places.length > 1 && !zombies.has(value)
      if (isTwice && !isUnread(outcome, topic, value, flipAtMs)) {
        breaches.push(`${value} is there ${places.length} times: ${at}`)
      }
      const strange = places.some(
        ({ partition }) => partition !== ack.partition && partition !== written,
      )
      if (strange) breaches.push(`${value} is in ${at}, not in ${ack.partition} or ${written}`)
      const offset = Number(ack.baseOffset) + i
      const isThere = places.some((place) => place.offset === offset)
      if (ack.baseOffset >= 0n && !mayBeLost && places.length > 0 && !isThere) {
        breaches.push(`${value} was acknowledged at ${offset}, and is in ${at}`)
      }
    }
  }
  if (wasDisturbed) return breaches
  for (const told of ledger.unanswered.filter((each) => each.topic === names.source)) {
    for (const value of told.values) {
      const count = found.get(value)?.length ?? 0
      if (count !== 1) breaches.push(`${value} (acks=0) is there ${count} times`)
    }
  }
  return breaches
}

/** In each log, what one producer wrote to one partition that it knows is in the order in which it did. */
function orderBreaches({ zombies }: Outcome, { partition, values }: ShownLog): readonly string[] {
  const breaches: string[] = []
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const value of values) {
    if (value.startsWith('old') || seen.has(value)) continue
    seen.add(value)
    const [producer = '', shown = '', sequence] = value.split('/')
    if (zombies.has(value)) continue
    const key = `${producer}/${shown}`
    if (Number(sequence) < (last.get(key) ?? -1)) {
      breaches.push(`${value} is behind its successor in ${partition}`)
    }
    last.set(key, Number(sequence))
  }
  return breaches
}

/** Behind the flip nobody writes to the source but who bypasses the sidecar. */
function bypassBreaches(outcome: Outcome, { names }: SimTopic): readonly string[] {
  const { source, bypassed, zombies } = outcome
  const flipAtMs = flippedAtMs(outcome)
  if (flipAtMs === undefined) return []
  return source.partitionsOf(names.source).flatMap(({ batches }) =>
    batches
      .filter(({ appendedAt }) => appendedAt - epochMs > flipAtMs + onItsWayMsMax)
      .flatMap(({ values }) => values)
      .filter((value) => !bypassed.has(value) && !zombies.has(value))
      .map((value) => `${value} was written to the source behind the flip`),
  )
}

/** Everything once, from where the group began; of the target's partitions from T0 on. */
function readingBreaches(
  outcome: Outcome,
  reader: string,
  { topic, partition, start, values }: ShownLog,
): readonly string[] {
  const { ledger } = outcome
  const { names, partitions } = topic
  const breaches: string[] = []
  const begins = ledger.begins.filter((each) => {
    return each.reader === reader && each.topic === names.source && each.partition === partition
  })
  const [first] = begins
  if (first === undefined) return [`${reader}: ${partition} was never read`]
  const isTargets = partition >= partitions.source
  if (isTargets && wasThere(outcome, reader)) {
    if (first.offset !== start)
      breaches.push(`${reader}: ${partition} was begun at ${first.offset}, its start is ${start}`)
    if (begins.some(({ isReset }) => isReset))
      breaches.push(`${reader}: it had no position in ${partition}`)
  }
  // Where a policy says where to go on, what lies before is passed over, as on any cluster.
  const resets = new Set(
    begins.filter(({ isReset }) => isReset).map(({ offset }) => Number(offset)),
  )
  let next = Number(first.offset)
  for (const { offset, value } of ledger.deliveries(reader, names.source, partition)) {
    const at = Number(offset)
    if (values[at] !== value)
      breaches.push(`${reader}: ${partition} @${at} is ${values[at]}, given ${value}`)
    if (at > next && !resets.has(at))
      breaches.push(`${reader}: ${partition} @${next} was passed over for ${at}`)
    if (at < next && !ledger.disturbed) breaches.push(`${reader}: ${partition} @${at} came again`)
    next = Math.max(next, at + 1)
  }
  const end = Math.max(next, ...resets)
  if (end < values.length) {
    breaches.push(`${reader}: ${partition} was read to ${end} of ${values.length}`)
  }
  return breaches
}

/**
 * Whether a group was there when groups were given their positions: before the flip, or before the fence for other
 * topics of the plan, behind which a group that comes begins where its policy says.
 */
function wasThere({ ledger, entries }: Outcome, reader: string): boolean {
  const begun = entries.findLast(({ kind }) => kind === 'flip' || kind === 'fence')
  const begunAtMs = begun === undefined || !('at' in begun) ? 0 : begun.at - epochMs
  return ledger.begins.some((each) => {
    return each.reader === reader && each.atMs < begunAtMs - givenMsMax
  })
}

/**
 * Behind the flip, and behind its move, a group reads what the target has soon. A sidecar that is killed forgets
 * who leads: then some clients look for partitions late, by themselves. A run may end before: who has nothing there
 * to read need not have begun.
 */
function growthBreaches(
  outcome: Outcome,
  reader: string,
  { names, partitions }: SimTopic,
): readonly string[] {
  const { ledger, calmAtMs, endedAtMs, entries, crashes } = outcome
  const flipAtMs = flippedAtMs(outcome)
  if (flipAtMs === undefined) return []
  const moved = entries.findLast((each) => each.kind === 'group-moved' && each.group === reader)
  const movedAtMs = moved?.kind === 'group-moved' ? moved.at - epochMs : undefined
  const isLate = (partition: number, sinceMs: number): boolean => {
    const isDisturbed = crashes.some((atMs) => atMs < sinceMs + growthMsMax)
    const begun = ledger.begins.find((each) => {
      const isThis = each.reader === reader && each.topic === names.source
      return isThis && each.partition === partition && each.atMs >= sinceMs
    })
    return !isDisturbed && (begun?.atMs ?? endedAtMs) > Math.max(sinceMs, calmAtMs) + growthMsMax
  }
  return Array.from({ length: partitions.target }, (_, native) => partitions.source + native)
    .filter(
      (partition) =>
        isLate(partition, flipAtMs) || (movedAtMs !== undefined && isLate(partition, movedAtMs)),
    )
    .map((partition) => `${reader}: ${partition} was not read within ${growthMsMax} ms`)
}

/** Who is on the target has the target's own numbers and names there, and the source none of them. */
function offsetBreaches(
  { source, target, entries }: Outcome,
  reader: string,
  { names, partitions }: SimTopic,
): readonly string[] {
  const { phase, groups } = replay(entries).state
  const breaches: string[] = []
  if (phase === 'target' && groups.get(reader) !== 'moved') {
    breaches.push(`${reader} is ${groups.get(reader) ?? 'on the source'} at the end`)
  }
  const strange = (
    cluster: typeof source,
    name: string,
    count: number,
  ): readonly { readonly partition: number }[] =>
    cluster
      .group(reader)
      .offsets.all()
      .filter(({ topic }) => topic === name)
      .flatMap((each) => each.partitions.filter(({ partition }) => partition >= count))
  for (const { partition } of strange(source, names.source, partitions.source)) {
    breaches.push(`${reader}: the source has an offset of ${partition}`)
  }
  for (const { partition } of strange(target, names.target, partitions.target)) {
    breaches.push(`${reader}: the target has an offset of ${partition}`)
  }
  return breaches
}
