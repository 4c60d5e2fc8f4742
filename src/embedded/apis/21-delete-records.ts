import { apis, errorCodes } from '../../protocol/index.ts'
import { topicConfig } from '../configs.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { wake } from '../state.ts'
import { ledPartition } from './endpoints.ts'

/**
 * DeleteRecords, versions 0-2: moves the log start to an offset, -1 for the high watermark. A topic that
 * is only compacted refuses: POLICY_VIOLATION.
 */
export const deleteRecords = handler(apis.deleteRecords, { min: 0, max: 2 }, (request, call) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => ({
      partitionIndex,
      ...remove(call, name, partitionIndex, offset),
    })),
  })),
}))

function remove(call: Call, name: string, index: number, offset: bigint) {
  const refused = (errorCode: number) => ({ errorCode, lowWatermark: -1n })
  const topic = call.shared.state.topics.get(name)
  const led = ledPartition(call, topic, index)
  if (led.kind === 'refused') return refused(led.errorCode)
  if (topicConfig(call.shared, topic, 'cleanup.policy') === 'compact')
    return refused(errorCodes.POLICY_VIOLATION)
  const { log } = led.partition
  const start = offset === -1n ? log.end : offset
  if (start < 0n || start > log.end) return refused(errorCodes.OFFSET_OUT_OF_RANGE)
  log.deleteBefore(start)
  wake(led.partition)
  return { errorCode: errorCodes.NONE, lowWatermark: log.start }
}
