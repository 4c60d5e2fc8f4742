import type { ProducerKind } from './producer.ts'

export interface Acknowledged {
  readonly producer: string
  readonly kind: ProducerKind
  readonly partition: number
  readonly values: readonly string[]
  readonly baseOffset: bigint
}

/** What a reader was given of one partition, in its order. */
export interface Delivered {
  readonly offset: bigint
  readonly value: string
}

/** What every application was told, and which laws were broken on the way. */
export class Ledger {
  readonly acks: Acknowledged[] = []
  /** What was sent without a wish for an answer. */
  readonly unanswered: Omit<Acknowledged, 'kind' | 'baseOffset'>[] = []
  /** By reader (a group, or who reads without one), then by partition. */
  readonly deliveries = new Map<string, Delivered[][]>()
  readonly breaches: string[] = []
  readonly #begun = new Map<string, bigint>()
  readonly #late = new Set<string>()
  isSourceOff: () => boolean = () => false
  /** Whether something happened behind which a delivery may come again: of a connection, or a process. */
  disturbed = false

  acknowledged(
    producer: string,
    kind: ProducerKind,
    partition: number,
    values: readonly string[],
    baseOffset: bigint,
  ): void {
    this.acks.push({ producer, kind, partition, values, baseOffset })
  }

  told(producer: string, partition: number, values: readonly string[]): void {
    this.unanswered.push({ producer, partition, values })
  }

  delivered(reader: string, partition: number, offset: bigint, value: string): void {
    const partitions = this.deliveries.get(reader) ?? []
    this.deliveries.set(reader, partitions)
    const mine = (partitions[partition] ??= [])
    mine.push({ offset, value })
  }

  /** A group asks where to begin; the first time counts. */
  began(reader: string, partition: number, offset: bigint): void {
    const key = `${reader} ${partition}`
    if (this.#begun.has(key)) return
    this.#begun.set(key, this.isSourceOff() ? offset : 0n)
    if (this.isSourceOff()) this.#late.add(reader)
  }

  /** Who begins when the source is not needed any more begins where it ends. */
  beginOf(reader: string, partition: number): bigint {
    return this.#begun.get(`${reader} ${partition}`) ?? 0n
  }

  /** Its first JoinGroup may have been on its way when the source was not needed any more: it joins again. */
  isLate(reader: string): boolean {
    return this.#late.has(reader)
  }

  broke(law: string): void {
    this.breaches.push(law)
  }
}
