import {
  emptyTopology,
  learnMetadata,
  type MetadataScope,
  type Topology,
} from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import { nodeId, type ClusterName, type NodeId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import { apis, errorCodes, type MetadataResponse } from '../protocol/index.ts'
import {
  destination,
  type CoordinatorKind,
  type Destination,
  type Fact,
  type OfferedFeatures,
} from '../router/index.ts'
import { upstreamTlsOptions, type ClusterTls } from '../security/index.ts'
import type { BufferPool } from './buffers.ts'
import { askVersions, OfferedVersions, type BrokerVersions } from './broker-versions.ts'
import { ClusterWatch, type WatchedCluster } from './cluster-watch.ts'
import { Coordinators } from './coordinators.ts'
import type { Server, ServerAddress } from './server.ts'
import { addressOf } from './transport.ts'
import { logIn, type Identity } from './upstream-login.ts'
import { asCutoverError, Upstream, type UpstreamOwner } from './upstream.ts'

export interface ClusterClientOptions {
  readonly name: ClusterName
  readonly bootstrapServers: readonly ServerAddress[]
  readonly tls: ClusterTls | null
  readonly identity: Identity
  readonly limits: ClusterLimits
  readonly pool: BufferPool
  readonly observer: Observer
  readonly log: Log
  readonly clientVersion: string
  /** The topology or the versions are new. */
  readonly changed: () => void
}

export interface ClusterLimits {
  readonly rewrittenResponseBytesMax: number
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly topologyAgeMsMax: number
}

/** How soon a topic may be asked for again. */
const leadersIntervalMsMin = 500
/** How long a broker that could not be reached is passed over when any broker will do. */
const failureMemoryMs = 1_000

/** Everything the sidecar knows of one cluster, and how it comes to know it. */
export class ClusterClient implements WatchedCluster {
  readonly name: ClusterName
  topology: Topology = emptyTopology
  /** By node id; -1 while only a bootstrap server was asked. */
  readonly versions = new OfferedVersions()
  readonly #options: ClusterClientOptions
  readonly #watch: ClusterWatch
  readonly #coordinators = new Coordinators()
  readonly #failedAt = new Map<NodeId, number>()
  /** Brokers that were away: they may have come back as another version. */
  readonly #suspect = new Set<NodeId | -1>()
  /** When topics without a known leader were last asked for, oldest first. */
  readonly #leadersAskedAt = new Map<string, number>()
  /** The last credentials an application logged in with, where the cluster has none of its own. */
  #borrowed: Identity = null

  constructor(options: ClusterClientOptions) {
    this.name = options.name
    this.#options = options
    this.#watch = new ClusterWatch(this, {
      bootstrapServers: options.bootstrapServers,
      answerTimeoutMs: options.limits.answerTimeoutMs,
      topologyAgeMsMax: options.limits.topologyAgeMsMax,
      log: options.log,
    })
  }

  /** The cluster has told its brokers and what they offer. */
  get discovered(): boolean {
    return this.topology.brokers.size > 0
  }

  get identity(): Identity {
    return this.#options.identity
  }

  get features(): OfferedFeatures {
    return this.versions.features
  }

  /** The bootstrap servers, for messages. */
  get servers(): string {
    return this.#options.bootstrapServers.map(({ host, port }) => addressOf(host, port)).join(', ')
  }

  /** The cluster is not needed any more: that it goes away is no trouble, and nobody looks for it. */
  retire(): void {
    this.#watch.retire()
  }

  start(): void {
    this.#watch.start()
  }

  stop(): void {
    this.#watch.stop()
  }

  /** Opens a connection to a broker, logged in as `identity`. */
  open(owner: UpstreamOwner, to: Destination | Server, identity: Identity): Upstream {
    const { nodeId } = to
    const address = 'host' in to ? to : this.addressOf(to.nodeId)
    const options = this.#options
    const upstream = new Upstream(owner, {
      cluster: this.name,
      address,
      tls: options.tls === null ? undefined : upstreamTlsOptions(options.tls, address),
      greet: async (opened) => {
        const key = nodeId ?? -1
        if (!this.versions.has(key) || this.#suspect.has(key)) {
          this.#learnVersions(key, await askVersions(opened, options.clientVersion))
        }
        if (identity !== null) await logIn(opened, identity)
      },
      answerBytesMax: options.limits.rewrittenResponseBytesMax,
      pool: options.pool,
      observer: options.observer,
    })
    const timer = setTimeout(() => {
      upstream.close(
        new CutoverError(
          'upstream_connect',
          `${upstream.peer} did not let us in within ${options.limits.connectTimeoutMs} ms (limits.connectTimeout)`,
        ),
      )
    }, options.limits.connectTimeoutMs)
    upstream.opened.then(
      () => clearTimeout(timer),
      (error: unknown) => {
        clearTimeout(timer)
        const failure = asCutoverError(error, 'upstream_connect')
        if (nodeId !== undefined && failure.kind !== 'auth_upstream') this.noteFailure(nodeId)
        if (this.#watch.retired) return
        options.observer.failed(failure.kind)
        options.log.warn(
          { cluster: this.name, nodeId, peer: upstream.peer, err: failure.message },
          'a broker could not be used',
        )
      },
    )
    return upstream
  }

  /** The same, for the sidecar itself. */
  openOwn(to: Destination | Server, identity = this.#identity): Upstream {
    return this.open(ownConnection, to, identity)
  }

  addressOf(nodeId: NodeId): ServerAddress {
    const broker = this.topology.brokers.get(nodeId)
    if (broker === undefined) {
      throw new CutoverError('upstream_connect', `broker ${nodeId} of ${this.name} is not known`)
    }
    return broker
  }

  /** A broker that any request may go to: `preferred` unless it just failed. */
  anyBroker(preferred: NodeId | undefined): Destination | undefined {
    const now = performance.now()
    const usable = (id: NodeId): boolean =>
      this.topology.brokers.has(id) && now - (this.#failedAt.get(id) ?? -Infinity) > failureMemoryMs
    if (preferred !== undefined && usable(preferred)) return destination(this.name, preferred)
    const ids = [...this.topology.brokers.keys()]
    const id =
      ids.find(usable) ?? (preferred !== undefined && ids.includes(preferred) ? preferred : ids[0])
    return id === undefined ? undefined : destination(this.name, id)
  }

  noteFailure(nodeId: NodeId): void {
    this.#failedAt.set(nodeId, performance.now())
    this.#suspect.add(nodeId)
    this.#coordinators.forgetBroker(nodeId)
    void this.refresh()
  }

  coordinator(of: CoordinatorKind, key: string): Destination | undefined {
    const id = this.#coordinators.of(of, key)
    if (id === undefined || !this.topology.brokers.has(id)) return undefined
    return destination(this.name, id)
  }

  /** Logs in anew on a connection in use; no other request may be sent until it resolves. */
  renewLogin(upstream: Upstream, identity: Identity): Promise<void> {
    const as = this.#options.identity ?? identity
    if (as === null) return Promise.resolve()
    upstream.renewing ??= logIn(upstream, as)
      .catch((error: unknown) => {
        upstream.close(asCutoverError(error, 'auth_upstream'))
        throw error
      })
      .finally(() => {
        upstream.renewing = undefined
      })
    return upstream.renewing
  }

  /** Resolves if the cluster lets `identity` in. */
  async tryLogin(identity: NonNullable<Identity>): Promise<void> {
    const [known] = this.topology.brokers.values()
    const server = known ?? this.#options.bootstrapServers[0]
    if (server === undefined) return
    const upstream = this.openOwn(server, identity)
    try {
      await upstream.opened
    } finally {
      upstream.end()
    }
  }

  /** The applications' credentials also open the sidecar's own connections where it has none. */
  lend(identity: Identity): void {
    if (this.#options.identity !== null || identity === null) return
    const first = this.#borrowed === null
    this.#borrowed = identity
    if (first) void this.refresh(true)
  }

  learn(fact: Fact): void {
    switch (fact.kind) {
      case 'metadata':
        this.#learnMetadata(fact.answer, fact.scope)
        return
      case 'coordinator':
        this.#coordinators.learn(fact.of, fact.key, fact.nodeId)
        return
      case 'leaders-moved':
        void this.refresh()
    }
  }

  /** Whether it makes sense to ask: a topic that does not exist is not asked for again and again. */
  mayAskLeaders(topics: readonly string[]): boolean {
    const now = performance.now()
    for (const [topic, askedAt] of this.#leadersAskedAt) {
      if (now - askedAt < leadersIntervalMsMin) break
      this.#leadersAskedAt.delete(topic)
    }
    return topics.every((topic) => !this.#leadersAskedAt.has(topic))
  }

  /** Asks, over a session's connection, who leads these topics. */
  async askLeaders(through: Upstream, topics: readonly string[]): Promise<void> {
    const api = apis.metadata
    // A topic id that nobody has told the name of: only the whole list can tell.
    if (topics.length === 0) return this.refresh()
    for (const topic of topics) {
      this.#leadersAskedAt.delete(topic)
      this.#leadersAskedAt.set(topic, performance.now())
    }
    const version = this.version(api.key, 12)
    const answer = await through.request(api, version, {
      topics: topics.map((name) => ({ name })),
      allowAutoTopicCreation: false,
    })
    this.#learnMetadata(answer, 'asked-topics')
  }

  /** Asks, over a session's connection, who coordinates. What is not known stays unknown. */
  async askCoordinators(
    through: Upstream,
    of: CoordinatorKind,
    keys: readonly string[],
  ): Promise<void> {
    const api = apis.findCoordinator
    const version = this.version(api.key, 3)
    for (const key of keys) {
      const keyType = of === 'group' ? 0 : 1
      const answer = await through.request(api, version, version === 0 ? { key } : { key, keyType })
      if (answer.errorCode !== 0) continue
      this.learn({ kind: 'coordinator', of, key, nodeId: nodeId(answer.nodeId) })
    }
  }

  /** Whether every broker asked so far offers an API. */
  offers(apiKey: number): boolean {
    return this.versions.offers(apiKey)
  }

  /** Whether the last attempt to ask the cluster who it is failed. */
  get unreachable(): boolean {
    return this.#watch.failing
  }

  forgetCoordinator(of: CoordinatorKind, key: string): void {
    this.#coordinators.forget(of, key)
  }

  /** The highest version, at most `known`, that every broker asked so far offers. */
  version(apiKey: number, known: number): number {
    return this.versions.highest(apiKey, known)
  }

  /** Asks the cluster who it is now. Calls in quick succession share one answer. */
  refresh(now = false): Promise<void> {
    return this.#watch.refresh(now)
  }

  get #identity(): Identity {
    return this.#options.identity ?? this.#borrowed
  }

  #learnVersions(key: NodeId | -1, versions: BrokerVersions): void {
    this.#suspect.delete(key)
    this.versions.set(key, versions)
    this.#options.changed()
  }

  #learnMetadata(answer: MetadataResponse, scope: MetadataScope): void {
    if (answer.errorCode === errorCodes.REBOOTSTRAP_REQUIRED) return
    const next = learnMetadata(this.topology, answer, scope)
    if (next === this.topology) return
    this.topology = next
    // A broker that left does not hold the others back; a bootstrap server is one of those known now.
    for (const id of this.versions.keys()) {
      if (id === -1 || !next.brokers.has(id)) this.versions.delete(id)
    }
    this.#options.changed()
  }
}

const ownConnection: UpstreamOwner = {
  downstream: null,
  isTurn: () => true,
  isLate: () => false,
  isNext: () => false,
  streamed() {},
  collected() {},
  finished() {},
  fetchSession() {},
  upstreamClosed() {},
  broke(error) {
    throw error
  },
}
