/** Who has asked for nothing for so long reads no more, in ms. */
const memoryMs = 10_000

/** What somebody reads, by names of topics. */
export interface Reading {
  readonly clientId: string
  readonly topics: ReadonlySet<string>
}

/** What one connection reads, as far as its Fetches say. */
export class TopicsRead {
  /** ms from anywhere. */
  readonly #now: () => number
  #topics = new Set<string>()
  #clientId: string | undefined
  #atMs = -Infinity

  constructor(now = (): number => performance.now()) {
    this.#now = now
  }

  /** @param isIncremental it names only what is new or has changed since the last one (KIP-227) */
  note(topics: readonly string[], isIncremental: boolean, clientId: () => string): void {
    this.#clientId ??= clientId()
    this.#atMs = this.#now()
    if (!isIncremental) this.#topics.clear()
    for (const topic of topics) this.#topics.add(topic)
  }

  /** Undefined where nothing was asked for lately. */
  get reading(): Reading | undefined {
    if (this.#topics.size === 0 || this.#now() - this.#atMs > memoryMs) return undefined
    return { clientId: this.#clientId ?? '', topics: this.#topics }
  }
}
