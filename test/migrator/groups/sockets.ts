import { emptyTopology, learnMetadata, type Topology } from '../../../src/cluster/index.ts'
import type { EmbeddedCluster } from '../../../src/embedded/index.ts'
import type { ClusterName } from '../../../src/ids.ts'
import type { Asked } from '../../../src/migrator/cluster.ts'
import type { OwnCluster } from '../../../src/migrator/groups/index.ts'
import {
  apis,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../../src/protocol/index.ts'
import { RawClient } from '../../embedded/raw-client.ts'

/** An embedded cluster as the migrator asks it, one connection to each broker. */
export class SocketCluster implements OwnCluster {
  readonly name: ClusterName
  topology: Topology = emptyTopology
  readonly #embedded: EmbeddedCluster
  readonly #clients = new Map<number, Promise<RawClient>>()

  constructor(name: ClusterName, embedded: EmbeddedCluster) {
    this.name = name
    this.#embedded = embedded
  }

  async refresh(): Promise<void> {
    const answer = await this.ask(apis.metadata, 7, { topics: null }, 'any')
    this.topology = learnMetadata(this.topology, answer, 'every-topic')
  }

  version(_apiKey: number, known: number): number {
    return known
  }

  forgetCoordinator(): void {}

  async ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    asked: Asked,
  ): Promise<Decoded<S>> {
    const first = this.#embedded.brokers[0]?.nodeId ?? 1
    const id =
      typeof asked !== 'object'
        ? first
        : 'nodeId' in asked
          ? asked.nodeId
          : 'group' in asked
            ? this.#embedded.coordinator(asked.group)
            : first
    return (await this.#connect(id)).ask(api, version, body)
  }

  #connect(id: number): Promise<RawClient> {
    const broker = this.#embedded.brokers.find(({ nodeId }) => nodeId === id)
    if (broker === undefined) throw new Error(`there is no broker ${id}`)
    const client = this.#clients.get(id) ?? RawClient.open(broker)
    this.#clients.set(id, client)
    return client
  }

  close(): void {
    for (const client of this.#clients.values()) void client.then((each) => each.close())
    this.#clients.clear()
  }
}
