import { writeMessage } from '../../../src/protocol/codec.ts'
import {
  apis,
  encodeBatch,
  errorCodes,
  Writer,
  type NewRecord,
} from '../../../src/protocol/index.ts'
import { transactionLogKey, transactionLogValue } from '../../../src/protocol/transaction-log.ts'
import { FakeCluster } from '../groups/fake-cluster.ts'

export const nowMs = 1_800_000_000_000
const logKey = '__transaction_state 0'
const statuses = [
  ...['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit'],
  ...['CompleteAbort', 'Dead'],
]

/** A record of the coordinators' log, this many ms ago. */
export interface Step {
  readonly id: string
  readonly agoMs: number
  /** Null: the id has expired. */
  readonly state: string | null
  readonly partitions?: Readonly<Record<string, readonly number[]>>
  readonly producerId?: bigint
  readonly offset?: bigint
}

export const minutes = (n: number): number => n * 60_000

/** A source with a topic `orders` of two partitions, that offers these APIs of KIP-664. */
export class Source extends FakeCluster {
  /** Last stable offsets, where they are not the ends. */
  readonly lastStable = new Map<string, bigint>()
  readonly #offers: readonly number[]
  #times: readonly (readonly [offset: bigint, timeMs: number])[] = []

  constructor(...offers: readonly { readonly key: number }[]) {
    super('source', () => nowMs)
    this.#offers = offers.map(({ key }) => key)
    for (const topic of ['orders 0', 'orders 1', 'bills 0'])
      this.logs.set(topic, { start: 0n, end: 10n, records: Buffer.alloc(0) })
    this.on(apis.offsetForLeaderEpoch, () => ({ topics: [] }))
    this.on(apis.listOffsets, ({ topics, isolationLevel }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          ...this.#offsetOf(`${name} ${partitionIndex}`, timestamp, isolationLevel),
        })),
      })),
    }))
  }

  override version(apiKey: number, known: number): number | undefined {
    return isQuestion(apiKey) && !this.#offers.includes(apiKey) ? undefined : known
  }

  /** What coordinators have written, at these offsets: each 1 behind the one before, unless given. */
  write(steps: readonly Step[]): void {
    const times: [bigint, number][] = []
    const batches = steps.map((step) => {
      const offset = step.offset ?? (times.at(-1)?.[0] ?? -1n) + 1n
      times.push([offset, nowMs - step.agoMs])
      return encodeBatch({ baseOffset: offset, records: [recordOf(step)] })
    })
    this.#times = times
    const end = (times.at(-1)?.[0] ?? -1n) + 1n
    this.logs.set(logKey, { start: 0n, end, records: Buffer.concat(batches) })
  }

  refuseFetch(errorCode: number): void {
    this.on(apis.fetch, ({ topics }) => ({
      responses: topics.map(({ topic }) => ({
        topic,
        partitions: [{ partitionIndex: 0, errorCode, highWatermark: -1n, records: null }],
      })),
    }))
  }

  /** The one producer of partition 1; others have none. */
  describe(producerId: bigint, agoMs: number, currentTxnStartOffset = -1n, errorCode = 0): void {
    const lastTimestamp = BigInt(nowMs - agoMs)
    const producer = { producerId, producerEpoch: 0, coordinatorEpoch: 0, lastTimestamp }
    const its = {
      errorCode,
      activeProducers: errorCode === 0 ? [{ ...producer, currentTxnStartOffset }] : [],
    }
    const nobody = { errorCode: 0, activeProducers: [] }
    this.on(apis.describeProducers, ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          ...(partitionIndex === 1 ? its : nobody),
        })),
      })),
    }))
  }

  #offsetOf(log: string, timestamp: bigint, isolationLevel: number) {
    const end = this.logs.get(log)?.end
    if (end === undefined) return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, offset: -1n }
    if (timestamp >= 0n) {
      const [offset = -1n] = this.#times.find(([, time]) => time >= Number(timestamp)) ?? []
      return { errorCode: errorCodes.NONE, offset }
    }
    const stable = isolationLevel === 1 ? this.lastStable.get(log) : undefined
    return { errorCode: errorCodes.NONE, offset: stable ?? end }
  }
}

const isQuestion = (apiKey: number): boolean =>
  apiKey === apis.listTransactions.key || apiKey === apis.describeProducers.key

function recordOf({ id, agoMs, state, partitions = {}, producerId = 7n }: Step): NewRecord {
  const at = BigInt(nowMs - agoMs)
  const named = Object.entries(partitions).map(([topic, partitionIds]) => ({ topic, partitionIds }))
  const value = {
    ...{ producerId, producerEpoch: 0, transactionTimeoutMs: 60_000 },
    transactionStatus: state === null ? 0 : statuses.indexOf(state),
    transactionPartitions: state === 'Empty' ? null : named,
    transactionLastUpdateTimestampMs: at,
    transactionStartTimestampMs: at,
  }
  return {
    timestamp: at,
    key: versioned((to) => writeMessage(transactionLogKey, 0, to, { transactionalId: id })),
    value:
      state === null ? null : versioned((to) => writeMessage(transactionLogValue, 0, to, value)),
  }
}

function versioned(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.int16(0)
  write(writer)
  return writer.written()
}
