import { CutoverError } from '../errors.ts'
import type { ClusterName, NodeId, SlotNumber } from '../ids.ts'
import { apiName } from '../protocol/index.ts'
import {
  anyBrokerId,
  destination,
  homeBrokerId,
  type Destination,
  type RoutingTable,
} from '../router/index.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { Identity } from './upstream-login.ts'
import type { Upstream, UpstreamOwner } from './upstream.ts'

/** What brokers are known. */
export interface KnownBrokers {
  readonly table: () => RoutingTable
  readonly cluster: (name: ClusterName) => ClusterClient
}

/** The brokers that one session talks to: a connection to each, opened when first needed. */
export class Brokers {
  readonly #owner: UpstreamOwner
  readonly #known: KnownBrokers
  readonly #slot: SlotNumber | 0
  readonly #upstreams = new Map<Destination, Upstream>()
  /** As whom the client has logged in, where the cluster has no credentials of its own. */
  identity: Identity = null

  /** @param slot the virtual broker that the client has asked; 0 for the bootstrap listener */
  constructor(owner: UpstreamOwner, known: KnownBrokers, slot: SlotNumber | 0) {
    this.#owner = owner
    this.#known = known
    this.#slot = slot
  }

  /** The broker that the client means, or any of its cluster while it is not there. */
  get home(): Destination | undefined {
    const cluster = this.#known.table().view.home
    const id = this.homeIn(cluster)
    return id !== undefined && this.#known.cluster(cluster).topology.brokers.has(id)
      ? destination(cluster, id)
      : this.anyOf(cluster)
  }

  /** A broker for what every broker answers. */
  get any(): Destination | undefined {
    return this.anyOf(this.#known.table().view.home)
  }

  /** The home of the virtual broker that was asked. */
  homeIn(cluster: ClusterName): NodeId | undefined {
    const slot = this.#known.table().virtualBrokers.find((broker) => broker.slot === this.#slot)
    return (cluster === 'source' ? slot?.nodeId : slot?.target) ?? undefined
  }

  /** A broker of a cluster: one that is connected already, or the home. */
  anyOf(cluster: ClusterName): Destination | undefined {
    const id = this.homeIn(cluster)
    const home = id === undefined ? undefined : destination(cluster, id)
    if (home !== undefined && this.#upstreams.get(home)?.state === 'ready') return home
    for (const [to, upstream] of this.#upstreams) {
      if (to.cluster === cluster && upstream.state === 'ready') return to
    }
    return this.#known.cluster(cluster).anyBroker(id)
  }

  /** The broker that is meant, or undefined while none is known. */
  resolve(to: Destination): Destination | undefined {
    if (to.nodeId === anyBrokerId) return this.anyOf(to.cluster)
    if (to.nodeId === homeBrokerId) {
      const id = this.homeIn(to.cluster)
      return (
        (id === undefined ? undefined : this.resolve(destination(to.cluster, id))) ??
        this.anyOf(to.cluster)
      )
    }
    return this.#known.cluster(to.cluster).topology.brokers.has(to.nodeId) ? to : undefined
  }

  connectedTo(to: Destination): Upstream | undefined {
    return this.#upstreams.get(to)
  }

  get connected(): Iterable<Upstream> {
    return this.#upstreams.values()
  }

  /** The connection to a known broker, which may still be opening. */
  connect(to: Destination): Upstream {
    let upstream = this.#upstreams.get(to)
    if (upstream === undefined || upstream.state === 'closed') {
      const cluster = this.#known.cluster(to.cluster)
      upstream = cluster.open(this.#owner, to, cluster.identity ?? this.identity)
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
