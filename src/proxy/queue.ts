/** First in, first out, in a ring: `Array.shift` moves what stays, and to empty an array costs a call into V8. */
export class Queue<T> {
  /** Its length is a power of two. */
  #items: (T | undefined)[] = [undefined, undefined, undefined, undefined]
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  get second(): T | undefined {
    return this.#items[(this.#head + 1) & (this.#items.length - 1)]
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length++) & (this.#items.length - 1)] = item
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#length; i++) {
      yield this.#items[(this.#head + i) & (this.#items.length - 1)] as T
    }
  }

  #grow(): void {
    const items = [...this]
    this.#items = [...items, ...items.map(() => undefined)]
    this.#head = 0
  }
}
