/** Producer ids, handed out by each broker from blocks of its own, as KIP-730 has it. Pure. */
const blockSize = 1000n

export class ProducerIds {
  #nextBlock = 0n
  readonly #blocks = new Map<number, { next: bigint; end: bigint }>()

  next(nodeId: number): bigint {
    let block = this.#blocks.get(nodeId)
    if (block === undefined || block.next === block.end) {
      block = { next: this.#nextBlock, end: this.#nextBlock + blockSize }
      this.#nextBlock = block.end
      this.#blocks.set(nodeId, block)
    }
    return block.next++
  }
}
