import { nodeId } from '../ids.ts'
import { apis } from '../protocol/index.ts'
import {
  batchHeaderBytes,
  batchProducer,
  lastSequence,
  shiftOf,
  type RetainedBatch,
  type Segment,
} from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { listOffsets } from './ends.ts'

/** A client gives a record up after two minutes (delivery.timeout.ms), and then sends it no more. */
const lookBackMs = 2 * 60_000
/** How many records of a partition are looked at, at most. */
const lookBackRecordsMax = 20_000n
const fetchBytesMax = 4 * 1024 * 1024
const baseOffsetBytes = 12

/**
 * The batches of idempotent producers at the end of a closed segment, whose producers may still send them
 * again because the answer was lost.
 *
 * @param nowMs the time of the cluster's records
 */
export async function readRetained(
  cluster: Cluster,
  segment: Segment,
  nowMs: number,
): Promise<readonly RetainedBatch[]> {
  const { topic, partition, end } = segment
  if (end === null || end <= segment.start) return []
  const name = { topic, partition }
  const [recent = -1n] = await listOffsets(cluster, [name], BigInt(nowMs - lookBackMs))
  if (recent < 0n) return []
  const leader = cluster.topology.topics.get(topic)?.partitions[partition]?.leader
  if (leader === undefined || leader < 0) return []
  const batches: RetainedBatch[] = []
  let offset = recent > end - lookBackRecordsMax ? recent : end - lookBackRecordsMax
  while (offset < end) {
    const records = await fetch(cluster, name, offset, leader)
    const next = collect(records, offset, end, shiftOf(segment), batches)
    if (next <= offset) break
    offset = next
  }
  return batches
}

async function fetch(
  cluster: Cluster,
  { topic, partition }: { topic: string; partition: number },
  fetchOffset: bigint,
  leader: number,
): Promise<Buffer | null> {
  const answer = await cluster.ask(
    apis.fetch,
    12,
    {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: fetchBytesMax,
      topics: [
        { topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: fetchBytesMax }] },
      ],
    },
    { nodeId: nodeId(leader) },
  )
  return answer.responses[0]?.partitions[0]?.records ?? null
}

/** @returns the offset behind what was there */
function collect(
  records: Buffer | null,
  from: bigint,
  end: bigint,
  shift: bigint,
  batches: RetainedBatch[],
): bigint {
  let next = from
  if (records === null) return next
  for (let at = 0; at + batchHeaderBytes <= records.length;) {
    const baseOffset = records.readBigInt64BE(at)
    const producer = batchProducer(records, at)
    if (baseOffset >= end) return end
    if (producer !== undefined) {
      next = baseOffset + BigInt(producer.lastOffsetDelta) + 1n
      if (producer.producerId >= 0n && producer.baseSequence >= 0) {
        batches.push({
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          firstSequence: producer.baseSequence,
          lastSequence: lastSequence(producer.baseSequence, producer.lastOffsetDelta),
          offset: baseOffset + shift,
        })
      }
    }
    at += records.readInt32BE(at + 8) + baseOffsetBytes
  }
  return next
}
