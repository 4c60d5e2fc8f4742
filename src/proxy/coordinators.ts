import type { NodeId } from '../ids.ts'
import type { CoordinatorKind } from '../router/index.ts'

/** A cluster with more groups than this is asked again for the oldest. */
const coordinatorsMax = 10_000

/** Which broker coordinates what, as far as it was told. */
export class Coordinators {
  readonly #known: Record<CoordinatorKind, Map<string, NodeId>> = {
    group: new Map(),
    transaction: new Map(),
  }

  of(kind: CoordinatorKind, key: string): NodeId | undefined {
    return this.#known[kind].get(key)
  }

  learn(kind: CoordinatorKind, key: string, nodeId: NodeId): void {
    const known = this.#known[kind]
    known.delete(key)
    known.set(key, nodeId)
    if (known.size <= coordinatorsMax) return
    for (const oldest of known.keys()) {
      known.delete(oldest)
      return
    }
  }

  forget(kind: CoordinatorKind, key: string): void {
    this.#known[kind].delete(key)
  }

  /** A broker has gone: what it coordinated is coordinated elsewhere now. */
  forgetBroker(nodeId: NodeId): void {
    for (const known of Object.values(this.#known)) {
      for (const [key, id] of known) if (id === nodeId) known.delete(key)
    }
  }
}
