/**
 * Where each leader epoch began (`leader-epoch-checkpoint`, KIP-101, KIP-279). Pure.
 */
interface EpochStart {
  readonly epoch: number
  readonly start: bigint
}

export class EpochHistory {
  #starts: EpochStart[] = []

  /** A leader took over at this log end. An epoch in which nothing was written leaves no trace. */
  begin(epoch: number, start: bigint): void {
    this.#starts = [...this.#starts.filter((entry) => entry.start < start), { epoch, start }]
  }

  /** The epoch in which the offset was, or will be, written; -1 without any. */
  at(offset: bigint): number {
    return this.#starts.findLast(({ start }) => start <= offset)?.epoch ?? -1
  }

  /**
   * The greatest epoch up to the wanted one, and where it ends: what OffsetForLeaderEpoch answers.
   * Undefined for an epoch above the latest.
   */
  endOf(wanted: number, logEnd: bigint): { epoch: number; end: bigint } | undefined {
    const latest = this.#starts.at(-1)
    if (latest === undefined || wanted < 0 || wanted > latest.epoch) return undefined
    if (wanted === latest.epoch) return { epoch: wanted, end: logEnd }
    const next = this.#starts.find(({ epoch }) => epoch > wanted)
    const floor = this.#starts.findLast(({ epoch }) => epoch <= wanted)
    return { epoch: floor?.epoch ?? wanted, end: next?.start ?? logEnd }
  }

  truncateBefore(offset: bigint): void {
    const floor = this.#starts.findLast(({ start }) => start <= offset)
    this.#starts = this.#starts
      .filter((entry) => entry === floor || entry.start > offset)
      .map((entry) => (entry === floor ? { epoch: entry.epoch, start: offset } : entry))
  }
}
