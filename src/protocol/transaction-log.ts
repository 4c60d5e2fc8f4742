import { readMessage } from './codec.ts'
import { DecodeError } from './codec-errors.ts'
import { Reader } from './reader.ts'
import { array, int16, int32, int64, int8, message, string, type Decoded } from './schema.ts'
import { includes } from './versions.ts'

/**
 * What transaction coordinators keep in `__transaction_state` (KIP-98): one record for each step of a
 * transactional id, compacted by the id; without a value when the id has expired.
 *
 * Value v1, flexible (KIP-890), is written from 4.0 on, by brokers that tell ids themselves
 * (ListTransactions): not read.
 */
export const transactionLogKey = message('TransactionLogKey', '0', 'none', {
  transactionalId: string('0+'),
})

export const transactionLogValue = message('TransactionLogValue', '0', 'none', {
  producerId: int64('0+'),
  producerEpoch: int16('0+'),
  transactionTimeoutMs: int32('0+'),
  transactionStatus: int8('0+'),
  /** Null in state Empty; empty when the transaction is complete. */
  transactionPartitions: array({ topic: string('0+'), partitionIds: array('int32', '0+') }, '0+', {
    nullable: '0+',
  }),
  /** ms since 1970, by the coordinator's clock */
  transactionLastUpdateTimestampMs: int64('0+'),
  /** -1 before the first transaction */
  transactionStartTimestampMs: int64('0+'),
})

export type TransactionLogValue = Decoded<typeof transactionLogValue.fields>

/** By their numbers in the log, as ListTransactions names them. */
const states = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const
export type TransactionState = (typeof states)[number]

/** @throws DecodeError for a number that is not known */
export function transactionState({ transactionStatus }: TransactionLogValue): TransactionState {
  const state = states[transactionStatus]
  if (state === undefined)
    throw new DecodeError(`transaction status ${transactionStatus} is not known`)
  return state
}

/** @returns the transactional id; undefined for a record of another kind, which readers leave out */
export function decodeTransactionLogKey(key: Buffer): string | undefined {
  const reader = new Reader(key)
  const version = reader.int16()
  if (!includes(transactionLogKey.versions, version)) return undefined
  return readMessage(transactionLogKey, version, reader).transactionalId
}

/** @throws DecodeError where it is of a version that is not known */
export function decodeTransactionLogValue(value: Buffer): TransactionLogValue {
  const reader = new Reader(value)
  return readMessage(transactionLogValue, reader.int16(), reader)
}
