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

/** The error of each partition in an answer to Produce (a frame without its length); of others, none is known. */
export function errorsIn(
  version: number,
  frame: Buffer,
): (topic: string, partition: number) => number | undefined {
  const { bodyOffset } = decodeResponseHeader(apis.produce, version, frame, 0)
  const { responses } = decodeResponse(apis.produce, version, frame, bodyOffset)
  return (topic, partition) => {
    const of = responses.find(({ name }) => name === topic)
    return of?.partitionResponses.find(({ index }) => index === partition)?.errorCode
  }
}

/** Whether the batch is in the log, by this answer or an earlier one. */
export const isTaken = (errorCode: number | undefined): boolean =>
  errorCode === errorCodes.NONE || errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER

/** Refused by a broker that has written nothing: the client sends the batch again, to whoever leads then. */
const refusals: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.FENCED_LEADER_EPOCH,
])

export const isRefused = (errorCode: number | undefined): boolean =>
  errorCode !== undefined && refusals.has(errorCode)
