import type { ProducerKind } from './producer.ts'

export interface Acknowledged {
  readonly producer: string
  readonly kind: ProducerKind
  /** As clients call it, as the partition. */
  readonly topic: string
  readonly partition: number
  readonly values: readonly string[]
  readonly baseOffset: bigint
}

/** What a reader was given of one partition, in its order. */
export interface Delivered {
  readonly offset: bigint
  readonly value: string
}

/** A group's member begins to read a partition. */
export interface Begun {
  readonly reader: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Its group had committed nothing there: where it begins, its policy says. */
  readonly isReset: boolean
  readonly atMs: number
}

/** What every application was told, and which laws were broken on the way. */
export class Ledger {
  readonly acks: Acknowledged[] = []
  /** What was sent without a wish for an answer. */
  readonly unanswered: Omit<Acknowledged, 'kind' | 'baseOffset'>[] = []
  /** By value, when its producer first sent it in vain, in ms since the run began. */
  readonly failures = new Map<string, number>()
  readonly #deliveries = new Map<string, Delivered[][]>()
  readonly begins: Begun[] = []
  readonly breaches: string[] = []
  readonly #begun = new Map<string, bigint>()
  readonly #late = new Set<string>()
  isSourceOff: () => boolean = () => false
  /** Whether something happened behind which a delivery may come again: of a connection, or a process. */
  disturbed = false

  acknowledged(
    producer: string,
    kind: ProducerKind,
    topic: string,
    partition: number,
    values: readonly string[],
    baseOffset: bigint,
  ): void {
    this.acks.push({ producer, kind, topic, partition, values, baseOffset })
  }

  failed(values: readonly string[], atMs: number): void {
    for (const value of values) {
      if (!this.failures.has(value)) this.failures.set(value, atMs)
    }
  }

  told(producer: string, topic: string, partition: number, values: readonly string[]): void {
    this.unanswered.push({ producer, topic, partition, values })
  }

  /** @param reader a group, or who reads without one */
  delivered(reader: string, topic: string, partition: number, offset: bigint, value: string): void {
    const key = `${reader} ${topic}`
    const partitions = this.#deliveries.get(key) ?? []
    this.#deliveries.set(key, partitions)
    const mine = (partitions[partition] ??= [])
    mine.push({ offset, value })
  }

  deliveries(reader: string, topic: string, partition: number): readonly Delivered[] {
    return this.#deliveries.get(`${reader} ${topic}`)?.[partition] ?? []
  }

  /** A group asks where to begin; the first time counts. */
  began(begun: Begun): void {
    const { reader, topic, partition, offset } = begun
    this.begins.push(begun)
    const key = `${reader} ${topic} ${partition}`
    if (this.#begun.has(key)) return
    this.#begun.set(key, this.isSourceOff() ? offset : 0n)
    if (this.isSourceOff()) this.#late.add(reader)
  }

  /** Who begins when the source is not needed any more begins where it ends. */
  beginOf(reader: string, topic: string, partition: number): bigint {
    return this.#begun.get(`${reader} ${topic} ${partition}`) ?? 0n
  }

  /** Its first JoinGroup may have been on its way when the source was not needed any more: it joins again. */
  isLate(reader: string): boolean {
    return this.#late.has(reader)
  }

  broke(law: string): void {
    this.breaches.push(law)
  }
}
