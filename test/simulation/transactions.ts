import { apis, errorCodes } from '../../src/protocol/index.ts'
import type { SimCluster } from './cluster.ts'

interface Pending {
  readonly topic: string
  readonly partition: number
  readonly records: Buffer
  readonly sequence: number
}

interface PendingOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

const unthrottled = { throttleTimeMs: 0 }

/** Transactions of one producer, as those see them who read what is committed: markers take no offsets. */
export class SimTransactions {
  readonly #cluster: SimCluster
  readonly producerId = 1n << 40n
  #epoch = -1
  #pending: Pending[] = []
  #offsets: PendingOffset[] = []
  #group = ''

  constructor(cluster: SimCluster) {
    this.#cluster = cluster
    cluster.on(apis.initProducerId, () => {
      this.#end()
      this.#epoch++
      const { producerId } = this
      return { ...unthrottled, errorCode: 0, producerId, producerEpoch: this.#epoch }
    })
    cluster.on(apis.addPartitionsToTxn, (request) => {
      const partitionErrorCode = this.#judge(request.v3AndBelowProducerEpoch)
      const resultsByTopicV3AndBelow = request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode,
        })),
      }))
      return { ...unthrottled, resultsByTopicV3AndBelow }
    })
    cluster.on(apis.addOffsetsToTxn, ({ producerEpoch }) => ({
      ...unthrottled,
      errorCode: this.#judge(producerEpoch),
    }))
    cluster.on(apis.txnOffsetCommit, ({ producerEpoch, groupId, topics }) => {
      const errorCode = this.#judge(producerEpoch)
      this.#group = groupId
      const answered = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedOffset: offset }) => {
          if (errorCode === 0) {
            this.#offsets.push({ topic: name, partition: partitionIndex, offset })
          }
          return { partitionIndex, errorCode }
        }),
      }))
      return { ...unthrottled, topics: answered }
    })
    cluster.on(apis.endTxn, ({ producerEpoch, committed }) => {
      const errorCode = this.#judge(producerEpoch)
      if (errorCode === 0 && committed) this.#commit()
      if (errorCode === 0) this.#end()
      return { ...unthrottled, errorCode }
    })
  }

  /** @returns an error code */
  produce(topic: string, partition: number, records: Buffer): number {
    const errorCode = this.#judge(records.readInt16BE(51))
    const sequence = records.readInt32BE(53)
    const isThere = this.#pending.some(
      (each) => each.topic === topic && each.partition === partition && each.sequence === sequence,
    )
    if (errorCode === 0 && !isThere) {
      this.#pending.push({ topic, partition, records, sequence })
    }
    return errorCode
  }

  #judge(epoch: number): number {
    return epoch === this.#epoch ? 0 : errorCodes.INVALID_PRODUCER_EPOCH
  }

  #commit(): void {
    const of = ({ topic, partition }: Pending) => this.#cluster.partitionsOf(topic)[partition]
    for (const each of this.#pending) of(each)?.append(each.records)
    for (const each of this.#pending) of(each)?.settle()
    for (const { topic, partition, offset } of this.#offsets) {
      const value = { offset, leaderEpoch: -1, metadata: '' }
      this.#cluster.group(this.#group).offsets.commit(topic, partition, value)
    }
  }

  #end(): void {
    this.#pending = []
    this.#offsets = []
  }
}
