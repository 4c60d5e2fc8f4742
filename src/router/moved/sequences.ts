import { openSegment, type Timeline } from '../timeline/index.ts'

/** An idempotent producer, as clients know it, in one epoch of its own. */
export interface ProducerOfPartition {
  readonly timeline: Timeline
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A base that is wanted before a batch can go. */
export interface WantedBase extends ProducerOfPartition {
  readonly base: number
}

/**
 * What is taken off sequence numbers on their way to a target that takes no producer's first batch but
 * number 0: brokers up to 2.4 answer UNKNOWN_PRODUCER_ID to any other (KIP-360 ended that). The base is the
 * first sequence number behind the splice. It must be durable before it is used: told differently after a
 * restart, the target would refuse all that follows, or take a retry for something new.
 */
export class SequenceBases {
  /** Whether the target needs it. */
  active = false
  /** Called for each batch that waits for a base; calls for the same one may repeat. */
  wanted: (wanted: WantedBase) => void = () => {}
  readonly #bases = new Map<string, number>()

  /** What is taken off the sequence numbers; undefined while it is not durable: the batch waits. */
  find(of: ProducerOfPartition, sequence: number): number | undefined {
    if (!this.active) return 0
    const known = this.#bases.get(keyOf(of))
    // A base of 0 is durable, too: without it, the producer's next batch would be taken for its first.
    if (known !== undefined) return known
    this.wanted({ ...of, base: sequence })
    return undefined
  }

  /** The same for a batch that waits for nothing any more; 0 where there is none. Wants nothing. */
  known(of: ProducerOfPartition): number {
    return this.active ? (this.#bases.get(keyOf(of)) ?? 0) : 0
  }

  /** The base is durable. */
  keep(of: ProducerOfPartition, base: number): void {
    this.#bases.set(keyOf(of), base)
  }
}

function keyOf({ timeline, producerId, producerEpoch }: ProducerOfPartition): string {
  const { cluster, topic, partition } = openSegment(timeline)
  return `${cluster} ${topic}/${partition} ${producerId} ${producerEpoch}`
}

/** Sequence numbers go from 2^31 - 1 back to 0 (KIP-98). */
export function rebased(sequence: number, base: number): number {
  return (sequence - base + 2 ** 31) % 2 ** 31
}
