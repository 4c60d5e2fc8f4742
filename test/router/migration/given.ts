import fc from 'fast-check'
import type { Entry } from '../../../src/router/index.ts'
import { apply, initialState, type MigrationState } from '../../../src/router/index.ts'

/** A plan of two topics, one of them renamed, and the way through its phases. */
export const fence = {
  kind: 'fence',
  fence: 1,
  at: 1000,
  clusterId: 'source-cluster',
  everyTopic: true,
  topics: [
    { name: 'orders', targetName: 'orders-v2', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: 2 },
    { name: 'audit', targetName: 'audit', topicId: null, partitions: 1 },
  ],
} as const satisfies Entry

export const splice = {
  kind: 'splice',
  fence: 1,
  at: 1200,
  partitions: [
    { topic: 'orders', partition: 0, end: 100n, start: 7n },
    { topic: 'orders', partition: 1, end: 0n, start: 0n },
    { topic: 'audit', partition: 0, end: 2n ** 60n, start: 3n },
  ],
} as const satisfies Entry

export const abort = { kind: 'abort', fence: 1, at: 1100, reason: 'no' } as const satisfies Entry
export const drained = { kind: 'drained', at: 2000 } as const satisfies Entry
export const target = { kind: 'target', at: 3000 } as const satisfies Entry
export const group = (
  kind: 'moving' | 'moved' | 'left' | 'forgotten',
  name = 'billing',
): Entry => ({
  kind: `group-${kind}`,
  group: name,
  at: 1500,
})
export const aborted = (name = 'billing'): Entry => ({
  kind: 'group-aborted',
  group: name,
  at: 1600,
  reason: 'late',
})
export const partial: Entry = { ...fence, everyTopic: false }

/** The state behind entries, all of which must be valid. */
export function after(...entries: readonly Entry[]): MigrationState {
  return entries.reduce((state, entry) => {
    const applied = apply(state, entry)
    if (!applied.ok) throw new Error(`${entry.kind}: ${applied.reason}`)
    return applied.state
  }, initialState)
}

const names = fc.constantFrom('orders', 'audit', 'a', 'b')
const at = fc.nat()
const small = fc.nat({ max: 3 })
const offset = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
)
const reason = fc.string({ unit: 'grapheme', maxLength: 10 })
const groups = fc.constantFrom('billing', 'mail', '', 'gr\u{fc}n\n')

const plan = {
  fence: small,
  at,
  clusterId: fc.option(fc.string()),
  everyTopic: fc.boolean(),
}
const topic = {
  name: names,
  targetName: names,
  topicId: fc.option(fc.constant('AAAAAAAAAAAAAAAAAAAAAA')),
  partitions: small,
}
const unorderedTopic = fc.record({ ...topic, targetPartitions: small })
const started = fc.array(fc.record({ topic: names, partition: small, start: offset }), {
  maxLength: 4,
})

const fenceEntry = fc.record({
  kind: fc.constant('fence' as const),
  ...plan,
  topics: fc.array(fc.oneof(fc.record(topic), unorderedTopic), { maxLength: 3 }),
})
const flipEntry = fc.record({
  kind: fc.constant('flip' as const),
  ...plan,
  topics: fc.array(unorderedTopic, { maxLength: 3 }),
  starts: started,
})

const groupEntry = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'group-moving' as const,
      'group-moved' as const,
      'group-forgotten' as const,
      'group-left' as const,
    ),
    group: groups,
    at,
  }),
  fc.record({ kind: fc.constant('group-aborted' as const), group: groups, at, reason }),
  fc.record({
    kind: fc.constant('group-moving' as const),
    group: groups,
    at,
    placeholder: fc.record({ memberId: fc.string(), generationId: fc.nat() }),
  }),
)

/** Any entry, valid where it stands or not. */
export const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  fenceEntry,
  flipEntry,
  fc.record({ kind: fc.constant('abort' as const), fence: small, at, reason }),
  fc.record({
    kind: fc.constant('splice' as const),
    fence: small,
    at,
    partitions: fc.array(
      fc.record({ topic: names, partition: small, end: offset, start: offset }),
      { maxLength: 4 },
    ),
  }),
  groupEntry,
  fc.record({ kind: fc.constantFrom('drained' as const, 'target' as const), at }),
  fc.record({
    kind: fc.constant('target' as const),
    at,
    read: fc.array(fc.record({ topic: names, partition: small, end: offset }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('carried' as const),
    topic: names,
    partition: small,
    sourceEnd: offset,
  }),
)

/** A run that gets through: entries of a valid migration among any others. */
export const anyRun: fc.Arbitrary<readonly Entry[]> = fc
  .tuple(
    fc.subarray<Entry>([fence, splice, drained, target]),
    fc.array(fc.tuple(fc.nat(20), fc.oneof({ weight: 2, arbitrary: groupEntry }, anyEntry))),
  )
  .map(([road, others]) =>
    others.reduce<Entry[]>((run, [where, entry]) => run.toSpliced(where, 0, entry), [...road]),
  )
