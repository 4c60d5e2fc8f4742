import { apis, decodeResponse, decodeResponseHeader, errorCodes } from '../protocol/index.ts'

/** What clients answer by sending the same batch again (KIP-98): its outcome is open. */
const retriable: ReadonlySet<number> = new Set([
  errorCodes.CORRUPT_MESSAGE,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.REQUEST_TIMED_OUT,
  errorCodes.NETWORK_EXCEPTION,
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.FENCED_LEADER_EPOCH,
])

/** Whether an answer to Produce (a frame without its length) makes the client send some batch again. */
export function isUnresolved(version: number, frame: Buffer): boolean {
  const { bodyOffset } = decodeResponseHeader(apis.produce, version, frame, 0)
  const { responses } = decodeResponse(apis.produce, version, frame, bodyOffset)
  return responses.some(({ partitionResponses }) =>
    partitionResponses.some(({ errorCode }) => retriable.has(errorCode)),
  )
}

/** Which partitions took their batch, or have it already, by an answer to Produce (a frame without its length). */
export function takenIn(
  version: number,
  frame: Buffer,
): (topic: string, partition: number) => boolean {
  const { bodyOffset } = decodeResponseHeader(apis.produce, version, frame, 0)
  const { responses } = decodeResponse(apis.produce, version, frame, bodyOffset)
  return (topic, partition) => {
    const of = responses.find(({ name }) => name === topic)
    const answer = of?.partitionResponses.find(({ index }) => index === partition)
    return answer !== undefined && taken.has(answer.errorCode)
  }
}
const taken: ReadonlySet<number> = new Set([errorCodes.NONE, errorCodes.DUPLICATE_SEQUENCE_NUMBER])
