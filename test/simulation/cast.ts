import type { ConsumerScript } from './consumer.ts'
import { kinds, type ProducerScript } from './producer.ts'
import type { Random } from './random.ts'
import { isUnordered, type SimTopic } from './topics.ts'

/** A group, or who reads without one. */
export interface Reader {
  readonly name: string
  readonly topics: readonly SimTopic[]
}

const alone = 'alone'

export function drawTopic(topics: readonly SimTopic[], random: Random): SimTopic {
  const [first] = topics
  return first !== undefined && topics.length === 1 ? first : random.pick(topics)
}

/** One after the other: whoever has begun draws, too. */
export function* drawProducers(
  topics: readonly SimTopic[],
  random: Random,
): Generator<ProducerScript, void> {
  const count = random.between(1, 4)
  for (let i = 0; i < count; i++) {
    const kind = i === 0 ? 'idempotent' : random.pick(kinds)
    const topic = drawTopic(topics, random)
    yield {
      name: `${kind}${i}`,
      kind,
      producerId: BigInt(i),
      topic,
      // Behind the flip each has some to write.
      records: random.between(5, 40) * (isUnordered(topic) ? 3 : 1),
      metadataMs: isUnordered(topic) ? random.pick([null, 100, 1_000]) : null,
      intervalMs: random.pick(isUnordered(topic) ? [10, 40, 100, 300] : [10, 40, 100]),
      resendsAtOnce: random.chance(0.5),
      version: random.pick([7, 9]),
      inFlightMax: random.pick([1, 5, 5]),
    }
  }
}

/** Who assigns itself partitions does not fit an unordered topic: it would never know of the target's. */
export function drawReaders(topics: readonly SimTopic[], random: Random): readonly Reader[] {
  const ordered = topics.filter((topic) => !isUnordered(topic))
  const self = ordered.length > 0 ? [{ name: alone, topics: ordered }] : []
  const count = random.between(ordered.length === topics.length ? 0 : 1, 2)
  const groups = Array.from({ length: count }, (_, i) => {
    const isEvery = topics.length === 1 || random.chance(0.5)
    return { name: `group${i}`, topics: isEvery ? topics : [random.pick(topics)] }
  })
  return [...self, ...groups]
}

/** One after the other, too. */
export function* drawMembers(
  { name, topics }: Reader,
  random: Random,
): Generator<ConsumerScript, void> {
  const isAlone = name === alone
  const isNamed = random.chance(0.7)
  const isParallel = topics.some(isUnordered)
  const isLatest = isParallel && topics.every(isUnordered) && random.chance(0.3)
  const count = isAlone ? 1 : random.between(1, 3)
  for (let i = 0; i < count; i++) {
    yield {
      name: isAlone ? name : `${name}-${i}`,
      clientId: isNamed ? `${name}-${i}` : 'app',
      group: isAlone ? null : name,
      topics,
      maxWaitMs: random.pick([50, 200, 500]),
      commitMs: random.pick([100, 400]),
      reset: isLatest ? 'latest' : 'earliest',
      rejoinsForPartitions: isParallel && random.chance(0.5),
    }
  }
}

/** Who writes to a topic when the source is not needed any more. */
export const lateProducer = (topic: SimTopic, index: number): ProducerScript => ({
  name: `idempotent${10 + index}`,
  kind: 'idempotent',
  producerId: BigInt(10 + index),
  topic,
  records: 12,
  metadataMs: null,
  intervalMs: 10,
  resendsAtOnce: true,
  version: 9,
  inFlightMax: 5,
})

/** A member that comes then. @param isNative whether it reaches the target directly, and knows its names and numbers */
export function lateMember({ name, topics }: Reader, isNative: boolean): ConsumerScript {
  const script = {
    name: `${name}-late`,
    clientId: `${name}-late`,
    group: name,
    topics,
    maxWaitMs: 50,
    commitMs: 100,
    reset: 'earliest',
    rejoinsForPartitions: false,
  } as const
  const [topic] = topics
  if (topic === undefined || !isNative) return script
  const { names, partitions, topicIds } = topic
  const native: SimTopic = {
    mode: 'ordered',
    names: { source: names.target, target: names.target },
    partitions: { source: partitions.target, target: partitions.target },
    topicIds,
  }
  const shownAs = (partition: number) => ({
    topic: names.source,
    partition: partitions.source + partition,
  })
  return { ...script, topics: [native], shownAs }
}
