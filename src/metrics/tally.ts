import { errorKinds, type ErrorKind } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import type { Answerer, Observer, Peer } from '../observer.ts'

/** Seconds. From a forward on the same host to Kafka clients' own timeouts. */
export const durationBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

const bucketCount = durationBounds.length + 1
/** API keys from 0; whatever is above shares the last place. */
const apiPlaces = 128
export const unknownApi = apiPlaces - 1

export const answerers = ['source', 'target', 'sidecar'] as const satisfies readonly Answerer[]
export const peers = ['client', 'source', 'target'] as const satisfies readonly Peer[]

const bounds = Float64Array.from(durationBounds)

/**
 * What the observer counts, in arrays that are allocated once: an answered request is a few additions,
 * 50,000 times a second. The registry reads them when it is scraped.
 */
export class Tally implements Observer {
  /** Not cumulative: each duration is in one bucket. */
  readonly #buckets = new Float64Array(answerers.length * apiPlaces * bucketCount)
  readonly #seconds = new Float64Array(answerers.length * apiPlaces)
  readonly #received = { client: 0, source: 0, target: 0 }
  readonly #sent = { client: 0, source: 0, target: 0 }
  readonly #upstream = { source: 0, target: 0 }
  readonly #failures = new Map<ErrorKind, number>()
  #downstream = 0

  constructor() {
    // An alert on a counter needs its zero.
    for (const kind of allErrorKinds()) this.#failures.set(kind, 0)
  }

  downstreamOpened(): void {
    this.#downstream++
  }

  downstreamClosed(): void {
    this.#downstream--
  }

  upstreamOpened(cluster: ClusterName): void {
    this.#upstream[cluster]++
  }

  upstreamClosed(cluster: ClusterName): void {
    this.#upstream[cluster]--
  }

  requestAnswered(apiKey: number, answerer: Answerer, seconds: number): void {
    const place = placeOf(apiKey, answerer)
    this.#seconds[place]! += seconds
    this.#buckets[place * bucketCount + bucketOf(seconds)]!++
  }

  received(peer: Peer, bytes: number): void {
    this.#received[peer] += bytes
  }

  sent(peer: Peer, bytes: number): void {
    this.#sent[peer] += bytes
  }

  failed(kind: ErrorKind): void {
    this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1)
  }

  get downstreamConnections(): number {
    return this.#downstream
  }

  upstreamConnections(cluster: ClusterName): number {
    return this.#upstream[cluster]
  }

  receivedBytes(peer: Peer): number {
    return this.#received[peer]
  }

  sentBytes(peer: Peer): number {
    return this.#sent[peer]
  }

  failures(): ReadonlyMap<ErrorKind, number> {
    return this.#failures
  }

  /** Every API that was answered at least once, by whom. */
  *answered(): Generator<Answered> {
    for (const answerer of answerers) {
      for (let apiKey = 0; apiKey < apiPlaces; apiKey++) {
        const place = placeOf(apiKey, answerer)
        const buckets = this.#buckets.subarray(place * bucketCount, (place + 1) * bucketCount)
        const count = buckets.reduce((sum, n) => sum + n, 0)
        if (count > 0)
          yield { apiKey, answerer, count, seconds: this.#seconds[place] ?? 0, buckets }
      }
    }
  }
}

export interface Answered {
  readonly apiKey: number
  readonly answerer: Answerer
  readonly count: number
  readonly seconds: number
  /** One for each of `durationBounds`, and one for what is longer. */
  readonly buckets: Float64Array
}

function placeOf(apiKey: number, answerer: Answerer): number {
  const place = apiKey >= 0 && apiKey < unknownApi ? apiKey : unknownApi
  const cluster = answerer === 'source' ? 0 : answerer === 'target' ? 1 : 2
  return cluster * apiPlaces + place
}

/** Most answers come within the first bounds, so that looking from the front is the short way. */
function bucketOf(seconds: number): number {
  let i = 0
  while (i < bounds.length && seconds > bounds[i]!) i++
  return i
}

export function allErrorKinds(): readonly ErrorKind[] {
  return Object.keys(errorKinds).filter((kind): kind is ErrorKind => kind in errorKinds)
}
