/**
 * Bytes <-> Kafka messages: every API that applications and their admin tools use, in every version
 * that brokers from 1.1 to 4.3 offer. Pure: no socket, file, clock, randomness.
 *
 * A message is declared once for all versions (`messages/NN-name.ts`). Decoded, it has every field,
 * with Kafka's default where its version lacks it; bytes and records are views into the frame, so
 * that whoever keeps a message keeps its frame; ids of topics are Kafka's base64url text; tagged
 * fields that we do not know are kept in `unknownTags` and written again. Decoding throws
 * `DecodeError` and nothing else, whatever the bytes; encoding throws `EncodeError`.
 */
export { apiName } from './api-names.ts'
export {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type ConsumerAssignment,
  type ConsumerSubscription,
  type Payload,
} from './consumer-protocol.ts'
export { crc32c } from './crc32c.ts'
export { crc32cShift } from './crc32c-shift.ts'
export { DecodeError, EncodeError } from './codec-errors.ts'
export { errorCodes, errorName, type ErrorName } from './error-codes.ts'
export {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type RequestHeader,
  type ResponseHeader,
} from './frames.ts'
export { apiByKey, apis } from './messages/index.ts'
export type * from './messages/types.ts'
export { Reader } from './reader.ts'
export {
  batchAttributes,
  batches,
  batchLayout,
  batchOverheadBytes,
  compressionOf,
  compressions,
  entries,
  hasValidCrc,
  isControl,
  isTransactional,
  lastOffset,
  readBatchHeader,
  type BatchHeader,
  type Compression,
  type LegacyEntry,
} from './record-batch.ts'
export {
  decodeRecords,
  encodeBatch,
  endTransactionMarker,
  markerKind,
  type LogRecord,
  type NewBatch,
  type NewRecord,
  type RecordHeader,
} from './records.ts'
export {
  isFlexible,
  zeroUuid,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
  type UnknownTag,
} from './schema.ts'
export {
  decodeTransactionLogKey,
  decodeTransactionLogValue,
  transactionState,
  type TransactionLogValue,
  type TransactionState,
} from './transaction-log.ts'
export {
  decodeStickyUserData,
  encodeStickyUserData,
  type StickyUserData,
} from './sticky-user-data.ts'
export { includes, type VersionRange } from './versions.ts'
export { Writer } from './writer.ts'
