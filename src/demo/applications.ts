import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, Partitioners, logLevel, type Consumer, type Producer } from 'kafkajs'
import type { EmbeddedCluster } from '../embedded/index.ts'
import type { Ledger } from './ledger.ts'
import { partitions, topic } from './stage.ts'

/**
 * The applications: unmodified kafkajs clients that know one address, that of the sidecar. Producers are
 * idempotent with one request in flight, so that a retry never writes twice; consumers commit what they
 * have processed, also when they are asked to join again.
 */
export interface Applications {
  readonly groupId: string
  /** Ends the producers, then waits until everything acknowledged has arrived, but not for ever. */
  finish(): Promise<void>
}

const groupId = 'billing'
const producers = ['web', 'batch']
const keysPerProducer = 60
/** Records of one send, each of another key. */
const sendSize = 5
const sendEveryMs = 50
/** Above a session timeout: a group may have to notice first that a member is gone. */
const arrivalTimeoutMs = 12_000

export async function startApplications(
  bootstrap: string,
  source: EmbeddedCluster,
  ledger: Ledger,
): Promise<Applications> {
  const restoreWarnings = muteTimeoutWarnings()
  const kafka = new Kafka({
    clientId: 'demo',
    brokers: [bootstrap],
    // Its log would write over the display; what matters of it, the ledger sees.
    logLevel: logLevel.NOTHING,
    logCreator: () => () => {},
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
  })
  const consumers = await Promise.all(
    [1, 2].map(() => startConsumer(kafka.consumer(consumerConfig), source, ledger)),
  )
  const stopping = new AbortController()
  const sending: { producer: Producer; done: Promise<unknown> }[] = []
  for (const name of producers) {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const lanes = keysByPartition(name).map((keys, partition) =>
      sendUntil(
        producer,
        { name: `${name} ${partition}`, keys, partition },
        ledger,
        stopping.signal,
      ),
    )
    sending.push({ producer, done: Promise.all(lanes) })
  }
  return {
    groupId,
    async finish() {
      stopping.abort()
      for (const { producer, done } of sending) {
        await done
        await producer.disconnect()
      }
      await allArrived(ledger)
      await Promise.all(consumers.map((consumer) => consumer.disconnect()))
      restoreWarnings()
    },
  }
}

/** Or nothing has arrived for so long that nothing will. */
async function allArrived(ledger: Ledger): Promise<void> {
  let received = -1
  let end = 0
  while (ledger.lost > 0) {
    const now = performance.now()
    const { received: current } = ledger.verdict()
    if (current > received) end = now + arrivalTimeoutMs
    else if (now > end) return
    received = current
    await sleep(20)
  }
}

const consumerConfig = {
  groupId,
  sessionTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 500,
  retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
}

async function startConsumer(
  consumer: Consumer,
  source: EmbeddedCluster,
  ledger: Ledger,
): Promise<Consumer> {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const partition of payload.memberAssignment[topic] ?? [])
      ledger.assigned(partition, source.committed(groupId, topic, partition))
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage({ partition, message }) {
      ledger.received({
        partition,
        offset: BigInt(message.offset),
        key: message.key?.toString() ?? '',
        sequence: Number(message.value?.toString()),
      })
      return Promise.resolve()
    },
  })
  return consumer
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

/** kafkajs 2.2 sets timeouts into the past, of which Node warns on standard error. */
function muteTimeoutWarnings(): () => void {
  const printers = process.listeners('warning')
  const print = (warning: Error) => {
    if (warning.name === 'TimeoutNegativeWarning') return
    for (const printer of printers) printer.call(process, warning)
  }
  process.removeAllListeners('warning').on('warning', print)
  return () => {
    process.off('warning', print)
    for (const printer of printers) process.on('warning', printer)
  }
}
