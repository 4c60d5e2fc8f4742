import { CutoverError } from '../errors.ts'
import type { NodeId } from '../ids.ts'
import { apiName } from '../protocol/index.ts'
import { destination, type Destination } from '../router/index.ts'
import type { ClusterClient, Identity } from './cluster-client.ts'
import type { Upstream, UpstreamOwner } from './upstream.ts'

/** The brokers that one session talks to: a connection to each, opened when first needed. */
export class Brokers {
  readonly #owner: UpstreamOwner
  readonly #source: ClusterClient
  readonly #home: NodeId | undefined
  readonly #upstreams = new Map<Destination, Upstream>()
  /** As whom the client has logged in, where the cluster has no credentials of its own. */
  identity: Identity = null

  /** @param home the home of the virtual broker that was asked; none for the bootstrap listener */
  constructor(owner: UpstreamOwner, source: ClusterClient, home: NodeId | undefined) {
    this.#owner = owner
    this.#source = source
    this.#home = home
  }

  /** The broker that the client means, or any while it is not there. */
  get home(): Destination | undefined {
    const { name, topology } = this.#source
    return this.#home !== undefined && topology.brokers.has(this.#home)
      ? destination(name, this.#home)
      : this.any
  }

  /** A broker for what every broker answers: one that is connected already, or the home. */
  get any(): Destination | undefined {
    const { name } = this.#source
    const home = this.#home === undefined ? undefined : destination(name, this.#home)
    if (home !== undefined && this.#upstreams.get(home)?.state === 'ready') return home
    for (const [to, upstream] of this.#upstreams) if (upstream.state === 'ready') return to
    return this.#source.anyBroker(this.#home)
  }

  connectedTo(to: Destination): Upstream | undefined {
    return this.#upstreams.get(to)
  }

  /** The connection to a known broker, which may still be opening. */
  connect(to: Destination): Upstream {
    let upstream = this.#upstreams.get(to)
    if (upstream === undefined || upstream.state === 'closed') {
      upstream = this.#source.open(this.#owner, to, this.#source.identity ?? this.identity)
      this.#upstreams.set(to, upstream)
    }
    return upstream
  }

  closed(upstream: Upstream): void {
    for (const [to, mine] of this.#upstreams) if (mine === upstream) this.#upstreams.delete(to)
  }

  wake(): void {
    for (const upstream of this.#upstreams.values()) upstream.wake()
  }

  /** Flushes what was sent without asking for an answer (acks=0), then closes. */
  end(): void {
    for (const upstream of this.#upstreams.values()) upstream.end()
  }

  /**
   * Closes connections whose broker takes nothing, or owes an answer, for too long.
   * @param clientReads while it does not, no answer is late
   */
  sweep(now: number, answerTimeoutMs: number, clientReads: boolean): void {
    for (const upstream of this.#upstreams.values()) {
      if (upstream.takesNothingMs(now) > answerTimeoutMs) {
        const message = `${upstream.peer} took nothing of what was sent to it for ${answerTimeoutMs} ms (limits.answerTimeout)`
        upstream.close(new CutoverError('upstream_timeout', message))
        continue
      }
      if (!clientReads) continue
      const owed = upstream.inFlight.first
      if (owed === undefined || upstream.blocked || upstream.state !== 'ready') continue
      const waitedMs = Math.round(now - owed.sentAt)
      if (waitedMs <= answerTimeoutMs + owed.waitMs) continue
      upstream.close(
        new CutoverError(
          'upstream_timeout',
          `${upstream.peer} did not answer ${apiName(owed.apiKey)} within ${waitedMs} ms (limits.answerTimeout is ${answerTimeoutMs})`,
        ),
      )
    }
  }
}
