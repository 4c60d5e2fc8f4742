import { setTimeout as sleep } from 'node:timers/promises'
import { Partitioners, type Kafka, type Producer } from 'kafkajs'
import { partitions, topic } from './clusters.ts'
import type { Ledger } from './ledger.ts'

/** The applications that write: two idempotent producers and a plain one, each with a request in flight. */
export const producers = [
  { name: 'web', idempotent: true },
  { name: 'shop', idempotent: true },
  { name: 'batch', idempotent: false },
] as const

const keysPerProducer = 60
/** Records of one send, each of another key. */
const sendSize = 5
const sendEveryMs = 50

/** @returns stops it, when what it has sent last is answered */
export async function startProducer(
  kafka: Kafka,
  { name, idempotent }: (typeof producers)[number],
  ledger: Ledger,
): Promise<() => Promise<void>> {
  const producer = kafka.producer({
    idempotent,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const stopping = new AbortController()
  const lanes = keysByPartition(name).map((keys, partition) =>
    sendUntil(producer, { name: `${name} ${partition}`, keys, partition }, ledger, stopping.signal),
  )
  return async () => {
    stopping.abort()
    await Promise.all(lanes)
    await producer.disconnect()
  }
}

/** The records of one producer for one partition. */
interface Lane {
  readonly name: string
  readonly partition: number
  readonly keys: readonly string[]
}

/** As kafkajs places them by itself. */
function keysByPartition(producer: string): string[][] {
  const place = Partitioners.DefaultPartitioner()
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }))
  const lanes: string[][] = partitionMetadata.map(() => [])
  for (let index = 0; index < keysPerProducer; index++) {
    const key = `${producer}-${index}`
    lanes[place({ topic, partitionMetadata, message: { key, value: '' } })]?.push(key)
  }
  return lanes
}

/**
 * One send after the other, each for one partition. A send for several is not safe with kafkajs 2.2:
 * where it tries again after a leader has moved, it takes the partitions of a broker that has answered
 * for written, or writes them twice (`sendMessages.js` keeps its answers by broker, not by partition).
 */
async function sendUntil(
  producer: Producer,
  lane: Lane,
  ledger: Ledger,
  stopping: AbortSignal,
): Promise<void> {
  const sequences = new Map<string, number>()
  let next = 0
  while (!stopping.aborted) {
    const keys = Array.from(
      { length: Math.min(sendSize, lane.keys.length) },
      (_, index) => lane.keys[(next + index) % lane.keys.length] ?? '',
    )
    next += keys.length
    const messages = keys.map((key) => ({
      key,
      partition: lane.partition,
      value: String(sequences.get(key) ?? 0),
    }))
    for (const key of keys) sequences.set(key, (sequences.get(key) ?? 0) + 1)
    try {
      await producer.send({ topic, messages })
      ledger.acknowledged(lane.name, keys, performance.now())
    } catch {
      ledger.failed(keys)
    }
    await sleep(sendEveryMs)
  }
}
