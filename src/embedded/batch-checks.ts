import {
  compressionOf,
  DecodeError,
  entries,
  errorCodes,
  hasValidCrc,
  isControl,
  type BatchHeader,
} from '../protocol/index.ts'

export interface Refusal {
  readonly kind: 'refused'
  readonly errorCode: number
  readonly message: string
}

const refused = (errorCode: number, message: string): Refusal => ({
  kind: 'refused',
  errorCode,
  message,
})

/**
 * What a broker demands of the records of one partition in a Produce request: exactly one batch of
 * format v2, whole, with its checksum, of an application (`ProduceRequest.validateRecords`,
 * `LogValidator.validateBatch`). Compressed payloads are not opened.
 */
export function checkBatch(
  records: Buffer | null,
  options: { readonly batchBytesMax: number; readonly allowZstd: boolean },
): { readonly kind: 'batch'; readonly header: BatchHeader } | Refusal {
  let header: BatchHeader
  try {
    const [first, ...more] = [...entries(records ?? Buffer.alloc(0))]
    if (first === undefined || more.length > 0 || first.size !== records?.length)
      return refused(errorCodes.INVALID_RECORD, 'exactly one whole record batch is wanted')
    if (first.kind === 'legacy')
      return refused(errorCodes.INVALID_RECORD, 'the batch is not of format v2')
    header = first
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return refused(errorCodes.CORRUPT_MESSAGE, error.message)
  }
  return checkHeader(records, header, options) ?? { kind: 'batch', header }
}

function checkHeader(
  records: Buffer,
  header: BatchHeader,
  options: { readonly batchBytesMax: number; readonly allowZstd: boolean },
): Refusal | undefined {
  if (!hasValidCrc(records, header))
    return refused(errorCodes.CORRUPT_MESSAGE, 'the checksum of the batch is wrong')
  if (header.size > options.batchBytesMax)
    return refused(
      errorCodes.MESSAGE_TOO_LARGE,
      `The record batch size is ${header.size} bytes, which exceeds the maximum configured value of ${options.batchBytesMax}`,
    )
  if (!options.allowZstd && compressionOf(header) === 'zstd')
    return refused(errorCodes.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce version 7')
  if (isControl(header))
    return refused(errorCodes.INVALID_RECORD, 'clients may not write control batches')
  if (header.recordCount <= 0 || header.lastOffsetDelta + 1 !== header.recordCount)
    return refused(errorCodes.INVALID_RECORD, 'the offsets of the batch do not match its count')
  if (header.producerId >= 0n && header.baseSequence < 0)
    return refused(errorCodes.INVALID_RECORD, 'a batch of a producer id needs a sequence')
  return undefined
}
