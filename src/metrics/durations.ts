/** Seconds. From a forward on the same host to Kafka clients' own timeouts. */
export const durationBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

const bounds = Float64Array.from(durationBounds)
const bucketCount = bounds.length + 1

/** Durations of one kind, as a histogram shows them. */
export interface Distribution {
  readonly count: number
  readonly seconds: number
  /** One for each of `durationBounds`, and one for what is longer; each duration is in one of them. */
  readonly buckets: Float64Array
}

/** Durations of several kinds, in arrays that are allocated once: to add one is two additions. */
export class Durations {
  readonly #buckets: Float64Array
  readonly #seconds: Float64Array

  /** @param kinds how many; each has its place, from 0 */
  constructor(kinds: number) {
    this.#buckets = new Float64Array(kinds * bucketCount)
    this.#seconds = new Float64Array(kinds)
  }

  add(place: number, seconds: number): void {
    this.#seconds[place]! += seconds
    this.#buckets[place * bucketCount + bucketOf(seconds)]!++
  }

  at(place: number): Distribution {
    const buckets = this.#buckets.subarray(place * bucketCount, (place + 1) * bucketCount)
    const count = buckets.reduce((sum, n) => sum + n, 0)
    return { count, seconds: this.#seconds[place] ?? 0, buckets }
  }
}

/** Most answers come within the first bounds, so that looking from the front is the short way. */
function bucketOf(seconds: number): number {
  let i = 0
  while (i < bounds.length && seconds > bounds[i]!) i++
  return i
}
