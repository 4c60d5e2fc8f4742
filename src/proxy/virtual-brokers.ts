import { growVirtualBrokers, type VirtualBroker } from '../cluster/index.ts'
import type { NodeId, SlotNumber } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { Listeners } from './listeners.ts'

export interface VirtualBrokersOptions {
  readonly source: ClusterClient
  readonly target: ClusterClient | null
  readonly listeners: Listeners
  /** The numbers that virtual brokers had before, and where they are kept. */
  readonly known: readonly VirtualBroker[]
  readonly keep: (brokers: readonly VirtualBroker[]) => void
  readonly observer: Observer
  readonly log: Log
  /** One more can be told of. */
  readonly opened: () => void
  /** One that could have been opened was, or could not be. */
  readonly settled: () => void
}

/** The virtual brokers: there are more when a cluster grows, and each listens once it has a home. */
export class VirtualBrokers {
  readonly #options: VirtualBrokersOptions
  readonly #opening = new Map<SlotNumber, Promise<void>>()
  readonly #open = new Set<SlotNumber>()
  #known: readonly VirtualBroker[]
  #listening: readonly VirtualBroker[] = []

  constructor(options: VirtualBrokersOptions) {
    this.#options = options
    this.#known = options.known
  }

  /** Those that clients can be told of; the same array while they are the same. */
  get listening(): readonly VirtualBroker[] {
    const listening = this.#known.filter(({ slot }) => this.#open.has(slot))
    const before = this.#listening
    const same =
      before.length === listening.length && listening.every((broker, i) => broker === before[i])
    if (!same) this.#listening = listening
    return this.#listening
  }

  /** Whether each that has a home listens. */
  get everyOneListens(): boolean {
    return this.#known.every((broker) => !this.#isLive(broker) || this.#open.has(broker.slot))
  }

  /** A cluster has told of its brokers. */
  grow(): void {
    const { source, target, keep } = this.#options
    const grown = growVirtualBrokers(
      this.#known,
      source.topology.brokers.keys(),
      // Before the source is known, its brokers' ids are not, and they come first.
      source.discovered || this.#known.length > 0 ? (target?.topology.brokers.keys() ?? []) : [],
    )
    if (grown !== this.#known) {
      this.#known = grown
      keep(grown)
    }
    for (const broker of grown) {
      if (!this.#isLive(broker) || this.#opening.has(broker.slot)) continue
      this.#opening.set(broker.slot, this.#listen(broker))
    }
  }

  /** Resolves when those of these brokers of the source listen, as far as they can. */
  async settled(nodeIds: readonly NodeId[]): Promise<void> {
    const brokers = this.#known.filter(({ nodeId }) => nodeIds.includes(nodeId))
    await Promise.all(brokers.map(({ slot }) => this.#opening.get(slot) ?? Promise.resolve()))
  }

  /** Whether a virtual broker has a home in any cluster. */
  #isLive({ nodeId, target: home }: VirtualBroker): boolean {
    const { source, target } = this.#options
    if (source.topology.brokers.has(nodeId)) return true
    return home !== null && target?.topology.brokers.has(home) === true
  }

  async #listen({ slot, nodeId }: VirtualBroker): Promise<void> {
    const { listeners, observer, log, opened, settled } = this.#options
    try {
      await listeners.open(slot)
      this.#open.add(slot)
      opened()
    } catch (error) {
      observer.failed('accept_failed')
      log.error(
        { nodeId, peer: listeners.addressOf(slot), err: error },
        'a virtual broker cannot listen: clients will not reach its partitions by the shortest way',
      )
    } finally {
      settled()
    }
  }
}
