import { errorKinds, type ErrorKind } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import type { Answerer, Observer, Peer } from '../observer.ts'
import { Durations, type Distribution } from './durations.ts'

/** API keys from 0; whatever is above shares the last place. */
const apiPlaces = 128
export const unknownApi = apiPlaces - 1

export const answerers = ['source', 'target', 'sidecar'] as const satisfies readonly Answerer[]
export const peers = ['client', 'source', 'target'] as const satisfies readonly Peer[]

/**
 * What the observer counts, in arrays that are allocated once: an answered request is a few additions,
 * 50,000 times a second. The registry reads them when it is scraped.
 */
export class Tally implements Observer {
  readonly #answered = new Durations(answerers.length * apiPlaces)
  readonly #held = new Durations(apiPlaces)
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
    this.#answered.add(placeOf(apiKey, answerer), seconds)
  }

  requestHeld(apiKey: number, seconds: number): void {
    this.#held.add(apiPlace(apiKey), seconds)
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
        const durations = this.#answered.at(placeOf(apiKey, answerer))
        if (durations.count > 0) yield { apiKey, answerer, durations }
      }
    }
  }

  /** Every API of which a request was held. */
  *held(): Generator<Pick<Answered, 'apiKey' | 'durations'>> {
    for (let apiKey = 0; apiKey < apiPlaces; apiKey++) {
      const durations = this.#held.at(apiKey)
      if (durations.count > 0) yield { apiKey, durations }
    }
  }
}

export interface Answered {
  readonly apiKey: number
  readonly answerer: Answerer
  readonly durations: Distribution
}

function placeOf(apiKey: number, answerer: Answerer): number {
  const cluster = answerer === 'source' ? 0 : answerer === 'target' ? 1 : 2
  return cluster * apiPlaces + apiPlace(apiKey)
}

function apiPlace(apiKey: number): number {
  return apiKey >= 0 && apiKey < unknownApi ? apiKey : unknownApi
}

export function allErrorKinds(): readonly ErrorKind[] {
  return Object.keys(errorKinds).filter((kind): kind is ErrorKind => kind in errorKinds)
}
