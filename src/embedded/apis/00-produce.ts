import {
  apis,
  batchAttributes,
  batchLayout,
  errorCodes,
  type ProduceRequest,
} from '../../protocol/index.ts'
import { topicConfig } from '../configs.ts'
import { handler } from '../handler.ts'
import { closeConnection, noAnswer, type Call } from '../shared.ts'
import { wake, type Partition, type Topic } from '../state.ts'
import { ledPartition, findTopic, leaderHints } from './endpoints.ts'

/**
 * Produce, versions 0-13; 0-2 are offered, as brokers do for librdkafka, and refused (KAFKA-18659).
 *
 * - acks 0: no answer; an error closes the connection. acks 1 and -1 are the same: one copy.
 * - acks -1 with fewer in-sync replicas than `min.insync.replicas`: NOT_ENOUGH_REPLICAS.
 * - v10: a broker that does not lead names the one that does (KIP-951).
 * - v12: a transactional Produce adds its partitions to the transaction (KIP-890).
 * - v13: topic ids.
 *
 * Not handled: compacted topics' demand for keys, compaction itself, opening compressed batches.
 */
export const produce = handler(apis.produce, { min: 0, max: 13 }, (request, call) => {
  const { apiVersion } = call
  const answers = request.topicData.map((topicData) => {
    const topic = findTopic(call, apiVersion >= 13, topicData)
    const partitionResponses = topicData.partitionData.map(({ index, records }) =>
      producePartition(request, call, topic, index, records),
    )
    return { name: topicData.name, topicId: topicData.topicId, partitionResponses }
  })
  const results = answers.flatMap(({ partitionResponses }) => partitionResponses)
  if (request.acks === 0)
    return results.some(({ errorCode }) => errorCode !== 0) ? closeConnection : noAnswer
  const leaders = new Set(results.map(({ currentLeader }) => currentLeader?.leaderId))
  const hints = leaderHints(call, leaders)
  return { responses: answers, ...(apiVersion >= 10 ? { nodeEndpoints: hints } : {}) }
})

interface PartitionAnswer {
  readonly index: number
  readonly errorCode: number
  readonly baseOffset: bigint
  readonly logAppendTimeMs?: bigint
  readonly logStartOffset?: bigint
  readonly errorMessage?: string | null
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number }
}

function producePartition(
  request: ProduceRequest,
  call: Call,
  topic: Topic | undefined,
  index: number,
  records: Buffer | null,
): PartitionAnswer {
  const refused = (
    errorCode: number,
    errorMessage: string | null = null,
    moved?: Partition,
  ): PartitionAnswer => ({
    index,
    errorCode,
    baseOffset: -1n,
    errorMessage,
    ...(moved !== undefined && call.apiVersion >= 10
      ? { currentLeader: { leaderId: moved.leader, leaderEpoch: moved.leaderEpoch } }
      : {}),
  })
  if (![0, 1, -1].includes(request.acks)) return refused(errorCodes.INVALID_REQUIRED_ACKS)
  if (call.apiVersion < 3) return refused(errorCodes.UNSUPPORTED_VERSION)
  if (topic === undefined && call.apiVersion >= 13) return refused(errorCodes.UNKNOWN_TOPIC_ID)
  const led = ledPartition(call, topic, index)
  if (led.kind === 'refused') return refused(led.errorCode, null, led.partition)
  const { partition } = led
  const inSyncMin = Number(topicConfig(call.shared, topic, 'min.insync.replicas'))
  if (request.acks === -1 && partition.inSync.length < inSyncMin)
    return refused(errorCodes.NOT_ENOUGH_REPLICAS)
  const errorCode = verifyTransaction(request, call, partition, records)
  if (errorCode !== errorCodes.NONE) return refused(errorCode)
  const usesAppendTime =
    topicConfig(call.shared, topic, 'message.timestamp.type') === 'LogAppendTime'
  const appendTime = usesAppendTime ? call.shared.clock.now() : undefined
  const result = partition.log.append(records, partition.leaderEpoch, {
    batchBytesMax: Number(topicConfig(call.shared, topic, 'max.message.bytes')),
    allowZstd: call.apiVersion >= 7,
    appendTime,
  })
  if (result.kind === 'refused') return refused(result.errorCode, result.message)
  if (result.kind === 'appended') wake(partition)
  const { baseOffset } = result
  return {
    index,
    errorCode: errorCodes.NONE,
    baseOffset,
    logAppendTimeMs: BigInt(appendTime ?? -1),
    logStartOffset: partition.log.start,
  }
}

/** A transactional batch must be of a transaction that knows the partition. */
function verifyTransaction(
  { transactionalId }: ProduceRequest,
  { shared, apiVersion }: Call,
  { topic, index }: Partition,
  records: Buffer | null,
): number {
  if (records === null || records.length < batchLayout.records) return errorCodes.NONE
  const attributes = records.readInt16BE(batchLayout.attributes)
  if ((attributes & batchAttributes.transactional) === 0) return errorCodes.NONE
  const claim = {
    transactionalId: transactionalId ?? '',
    producerId: records.readBigInt64BE(batchLayout.producerId),
    producerEpoch: records.readInt16BE(batchLayout.producerEpoch),
  }
  if (apiVersion < 12) return shared.transactions.verify(claim, topic, index)
  return shared.transactions.addPartitions(claim, [[topic, index]], shared.clock.now())
}
