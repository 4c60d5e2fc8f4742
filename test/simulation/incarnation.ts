import { emptyTopology, type Topology } from '../../src/cluster/index.ts'
import { CutoverError } from '../../src/errors.ts'
import type { ClusterName } from '../../src/ids.ts'
import type { Log } from '../../src/log.ts'
import type { Cluster } from '../../src/migrator/cluster.ts'
import type { DataPlane } from '../../src/migrator/data-plane.ts'
import type { OwnCluster } from '../../src/migrator/groups/index.ts'
import type { Journal } from '../../src/migrator/journal/index.ts'
import { Groups } from '../../src/proxy/groups.ts'
import { GrowthSignals } from '../../src/proxy/growth.ts'
import {
  apis,
  decodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import {
  nextTable,
  noFeatures,
  noView,
  readAs,
  Retained,
  SequenceBases,
  type Entry,
  type RequestFrame,
  type RoutingTable,
  type View,
} from '../../src/router/index.ts'
import type { SimCluster } from './cluster.ts'
import type { LinkEnd } from './link.ts'
import { Migration } from './migration.ts'
import { MovedReadings } from '../../src/proxy/readings.ts'
import type { Scheduler } from './scheduler.ts'
import { SimSession } from './session.ts'
import type { SimTopic } from './topics.ts'

export const shortFetchWaitMs = 100
const metadataMs = 500

export interface SidecarOptions {
  readonly scheduler: Scheduler
  readonly clusters: Readonly<Record<ClusterName, SimCluster>>
  /** What outlives the process. */
  readonly entries: Entry[]
  readonly beginsAtZero: boolean
  readonly topics: readonly SimTopic[]
  /** What applications call themselves (KIP-511). */
  readonly software: string
  /** Topics whose records were held. */
  readonly held: Set<string>
  readonly journaled: (entry: Entry) => void
  /** How often one of our own requests is lost. */
  readonly lostAnswers: () => number
}

const silent: Log = {
  level: 'silent',
  fatal() {},
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
} as unknown as Log

/** One process of the sidecar, from its start to its crash: a thin src/proxy/proxy.ts, and its migration. */
export class Incarnation implements DataPlane {
  readonly options: SidecarOptions
  readonly scheduler: Scheduler
  readonly log = silent
  readonly sessions = new Set<SimSession>()
  readonly acked = new Map<string, bigint>()
  readonly retained = new Retained()
  readonly bases = new SequenceBases()
  readonly groups = new Groups(() => this.table)
  readonly growth: GrowthSignals
  readonly readings: MovedReadings
  readonly doors: Readonly<Record<ClusterName, Door>>
  readonly migration: Migration
  dead = false
  table: RoutingTable
  tableChanged: Promise<void> = Promise.resolve()
  #tell: () => void = () => {}
  #view: View = { ...noView, hasTarget: true }

  constructor(options: SidecarOptions) {
    this.options = options
    this.scheduler = options.scheduler
    const { source, target } = options.clusters
    this.doors = { source: new Door(source, this), target: new Door(target, this) }
    this.readings = new MovedReadings(
      (cluster) => this.doors[cluster],
      () => false,
      this.scheduler.now,
    )
    this.growth = new GrowthSignals(() => this.table, this.scheduler.now)
    this.bases.active = options.beginsAtZero
    this.table = this.#nextTable(undefined)
    this.migration = new Migration(this)
    void this.#follow()
  }

  cluster(name: ClusterName): SimCluster {
    return this.options.clusters[name]
  }

  accept(client: LinkEnd): SimSession {
    const session = new SimSession(this, client)
    this.sessions.add(session)
    return session
  }

  /** From here on nothing of this process happens any more. */
  crash(): void {
    this.dead = true
    for (const session of [...this.sessions]) session.close()
  }

  /** Never resolves in a dead process. */
  async sleep(ms: number): Promise<void> {
    await this.scheduler.sleep(ms)
    if (this.dead) await new Promise<never>(() => {})
  }

  /** Durable some time before it is known to be. */
  journal(): Journal {
    const { entries } = this.options
    return {
      entries,
      append: async (entry) => {
        await this.sleep(this.scheduler.random.next() * 3)
        entries.push(entry)
        this.options.journaled(entry)
        this.scheduler.note(`journal: ${described(entry)}`)
        await this.sleep(this.scheduler.random.next() * 3)
      },
      close: () => Promise.resolve(),
    }
  }

  show(view: View): void {
    if (!view.shortFetches) this.acked.clear()
    this.#view = view
    this.retry()
  }

  retry(): void {
    this.table = this.#nextTable(this.table)
    const tell = this.#tell
    this.tableChanged = new Promise((resolve) => (this.#tell = resolve))
    tell()
  }

  /** `Proxy.produced` */
  async produced(): Promise<boolean> {
    const outcomes = [...this.sessions].map((session) => session.producing())
    while (outcomes.some((outcome) => outcome() === 'pending')) await this.sleep(2)
    await Promise.all([...this.sessions].map((session) => session.flushUnanswered()))
    return outcomes.every((outcome) => outcome() === 'resolved')
  }

  get ackedEnds(): ReadonlyMap<string, bigint> {
    return this.acked
  }

  get longFetches(): number {
    let count = 0
    for (const session of this.sessions) count += session.fetchesLongerThan(shortFetchWaitMs)
    return count
  }

  endHeld(): void {}
  endOutdated(): void {}

  /** Counted by sessions that end. */
  lostProduces = 0
  /** Everybody here is a member of a group. */
  readonly reading = []

  readers(topic: string, partition: number) {
    const timeline = readAs(this.table.topics.get(topic), partition)
    return timeline === null ? [] : this.readings.readers(timeline)
  }

  heldProduce({ version, frame, bodyOffset }: RequestFrame): void {
    const { topicData } = decodeRequest(apis.produce, version, frame, bodyOffset)
    for (const { name } of topicData) this.options.held.add(name)
  }

  /** Applications ask for Metadata when they are refused, and what they are told is learned. */
  async #follow(): Promise<never> {
    for (;;) {
      await this.sleep(metadataMs)
      await Promise.all([this.doors.source.refresh(), this.doors.target.refresh()])
    }
  }

  /** Somebody was told so: both clusters are asked anew. */
  leadersMoved(): void {
    for (const door of Object.values(this.doors)) void door.refresh()
  }

  #nextTable(previous: RoutingTable | undefined): RoutingTable {
    return nextTable(previous, {
      source: this.doors.source.topology,
      target: this.doors.target.topology,
      view: this.#view,
      virtualBrokers: [],
      advertised: { host: 'localhost', bootstrapPort: 9092 },
      offered: new Map(),
      features: noFeatures,
    })
  }
}

const described = (entry: Entry): string => {
  if (entry.kind !== 'splice' || entry.starts !== undefined)
    return JSON.stringify(entry, (_, v: unknown) => readable(v))
  const at = entry.partitions.map(({ partition, end, start }) => `${partition}: ${end}->${start}`)
  return `splice ${at.join(', ')}`
}

const readable = (value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/** A cluster as the sidecar asks it for itself (src/proxy/cluster-door.ts): late, and sometimes in vain. */
export class Door implements Cluster {
  readonly #cluster: SimCluster
  readonly #owner: Incarnation
  #topology: Topology

  constructor(cluster: SimCluster, owner: Incarnation) {
    this.#cluster = cluster
    this.#owner = owner
    this.#topology = cluster.off ? emptyTopology : cluster.topology
  }

  get name(): ClusterName {
    return this.#cluster.name
  }

  get topology(): Topology {
    return this.#topology
  }

  async refresh(): Promise<void> {
    await this.#delay()
    const found = this.#cluster.topology
    await this.#delay()
    if (this.#cluster.off) return
    this.#topology = found
    this.#owner.retry()
  }

  version(_apiKey: number, known: number): number {
    return known
  }

  forgetCoordinator(): void {}

  /** Connections of its own. */
  opened(): OwnCluster {
    return Object.assign(new Door(this.#cluster, this.#owner), { close() {} })
  }

  async ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    asked: Parameters<Cluster['ask']>[3],
  ): Promise<Decoded<S>> {
    await this.#delay()
    const { options, scheduler } = this.#owner
    const isLost = scheduler.random.chance(options.lostAnswers())
    const isHandled = !this.#cluster.off && (!isLost || scheduler.random.chance(0.5))
    const lost = () => new CutoverError('upstream_closed', `the ${this.name} closed the connection`)
    if (!isHandled) throw lost()
    this.#cluster.askedAs(typeof asked === 'object' && 'nodeId' in asked ? asked.nodeId : 1)
    const answer = await this.#cluster.ask(api, version, body)
    await this.#delay()
    if (isLost) throw lost()
    return answer
  }

  #delay(): Promise<void> {
    return this.#owner.sleep(this.#owner.scheduler.random.next() * 2)
  }
}
