import type { Topology } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import type { ClusterName, NodeId } from '../ids.ts'
import {
  apis,
  errorName,
  errorCodes,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../protocol/index.ts'
import type { CoordinatorKind } from '../router/index.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { Upstream } from './upstream.ts'

/** Which broker is asked. */
type Asked =
  | 'any'
  | 'controller'
  | { readonly group: string }
  | { readonly transaction: string }
  | { readonly nodeId: NodeId }

/** How long a broker may take for an answer: it tells what it knows, or admits a member to a group. */
const answerMsMax = 10_000
const joinMsMax = 60_000

/**
 * One cluster for whoever asks it on the sidecar's own behalf, over connections of its own, which nobody
 * else waits behind.
 */
export class ClusterDoor {
  readonly #client: ClusterClient
  readonly #upstreams = new Map<NodeId, Upstream>()

  constructor(client: ClusterClient) {
    this.#client = client
  }

  get name(): ClusterName {
    return this.#client.name
  }

  get topology(): Topology {
    return this.#client.topology
  }

  refresh(): Promise<void> {
    return this.#client.refresh(true)
  }

  version(apiKey: number, known: number): number | undefined {
    return this.#client.offers(apiKey) ? this.#client.version(apiKey, known) : undefined
  }

  forgetCoordinator(of: CoordinatorKind, key: string): void {
    this.#client.forgetCoordinator(of, key)
  }

  async ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    asked: Asked,
  ): Promise<Decoded<S>> {
    const upstream = await this.#open(await this.#who(asked))
    const ms = api.key === apis.joinGroup.key ? joinMsMax : answerMsMax
    // A broker that hangs keeps its connection: without an end, nobody could ask it again.
    const timer = setTimeout(() => {
      const message = `${upstream.peer} did not answer ${api.name} within ${ms} ms`
      upstream.close(new CutoverError('upstream_timeout', message))
    }, ms)
    return upstream
      .request(api, this.#client.version(api.key, version), body)
      .finally(() => clearTimeout(timer))
  }

  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.end()
    this.#upstreams.clear()
  }

  async #who(asked: Asked): Promise<NodeId> {
    if (!this.#client.discovered) await this.#client.refresh(true)
    if (typeof asked === 'object' && 'nodeId' in asked) return asked.nodeId
    if (asked === 'controller' && this.topology.brokers.has(this.topology.controllerId)) {
      return this.topology.controllerId
    }
    if (asked === 'any' || asked === 'controller') {
      const [connected] = [...this.#upstreams].filter(([, upstream]) => upstream.state === 'ready')
      const id = connected?.[0] ?? this.#client.anyBroker(undefined)?.nodeId
      if (id !== undefined) return id
      throw new CutoverError('upstream_connect', `no broker of the ${this.name} is known`)
    }
    return 'group' in asked
      ? this.#coordinator('group', asked.group)
      : this.#coordinator('transaction', asked.transaction)
  }

  async #coordinator(of: CoordinatorKind, key: string): Promise<NodeId> {
    const known = this.#client.coordinator(of, key)
    if (known !== undefined) return known.nodeId
    const through = await this.#open(await this.#who('any'))
    await this.#client.askCoordinators(through, of, [key])
    const found = this.#client.coordinator(of, key)
    if (found !== undefined) return found.nodeId
    throw new CutoverError(
      'upstream_connect',
      `the ${this.name} names no coordinator of ${of} ${key} (${errorName(errorCodes.COORDINATOR_NOT_AVAILABLE)})`,
    )
  }

  async #open(id: NodeId): Promise<Upstream> {
    const known = this.#upstreams.get(id)
    if (known !== undefined && known.state !== 'closed' && !known.loginExpires) {
      await known.opened
      return known
    }
    known?.end()
    const upstream = this.#client.openOwn({ cluster: this.name, nodeId: id })
    this.#upstreams.set(id, upstream)
    await upstream.opened
    return upstream
  }
}
