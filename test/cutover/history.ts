import type { ClientEvent, RecordEvent } from '../clients/index.ts'
import type { Stall } from './stalls.ts'

/** One producer, by its client id: record i of it has the value `ID-i`. */
export interface ProducerHistory {
  readonly id: string
  /**
   * Each record is written once and in order, whatever happens. One that is not idempotent repeats and
   * reorders where it must send again; without faults it has no reason to.
   */
  readonly idempotent: boolean
  /** `ClientFacts.redeals` */
  readonly redeals?: boolean
  readonly events: readonly ClientEvent[]
}

/** The members of one consumer group. */
export interface GroupHistory {
  readonly name: string
  readonly members: readonly { readonly id: string; readonly events: readonly ClientEvent[] }[]
}

/** What the clients of one topic saw. */
export interface History {
  readonly producers: readonly ProducerHistory[]
  readonly groups: readonly GroupHistory[]
  /** Milliseconds since 1970: when the cutover was asked for, or would have been. */
  readonly from: number
  /** The same clock: when the clients were told to end. Members that leave cause rebalances too. */
  readonly to: number
  /**
   * Whether something was killed: then errors, redelivery to groups, and repetitions of producers that
   * are not idempotent are counted, as they are without a sidecar, and not held against it.
   */
  readonly faults: boolean
  /** When a producer that no sidecar stands before waited, if there was one. */
  readonly stalls?: readonly Stall[]
  /** Of an unordered cutover. */
  readonly parallel?: Parallel | undefined
}

/** How many partitions clients saw before the flip, and how many more since. */
export interface Parallel {
  readonly sourcePartitions: number
  readonly targetPartitions: number
}

export const clientsOf = ({ producers, groups }: History) => [
  ...producers,
  ...groups.flatMap((group) => group.members),
]

/** In the order of time, across the members; events of the same millisecond stay in their order. */
export function consumedBy(group: GroupHistory): RecordEvent[] {
  const records = group.members.flatMap(({ events }) =>
    events.filter((e): e is RecordEvent => e.event === 'consumed'),
  )
  return records.sort((a, b) => a.t - b.t)
}
