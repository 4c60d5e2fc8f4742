import type { Topology } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import { nodeId, type ClusterName } from '../ids.ts'
import type { Log } from '../log.ts'
import { apis, type MetadataResponse } from '../protocol/index.ts'
import type { Fact } from '../router/index.ts'
import type { OfferedVersions } from './broker-versions.ts'
import type { Server, ServerAddress } from './server.ts'
import type { Identity } from './upstream-login.ts'
import { asCutoverError, type Upstream } from './upstream.ts'

/** The cluster that is watched, and that learns what it answers. */
export interface WatchedCluster {
  readonly name: ClusterName
  readonly topology: Topology
  readonly discovered: boolean
  readonly versions: OfferedVersions
  /** Opens a connection of the sidecar's own, logged in as itself or as `identity`. */
  openOwn(to: Server, identity?: Identity): Upstream
  learn(fact: Fact): void
}

export interface ClusterWatchOptions {
  readonly bootstrapServers: readonly ServerAddress[]
  readonly answerTimeoutMs: number
  readonly topologyAgeMsMax: number
  readonly log: Log
}

/** How often a cluster may be asked who it is. */
const refreshIntervalMsMin = 500
/** How often a cluster is asked that has not answered yet. */
const discoveryIntervalMs = 1_000

/** Asks one cluster who it is, again and again, over a connection of its own. */
export class ClusterWatch {
  readonly #cluster: WatchedCluster
  readonly #options: ClusterWatchOptions
  #control: Upstream | undefined
  #refreshing: Promise<void> | undefined
  #refreshedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #failing = false
  #retired = false

  constructor(cluster: WatchedCluster, options: ClusterWatchOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#failing
  }

  /** Whether nobody needs the cluster any more. */
  get retired(): boolean {
    return this.#retired
  }

  retire(): void {
    this.#retired = true
  }

  start(): void {
    const tick = (): void => {
      if (this.#stopped) return
      const age = this.#cluster.discovered ? this.#options.topologyAgeMsMax : discoveryIntervalMs
      this.#timer = setTimeout(tick, age)
      if (!this.#retired || !this.#failing) void this.refresh()
    }
    tick()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#control?.end()
  }

  /** Asks now, or soon after the last time. Calls in quick succession share one answer. */
  refresh(now = false): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing
    const wait = now ? 0 : Math.max(0, this.#refreshedAt + refreshIntervalMsMin - performance.now())
    this.#refreshing = (
      wait > 0 ? new Promise((resolve) => setTimeout(resolve, wait)) : Promise.resolve()
    )
      .then(() => this.#refresh())
      .then(
        () => this.#answered(),
        (error: unknown) => this.#failed(asCutoverError(error, 'upstream_connect')),
      )
      .finally(() => {
        this.#refreshedAt = performance.now()
        this.#refreshing = undefined
      })
    return this.#refreshing
  }

  #answered(): void {
    if (this.#failing)
      this.#options.log.info({ cluster: this.#cluster.name }, 'a cluster answers again')
    this.#failing = false
  }

  #failed(failure: CutoverError): void {
    if (!this.#failing && !this.#retired) {
      this.#options.log.warn(
        { cluster: this.#cluster.name, err: failure.message },
        'a cluster could not be asked for its brokers',
      )
    }
    this.#failing = true
  }

  async #refresh(): Promise<void> {
    if (this.#stopped) return
    const control = await this.#openControl()
    const api = apis.metadata
    const version = this.#cluster.versions.highest(api.key, 12)
    const topics = version === 0 ? [] : null
    const asked = control.request(api, version, { topics, allowAutoTopicCreation: false })
    const answer = await this.#bounded(control, asked)
    await this.#askAllVersions(answer)
    this.#cluster.learn({ kind: 'metadata', answer, scope: 'every-topic' })
  }

  async #openControl(): Promise<Upstream> {
    if (this.#control?.state === 'ready' && !this.#control.loginExpires) return this.#control
    this.#control?.end()
    const known = this.#cluster.topology.brokers.values()
    const servers: Server[] = [...known, ...this.#options.bootstrapServers]
    let failure: unknown
    for (const server of servers) {
      try {
        const control = this.#cluster.openOwn(server)
        await control.opened
        if (this.#stopped) control.end()
        this.#control = control
        return control
      } catch (error) {
        failure = error
      }
    }
    throw asCutoverError(failure, 'upstream_connect')
  }

  /** Before applications are told of a broker, we know what it offers. */
  async #askAllVersions(answer: MetadataResponse): Promise<void> {
    const { versions } = this.#cluster
    const unknown = answer.brokers.filter((broker) => !versions.has(nodeId(broker.nodeId)))
    await Promise.all(
      unknown.map(async (broker) => {
        const server = { ...broker, nodeId: nodeId(broker.nodeId) }
        const upstream = this.#cluster.openOwn(server, null)
        try {
          await upstream.opened
        } catch {
          // It is down; who connects to it later asks again.
        } finally {
          upstream.end()
        }
      }),
    )
  }

  async #bounded<T>(upstream: Upstream, answer: Promise<T>): Promise<T> {
    const { answerTimeoutMs } = this.#options
    const timer = setTimeout(() => {
      upstream.close(
        new CutoverError(
          'upstream_timeout',
          `${upstream.peer} did not answer within ${answerTimeoutMs} ms (limits.answerTimeout)`,
        ),
      )
    }, answerTimeoutMs)
    return answer.finally(() => clearTimeout(timer))
  }
}
