import { encodeBatch, type NewBatch } from '../../src/protocol/index.ts'

/** A batch with these values, as a producer sends it. */
export const batchOf = (values: readonly string[], rest: Omit<NewBatch, 'records'> = {}): Buffer =>
  encodeBatch({
    ...rest,
    records: values.map((value, index) => ({
      timestamp: BigInt(1000 + index),
      value: Buffer.from(value),
    })),
  })

/** One partition of a Produce request. */
export const produceOf = (
  topic: string,
  index: number,
  records: Buffer | null,
  rest: { acks?: number; transactionalId?: string | null } = {},
) => ({
  acks: rest.acks ?? -1,
  timeoutMs: 1000,
  transactionalId: rest.transactionalId ?? null,
  topicData: [{ name: topic, partitionData: [{ index, records }] }],
})
