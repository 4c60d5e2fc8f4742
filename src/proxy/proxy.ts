import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { assert } from '../assert.ts'
import {
  emptyTopology,
  growVirtualBrokers,
  intersect,
  type VirtualBroker,
} from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import type { ClusterName, NodeId, SlotNumber } from '../ids.ts'
import { rateLimited, type Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import { apiByKey, apis } from '../protocol/index.ts'
import {
  nextTable,
  noFeatures,
  noView,
  Retained,
  SequenceBases,
  routedVersions,
  type OfferedFeatures,
  type RoutingTable,
  type View,
} from '../router/index.ts'
import {
  type ClusterTls,
  explainTls,
  listenerTlsOptions,
  type ListenerTls,
  type LocalUsers,
} from '../security/index.ts'
import { BufferPool } from './buffers.ts'
import { ClusterClient, type ClusterLimits } from './cluster-client.ts'
import { ClusterDoor } from './cluster-door.ts'
import type { SessionContext, SessionLimits } from './context.ts'
import { Groups } from './groups.ts'
import { MovedReadings, type Reader } from './readings.ts'
import { shortFetchWaitMs } from './fetch-requests.ts'
import type { ServerAddress } from './server.ts'
import { Session } from './session.ts'
import {
  acceptedTlsTransport,
  acceptedTransport,
  addressOf,
  type Transport,
  type TransportOwner,
} from './transport.ts'
import type { Identity } from './upstream-login.ts'

export interface ClusterOptions {
  readonly bootstrapServers: readonly ServerAddress[]
  readonly tls: ClusterTls | null
  readonly identity: Identity
}

export interface ProxyOptions {
  readonly source: ClusterOptions
  /** Null: everything passes to the source. */
  readonly target: ClusterOptions | null
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly advertisedHost: string
    readonly tls: ListenerTls | null
    readonly users: LocalUsers | null
  }
  readonly limits: SessionLimits &
    ClusterLimits & {
      readonly connectionsMax: number
      readonly bufferedBytesMax: number
      readonly shutdownTimeoutMs: number
    }
  readonly version: string
  readonly observer: Observer
  readonly log: Log
  /** The numbers that virtual brokers had before, and where they are kept. */
  readonly virtualBrokers: {
    readonly known: readonly VirtualBroker[]
    keep(brokers: readonly VirtualBroker[]): void
  }
}

/** A virtual broker as operators see it. */
export interface ListenerStatus {
  readonly slot: number
  readonly address: string
  readonly nodeId: number | null
  readonly home: { readonly source: string | null; readonly target: string | null }
}

const sweepIntervalMs = 1_000
const producedPollMs = 2

/** The sidecar's data plane: listeners, sessions, and what is known of the clusters. */
export class Proxy {
  readonly source: ClusterClient
  readonly target: ClusterClient | null
  readonly #options: ProxyOptions
  readonly #context: SessionContext
  readonly #listeners = new Map<SlotNumber | 0, net.Server>()
  readonly #opening = new Map<SlotNumber, Promise<void>>()
  readonly #sessions = new Set<Session>()
  /** What lies under TLS, from before its handshake on. */
  readonly #tlsSockets = new Set<net.Socket>()
  readonly #log: Log
  #table: RoutingTable
  #virtualBrokers: readonly VirtualBroker[]
  /** The virtual brokers that listen. */
  readonly #open = new Set<SlotNumber>()
  #sessionCount = 0
  #sweeper: NodeJS.Timeout | undefined
  #discoveredWaiters: (() => void)[] = []
  #view: View
  #tableReplaced: Promise<void> = Promise.resolve()
  #tellReplaced: () => void = () => {}
  readonly #doors = new Map<ClusterName, ClusterDoor>()
  #stopping = false

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#log = rateLimited(options.log)
    this.#virtualBrokers = options.virtualBrokers.known
    const pool = new BufferPool(options.limits.bufferedBytesMax)
    const client = (name: ClusterName, cluster: ClusterOptions): ClusterClient =>
      new ClusterClient({
        name,
        ...cluster,
        limits: options.limits,
        pool,
        observer: options.observer,
        log: this.#log,
        clientVersion: options.version,
        changed: () => this.#changed(),
      })
    this.source = client('source', options.source)
    this.target = options.target === null ? null : client('target', options.target)
    this.#view = { ...noView, hasTarget: this.target !== null }
    this.#table = this.#nextTable(undefined)
    this.#context = {
      table: () => this.#table,
      home: () => this.#home,
      cluster: (name) => this.cluster(name),
      tableChanged: () => this.#tableReplaced,
      groups: new Groups(() => this.#table),
      acked: new Map(),
      retained: new Retained(),
      bases: new SequenceBases(),
      readings: new MovedReadings(
        (name) => this.#door(name),
        (name) =>
          this.#view.home !== name && this.#view.everyTopic && this.cluster(name).unreachable,
      ),
      discovered: () => this.#discovered(),
      settled: (nodeIds) => this.#settled(nodeIds),
      login: { users: options.listen.users },
      limits: options.limits,
      pool,
      observer: options.observer,
      log: this.#log,
    }
  }

  get #home(): ClusterClient {
    return this.cluster(this.#view.home)
  }

  cluster(name: ClusterName): ClusterClient {
    const client = name === 'source' ? this.source : this.target
    assert(client !== null, 'the target is asked where none is configured')
    return client
  }

  /** Connections to a cluster for somebody who asks it on the sidecar's own behalf. */
  openDoor(name: ClusterName): ClusterDoor {
    return new ClusterDoor(this.cluster(name))
  }

  #door(name: ClusterName): ClusterDoor {
    const door = this.#doors.get(name) ?? this.openDoor(name)
    this.#doors.set(name, door)
    return door
  }

  /** What is taken off sequence numbers, for targets that want each producer to begin at 0. */
  get bases(): SequenceBases {
    return this.#context.bases
  }

  /** What the source holds of producers that may send it again. */
  get retained(): Retained {
    return this.#context.retained
  }

  /** Who has asked for a partition that has moved lately, and at which virtual offset. */
  readers(topic: string, partition: number): readonly Reader[] {
    const timeline = this.#table.topics.get(topic)?.partitions[partition]?.timeline
    return timeline == null ? [] : this.#context.readings.readers(timeline)
  }

  /** Requests that wait are decided anew. */
  retry(): void {
    this.#replaceTable()
  }

  /** The groups that move, and who waits. */
  get groups(): Groups {
    return this.#context.groups
  }

  /** What the migration says now; requests that are routed from here on follow it. */
  show(view: View): void {
    if (!view.shortFetches) this.#context.acked.clear()
    this.#view = view
    if (view.home === 'target' && view.everyTopic) this.source.retire()
    this.#changed()
  }

  /**
   * Resolves when everything that was being produced when this was called has been answered or has failed,
   * what wants no answer (acks=0) included.
   * @returns whether nothing of it will be sent again
   */
  async produced(): Promise<boolean> {
    const outcomes = [...this.#sessions].map((session) => session.producing())
    while (outcomes.some((outcome) => outcome() === 'pending')) await sleep(producedPollMs)
    await Promise.all([...this.#sessions].map((session) => session.flushUnanswered()))
    return outcomes.every((outcome) => outcome() === 'resolved')
  }

  /** Lets those clients connect anew who were offered versions that the target does not have. */
  endOutdated(): void {
    for (const session of this.#sessions) if (session.outdated) session.drain()
  }

  /** Behind the highest offset acknowledged since the fence was prepared, by `partitionKey`. */
  get ackedEnds(): ReadonlyMap<string, bigint> {
    return this.#context.acked
  }

  /** Closes the connections of those who are held: they come back, and are held again. */
  endHeld(): void {
    for (const session of this.#sessions) if (session.holding) session.downstream.destroy()
  }

  /** How many requests wait for a splice to be decided. */
  get heldRequests(): number {
    let count = 0
    for (const session of this.#sessions) if (session.holding) count++
    return count
  }

  /** How many Fetches wait at brokers that were sent before `shortFetches`. */
  get longFetches(): number {
    let count = 0
    for (const session of this.#sessions) count += session.fetchesLongerThan(shortFetchWaitMs)
    return count
  }

  /** Lets go of memory that is kept for reuse. */
  trim(): void {
    this.#context.pool.trim()
  }

  get table(): RoutingTable {
    return this.#table
  }

  get connections(): number {
    return this.#sessions.size
  }

  /** What all read buffers hold together, in bytes, the smallest ones not counted. */
  get bufferedBytes(): number {
    return this.#context.pool.bytesInUse
  }

  get listeners(): readonly ListenerStatus[] {
    const { host, port } = this.#options.listen
    const address = (cluster: ClusterClient | null, id: NodeId | null): string | null => {
      const broker = id === null ? undefined : cluster?.topology.brokers.get(id)
      return broker === undefined ? null : addressOf(broker.host, broker.port)
    }
    return [
      {
        slot: 0,
        address: addressOf(host, port),
        nodeId: null,
        home: { source: null, target: null },
      },
      ...this.#table.virtualBrokers.map(({ slot, nodeId, target }) => ({
        slot,
        address: addressOf(host, port + slot),
        nodeId,
        home: { source: address(this.source, nodeId), target: address(this.target, target) },
      })),
    ]
  }

  /** Opens the bootstrap port, then looks for the source. Rejects if the port cannot be opened. */
  async start(): Promise<void> {
    await this.#listen(0)
    this.source.start()
    this.target?.start()
    this.#sweeper = setInterval(() => {
      const now = performance.now()
      for (const session of this.#sessions) session.sweep(now)
    }, sweepIntervalMs)
  }

  /** Accepts no more, lets what is in flight finish, then closes. */
  async stop(): Promise<void> {
    this.#stopping = true
    const closed = [...this.#listeners.values()].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    for (const session of this.#sessions) session.drain()
    const { shutdownTimeoutMs } = this.#options.limits
    const deadline = setTimeout(() => {
      this.#log.warn(
        { value: this.#sessions.size, limit: shutdownTimeoutMs },
        'connections were cut off: they did not finish in time',
      )
      for (const session of this.#sessions) session.downstream.destroy()
    }, shutdownTimeoutMs)
    while (this.#sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    clearTimeout(deadline)
    for (const unfinished of this.#tlsSockets) unfinished.destroy()
    await Promise.all(closed)
    clearInterval(this.#sweeper)
    for (const door of this.#doors.values()) door.close()
    this.source.stop()
    this.target?.stop()
  }

  #changed(): void {
    if (this.#stopping) return
    const grown = growVirtualBrokers(
      this.#virtualBrokers,
      this.source.topology.brokers.keys(),
      // Before the source is known, its brokers' ids are not, and they come first.
      this.source.discovered || this.#virtualBrokers.length > 0
        ? (this.target?.topology.brokers.keys() ?? [])
        : [],
    )
    if (grown !== this.#virtualBrokers) {
      this.#virtualBrokers = grown
      this.#options.virtualBrokers.keep(grown)
    }
    for (const broker of grown) {
      if (!this.#isLive(broker) || this.#opening.has(broker.slot)) continue
      this.#opening.set(broker.slot, this.#openVirtualBroker(broker))
    }
    if (this.target !== null) this.#context.bases.active = beginsAtZero(this.target)
    this.#replaceTable()
    this.#wakeDiscovered()
  }

  /** Whether a virtual broker has a home in any cluster. */
  #isLive({ nodeId, target }: VirtualBroker): boolean {
    if (this.source.topology.brokers.has(nodeId)) return true
    return target !== null && this.target?.topology.brokers.has(target) === true
  }

  #replaceTable(): void {
    this.#table = this.#nextTable(this.#table)
    const tell = this.#tellReplaced
    this.#tableReplaced = new Promise((resolve) => (this.#tellReplaced = resolve))
    tell()
  }

  async #openVirtualBroker(broker: VirtualBroker): Promise<void> {
    try {
      await this.#listen(broker.slot)
      if (this.#stopping) this.#listeners.get(broker.slot)?.close()
      this.#open.add(broker.slot)
      this.#replaceTable()
    } catch (error) {
      const { host, port } = this.#options.listen
      this.#options.observer.failed('accept_failed')
      this.#log.error(
        { nodeId: broker.nodeId, peer: addressOf(host, port + broker.slot), err: error },
        'a virtual broker cannot listen: clients will not reach its partitions by the shortest way',
      )
    } finally {
      this.#wakeDiscovered()
    }
  }

  /** The virtual brokers that clients can be told of; the same array while they are the same. */
  #listening(previous: RoutingTable | undefined): readonly VirtualBroker[] {
    const listening = this.#virtualBrokers.filter(({ slot }) => this.#open.has(slot))
    const before = previous?.virtualBrokers
    const same =
      before?.length === listening.length && listening.every((broker, i) => broker === before[i])
    return same ? before : listening
  }

  #nextTable(previous: RoutingTable | undefined): RoutingTable {
    const { features, versions: known } = this.#home
    const ranges = [
      ...this.source.versions.values(),
      ...(this.target?.versions.values() ?? []),
    ].map((broker) => broker.ranges)
    return nextTable(previous, {
      source: this.source.topology,
      target: this.target?.topology ?? emptyTopology,
      view: this.#view,
      virtualBrokers: this.#listening(previous),
      advertised: {
        host: this.#options.listen.advertisedHost,
        bootstrapPort: this.#options.listen.port,
      },
      offered: new Map(
        [...intersect(ranges)].flatMap(([key, range]) => {
          const known = routedVersions(key, apiByKey(key)?.versions, this.target !== null)
          if (known === undefined) return []
          const min = Math.max(known.min, range.min)
          const max = Math.min(known.max, range.max)
          return min <= max ? [[key, { min, max }]] : []
        }),
      ),
      features: known.size === 0 ? noFeatures : withoutTransactionVersion(features),
    })
  }

  /** Whether clients can be served now, and if not, why. */
  get readiness(): { readonly ok: boolean; readonly reason?: string } {
    if (this.#stopping) return { ok: false, reason: 'the sidecar is stopping' }
    if (this.#table.offered.size === 0) {
      return { ok: false, reason: `the ${this.#view.home} has not answered yet` }
    }
    if (!this.#home.discovered) {
      return {
        ok: true,
        reason: `the ${this.#view.home} wants a login; its brokers are learned with the first`,
      }
    }
    return this.#everyBrokerListens
      ? { ok: true }
      : { ok: false, reason: 'a virtual broker does not listen yet' }
  }

  get #everyBrokerListens(): boolean {
    return (
      this.#home.discovered &&
      this.#table.offered.size > 0 &&
      this.#virtualBrokers.every((broker) => !this.#isLive(broker) || this.#open.has(broker.slot))
    )
  }

  #wakeDiscovered(): void {
    if (this.#discoveredWaiters.length === 0 || this.#table.offered.size === 0) return
    const waiters = this.#discoveredWaiters
    this.#discoveredWaiters = []
    for (const wake of waiters) wake()
  }

  /** Waits, bounded, for the next thing to become known of the cluster. */
  #discovered(): Promise<void> {
    const { connectTimeoutMs } = this.#options.limits
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new CutoverError(
            'upstream_connect',
            `the ${this.#view.home} did not answer within ${connectTimeoutMs} ms: is ${this.#home.servers} right, and does it want a login (${this.#view.home}.sasl)?`,
          ),
        )
      }, connectTimeoutMs)
      this.#discoveredWaiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async #settled(nodeIds: readonly NodeId[]): Promise<void> {
    if (nodeIds.some((id) => !this.source.topology.brokers.has(id))) await this.source.refresh()
    const slots = this.#virtualBrokers.filter(({ nodeId }) => nodeIds.includes(nodeId))
    await Promise.all(slots.map(({ slot }) => this.#opening.get(slot) ?? Promise.resolve()))
  }

  #listen(slot: SlotNumber | 0): Promise<void> {
    const { host, port, tls: tlsConfig } = this.#options.listen
    const handshakeTimeout = this.#options.limits.connectTimeoutMs
    const server =
      tlsConfig === null
        ? net.createServer({ pauseOnConnect: true }, (socket) => this.#accept(slot, socket))
        : tls
            .createServer({ ...listenerTlsOptions(tlsConfig), handshakeTimeout }, (socket) => {
              this.#accept(slot, socket)
            })
            .on('connection', (socket: net.Socket) => {
              this.#tlsSockets.add(socket)
              socket.once('close', () => this.#tlsSockets.delete(socket))
            })
            .on('tlsClientError', (error, socket) => {
              this.#options.observer.failed('auth_downstream')
              this.#log.warn(
                {
                  peer: addressOf(socket.remoteAddress, socket.remotePort),
                  err: explainTls(error, socket),
                },
                'an application could not open TLS',
              )
            })
    // The listeners share one limit; `maxConnections` of a server would count its own only.
    this.#listeners.set(slot, server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: port + slot, backlog: 1024 }, () => {
        server.off('error', reject)
        server.on('error', (error: Error) => {
          this.#options.observer.failed('accept_failed')
          this.#log.error({ err: error.message }, 'a connection could not be accepted')
        })
        resolve()
      })
    })
  }

  #accept(slot: SlotNumber | 0, socket: net.Socket): void {
    const { connectionsMax } = this.#options.limits
    if (this.#stopping || this.#sessions.size >= connectionsMax) {
      const peer = addressOf(socket.remoteAddress, socket.remotePort)
      socket.destroy()
      if (this.#stopping) return
      this.#options.observer.failed('connection_limit')
      this.#log.warn(
        { peer, limit: connectionsMax },
        'an application was refused: limits.connections is reached',
      )
      return
    }
    const open = (owner: TransportOwner): Transport =>
      socket instanceof tls.TLSSocket
        ? acceptedTlsTransport(socket, owner)
        : acceptedTransport(socket, owner)
    const session = new Session(++this.#sessionCount, slot, this.#context, open, (closed) => {
      this.#sessions.delete(closed)
    })
    this.#sessions.add(session)
  }
}

/**
 * Whether some broker wants each producer's first sequence number to be 0: those before 2.5 (KIP-360), which
 * is told by OffsetFetch, whose v7 came with it (KIP-447).
 */
function beginsAtZero({ versions }: ClusterClient): boolean {
  const { key } = apis.offsetFetch
  return [...versions.values()].some(({ ranges }) => (ranges.get(key)?.max ?? 7) < 7)
}

/** Transaction version 2 makes plain Produce begin transactions (KIP-890): it is never advertised. */
function withoutTransactionVersion(features: OfferedFeatures): OfferedFeatures {
  const others = (feature: { readonly name: string }): boolean =>
    feature.name !== 'transaction.version'
  return {
    supported: features.supported.filter(others),
    finalized: features.finalized.filter(others),
    finalizedEpoch: features.finalizedEpoch,
  }
}
