import * as z from 'zod'
import type { Entry } from '../../router/index.ts'

const count = z.int().nonnegative()
/** int64 as decimal digits: JSON has no number that large. */
const offset = z
  .string()
  .regex(/^(0|[1-9]\d{0,18})$/)
  .transform(BigInt)

const group = { group: z.string(), at: count }

const fence = {
  fence: count,
  at: count,
  clusterId: z.string().nullable(),
  everyTopic: z.boolean(),
  topics: z.array(
    z.strictObject({
      name: z.string(),
      targetName: z.string(),
      topicId: z.string().nullable(),
      partitions: count,
      targetPartitions: count.optional(),
    }),
  ),
}
const starts = z.array(z.strictObject({ topic: z.string(), partition: count, start: offset }))

/** An entry as JSON.parse yields it. Strict: what this version does not know, it does not guess at. */
export const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fence'), ...fence }),
  z.strictObject({ kind: z.literal('flip'), ...fence, starts }),
  z.strictObject({ kind: z.literal('abort'), fence: count, at: count, reason: z.string() }),
  z.strictObject({
    kind: z.literal('splice'),
    fence: count,
    at: count,
    partitions: z.array(
      z.strictObject({ topic: z.string(), partition: count, end: offset, start: offset }),
    ),
    starts: starts.optional(),
  }),
  z.strictObject({
    kind: z.literal('group-moving'),
    ...group,
    placeholder: z.strictObject({ memberId: z.string(), generationId: z.int() }).optional(),
  }),
  z.strictObject({ kind: z.literal('group-moved'), ...group }),
  z.strictObject({ kind: z.literal('group-aborted'), ...group, reason: z.string() }),
  z.strictObject({ kind: z.literal('group-forgotten'), ...group }),
  z.strictObject({ kind: z.literal('group-left'), ...group }),
  z.strictObject({ kind: z.literal('drained'), at: count }),
  z.strictObject({
    kind: z.literal('target'),
    at: count,
    read: z.array(z.strictObject({ topic: z.string(), partition: count, end: offset })).optional(),
  }),
  z.strictObject({
    kind: z.literal('carried'),
    topic: z.string(),
    partition: count,
    sourceEnd: offset,
  }),
  z.strictObject({
    kind: z.literal('sequence-base'),
    topic: z.string(),
    partition: count,
    producerId: offset,
    producerEpoch: count,
    base: count,
  }),
]) satisfies z.ZodType<Entry>

/** JSON of an entry: offsets as strings. */
export function entryText(entry: Entry): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
