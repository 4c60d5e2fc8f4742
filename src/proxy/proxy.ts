import { assert } from '../assert.ts'
import { emptyTopology, type VirtualBroker } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import type { ClusterName, NodeId } from '../ids.ts'
import { rateLimited, type Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import {
  nextTable,
  noView,
  readAs,
  Retained,
  SequenceBases,
  type RoutingTable,
  type View,
} from '../router/index.ts'
import type { ClusterTls, ListenerTls, LocalUsers } from '../security/index.ts'
import { BufferPool } from './buffers.ts'
import { ClusterClient, type ClusterLimits } from './cluster-client.ts'
import { ClusterDoor } from './cluster-door.ts'
import type { SessionContext, SessionLimits } from './context.ts'
import { Discovery } from './discovery.ts'
import { shortFetchWaitMs } from './fetch-requests.ts'
import { Groups } from './groups.ts'
import { GrowthSignals } from './growth.ts'
import { Listeners } from './listeners.ts'
import { beginsAtZero, offeredFeatures, offeredVersions } from './offer.ts'
import { MovedReadings, type Reader } from './readings.ts'
import type { ServerAddress } from './server.ts'
import { Sessions } from './sessions.ts'
import type { Reading } from './topics-read.ts'
import { addressOf } from './transport.ts'
import type { Identity } from './upstream-login.ts'
import { VirtualBrokers } from './virtual-brokers.ts'

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

/** The sidecar's data plane: listeners, sessions, and what is known of the clusters. */
export class Proxy {
  readonly source: ClusterClient
  readonly target: ClusterClient | null
  readonly #options: ProxyOptions
  readonly #context: SessionContext
  readonly #listeners: Listeners
  readonly #virtualBrokers: VirtualBrokers
  readonly #sessions: Sessions
  readonly #discovery = new Discovery()
  readonly #doors = new Map<ClusterName, ClusterDoor>()
  #view: View
  #table: RoutingTable
  #tableReplaced: Promise<void> = Promise.resolve()
  #tellReplaced: () => void = () => {}
  #stopping = false

  constructor(options: ProxyOptions) {
    this.#options = options
    const { listen, limits, observer } = options
    const log = rateLimited(options.log)
    const pool = new BufferPool(limits.bufferedBytesMax)
    const client = (name: ClusterName, cluster: ClusterOptions): ClusterClient =>
      new ClusterClient({
        name,
        ...cluster,
        limits,
        pool,
        observer,
        log,
        clientVersion: options.version,
        changed: () => this.#changed(),
      })
    this.source = client('source', options.source)
    this.target = options.target === null ? null : client('target', options.target)
    this.#listeners = new Listeners({
      host: listen.host,
      port: listen.port,
      tls: listen.tls,
      handshakeTimeoutMs: limits.connectTimeoutMs,
      observer,
      log,
      accept: (slot, socket) => this.#sessions.accept(slot, socket),
    })
    this.#virtualBrokers = new VirtualBrokers({
      source: this.source,
      target: this.target,
      listeners: this.#listeners,
      known: options.virtualBrokers.known,
      keep: (brokers) => options.virtualBrokers.keep(brokers),
      observer,
      log,
      opened: () => this.#replaceTable(),
      settled: () => this.#tellDiscovered(),
    })
    this.#view = { ...noView, hasTarget: this.target !== null }
    this.#table = this.#nextTable(undefined)
    this.#context = {
      table: () => this.#table,
      home: () => this.#home,
      cluster: (name) => this.cluster(name),
      tableChanged: () => this.#tableReplaced,
      groups: new Groups(() => this.#table),
      growth: new GrowthSignals(() => this.#table),
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
      login: { users: listen.users },
      limits,
      pool,
      observer,
      log,
    }
    this.#sessions = new Sessions(this.#context, limits.connectionsMax)
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
    const timeline = readAs(this.#table.topics.get(topic), partition)
    return timeline === null ? [] : this.#context.readings.readers(timeline)
  }

  /** Who has asked for records of which topics lately, while nothing has moved. */
  get reading(): readonly Reading[] {
    return this.#sessions.reading
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
   * Resolves when everything that was being produced when this was called has been answered or has failed.
   * @returns whether nothing of it will be sent again
   */
  produced(): Promise<boolean> {
    return this.#sessions.produced()
  }

  /** Lets those clients connect anew who were offered versions that the target does not have. */
  endOutdated(): void {
    this.#sessions.endOutdated()
  }

  /** Behind the highest offset acknowledged since the fence was prepared, by `partitionKey`. */
  get ackedEnds(): ReadonlyMap<string, bigint> {
    return this.#context.acked
  }

  /** Closes the connections of those who are held: they come back, and are held again. */
  endHeld(): void {
    this.#sessions.endHeld()
  }

  /** How many requests wait for a splice to be decided. */
  get heldRequests(): number {
    return this.#sessions.holding
  }

  /** How many connections have ended so far under something that was being produced. */
  get lostProduces(): number {
    return this.#sessions.lostProduces
  }

  /** How many Fetches wait at brokers that were sent before `shortFetches`. */
  get longFetches(): number {
    return this.#sessions.fetchesLongerThan(shortFetchWaitMs)
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
    const address = (cluster: ClusterClient | null, id: NodeId | null): string | null => {
      const broker = id === null ? undefined : cluster?.topology.brokers.get(id)
      return broker === undefined ? null : addressOf(broker.host, broker.port)
    }
    return [
      {
        slot: 0,
        address: this.#listeners.addressOf(0),
        nodeId: null,
        home: { source: null, target: null },
      },
      ...this.#table.virtualBrokers.map(({ slot, nodeId, target }) => ({
        slot,
        address: this.#listeners.addressOf(slot),
        nodeId,
        home: { source: address(this.source, nodeId), target: address(this.target, target) },
      })),
    ]
  }

  /** Opens the bootstrap port, then looks for the source. Rejects if the port cannot be opened. */
  async start(): Promise<void> {
    await this.#listeners.open(0)
    this.source.start()
    this.target?.start()
    this.#sessions.start()
  }

  /** Accepts no more, lets what is in flight finish, then closes. */
  async stop(): Promise<void> {
    this.#stopping = true
    const closed = this.#listeners.close()
    await this.#sessions.drain(this.#options.limits.shutdownTimeoutMs)
    this.#listeners.cutHandshakes()
    await closed
    for (const door of this.#doors.values()) door.close()
    this.source.stop()
    this.target?.stop()
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
    return this.#virtualBrokers.everyOneListens
      ? { ok: true }
      : { ok: false, reason: 'a virtual broker does not listen yet' }
  }

  #changed(): void {
    if (this.#stopping) return
    this.#virtualBrokers.grow()
    if (this.target !== null) this.#context.bases.active = beginsAtZero(this.target)
    this.#replaceTable()
    this.#tellDiscovered()
  }

  #replaceTable(): void {
    this.#table = this.#nextTable(this.#table)
    const tell = this.#tellReplaced
    this.#tableReplaced = new Promise((resolve) => (this.#tellReplaced = resolve))
    tell()
  }

  #nextTable(previous: RoutingTable | undefined): RoutingTable {
    const { advertisedHost, port } = this.#options.listen
    return nextTable(previous, {
      source: this.source.topology,
      target: this.target?.topology ?? emptyTopology,
      view: this.#view,
      virtualBrokers: this.#virtualBrokers.listening,
      advertised: { host: advertisedHost, bootstrapPort: port },
      offered: offeredVersions(this.source, this.target),
      features: offeredFeatures(this.#home),
    })
  }

  #tellDiscovered(): void {
    if (this.#table.offered.size > 0) this.#discovery.tell()
  }

  /** Waits, bounded, for the next thing to become known of the cluster. */
  #discovered(): Promise<void> {
    const { connectTimeoutMs } = this.#options.limits
    return this.#discovery.wait(connectTimeoutMs, () => {
      const { home } = this.#view
      return new CutoverError(
        'upstream_connect',
        `the ${home} did not answer within ${connectTimeoutMs} ms: is ${this.#home.servers} right, and does it want a login (${home}.sasl)?`,
      )
    })
  }

  async #settled(nodeIds: readonly NodeId[]): Promise<void> {
    if (nodeIds.some((id) => !this.source.topology.brokers.has(id))) await this.source.refresh()
    await this.#virtualBrokers.settled(nodeIds)
  }
}
