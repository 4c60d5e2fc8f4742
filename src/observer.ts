import type { ErrorKind } from './errors.ts'
import type { ClusterName } from './ids.ts'

/** Whose bytes: `client` is every application together. */
export type Peer = 'client' | ClusterName

/** Who answered a request: a cluster, or the sidecar itself. */
export type Answerer = ClusterName | 'sidecar'

/**
 * What the proxy tells about itself. The metrics room implements it. The calls sit on the data path:
 * an implementation adds to a number and returns; it neither allocates nor throws.
 */
export interface Observer {
  downstreamOpened(): void
  downstreamClosed(): void
  upstreamOpened(cluster: ClusterName): void
  upstreamClosed(cluster: ClusterName): void
  /** One answered request. @param seconds from its last byte in to its answer's first byte out */
  requestAnswered(apiKey: number, answerer: Answerer, seconds: number): void
  /** A request was held, for a splice or for its group to move, and goes on now. */
  requestHeld(apiKey: number, seconds: number): void
  received(peer: Peer, bytes: number): void
  sent(peer: Peer, bytes: number): void
  failed(kind: ErrorKind): void
}

/** An observer that looks away: for tests and tools. */
export const blindObserver: Observer = {
  downstreamOpened() {},
  downstreamClosed() {},
  upstreamOpened() {},
  upstreamClosed() {},
  requestAnswered() {},
  requestHeld() {},
  received() {},
  sent() {},
  failed() {},
}
