import { apis, decodeResponse, decodeResponseHeader, encodeResponse } from '../../protocol/index.ts'
import { entryHeaderBytes } from '../patch/batch.ts'
import type { RoutingTable } from '../table.ts'

/**
 * The answer to a Fetch that was asked before the splice and comes behind it, a frame without its length: it
 * may bring what reached the source behind the splice's back, at offsets that are the target's by now.
 *
 * @returns the frame with its length, without those records
 */
export function cutLateFetch(
  table: RoutingTable,
  version: number,
  correlationId: number,
  frame: Buffer,
): Buffer {
  const { bodyOffset } = decodeResponseHeader(apis.fetch, version, frame, 0)
  const answer = decodeResponse(apis.fetch, version, frame, bodyOffset)
  const responses = answer.responses.map((topic) => {
    const name = version >= 13 ? table.topicNames.get(topic.topicId) : topic.topic
    const routed = name === undefined ? undefined : table.topics.get(name)
    return {
      ...topic,
      partitions: topic.partitions.map((partition) => {
        const end = routed?.partitions[partition.partitionIndex]?.timeline?.[0].end
        return end == null ? partition : { ...partition, records: before(partition.records, end) }
      }),
    }
  })
  return encodeResponse(apis.fetch, version, correlationId, { ...answer, responses })
}

/** The batches below an offset: they lie in its order, and none spans a splice. */
function before(records: Buffer | null, end: bigint): Buffer | null {
  if (records === null) return null
  for (let at = 0; at + entryHeaderBytes <= records.length;) {
    if (records.readBigInt64BE(at) >= end) return records.subarray(0, at)
    at += records.readInt32BE(at + 8) + 12
  }
  return records
}
