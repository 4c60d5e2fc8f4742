import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import { apis } from '../protocol/index.ts'
import {
  anyOf,
  clusterOfTransactions,
  leadersOf,
  placeOf,
  type CoordinatorKind,
  type Destination,
  type Question,
} from '../router/index.ts'
import type { Brokers } from './brokers.ts'
import type { Connection } from './connection.ts'
import type { SessionContext } from './context.ts'
import type { Run } from './run.ts'
import { asCutoverError, type Upstream } from './upstream.ts'

/** The parts of a session that a request waits with. */
export interface WaitingOwner {
  readonly context: SessionContext
  readonly downstream: Connection
  readonly brokers: Brokers
  readonly run: Run
  fail(error: CutoverError): void
  readonly broke: (error: unknown) => void
}

/** How often one request may find its broker gone before the client is sent away. */
const attemptsMax = 3
/** How soon a request whose leader is not known is decided anew, in ms. */
const leaderRetryMs = 100

/**
 * What the request at hand waits for: a connection, a leader, a coordinator, the outcome of a fence. Nothing
 * behind it is read meanwhile, as on a broker; when the facts are there, it is decided anew.
 */
export class Waiting {
  readonly #owner: WaitingOwner
  readonly #context: SessionContext
  /** How often the request at hand has failed to find a broker, and what was asked for it. */
  #attempts = 0
  readonly #asked = new Set<string>()
  /** Since when it waits for a leader or coordinator of what has moved. */
  #waitsSinceMs: number | undefined
  /** How many waits there have been; only the last one counts. */
  #waits = 0
  #heldSinceMs: number | undefined

  constructor(owner: WaitingOwner) {
    this.#owner = owner
    this.#context = owner.context
  }

  /** Whether the request at hand waits for a splice to be decided. */
  get holding(): boolean {
    return this.#heldSinceMs !== undefined
  }

  /** Waits until the splice is decided; the client notices nothing but that its answer is late. */
  hold(): 'wait' {
    this.#heldSinceMs ??= performance.now()
    this.#waitFor(this.#context.tableChanged(), this.#owner.broke)
    return 'wait'
  }

  /** Waits for the answer to the request before, as on a broker, which handles one after the other. */
  await(answered: Promise<unknown>): 'wait' {
    this.#waitFor(answered, this.#owner.broke)
    return 'wait'
  }

  /** Waits for the cluster to be known. When that fails, there is nothing to try again. */
  awaitDiscovery(): 'wait' {
    this.#waitFor(this.#context.discovered(), (error) => {
      this.#owner.fail(asCutoverError(error, 'upstream_connect'))
    })
    return 'wait'
  }

  /** The connection to a broker, or undefined while it is being made. */
  connected(to: Destination | undefined): Upstream | undefined {
    const cluster = to?.cluster ?? this.#context.table().view.home
    const broker = to === undefined ? undefined : this.#owner.brokers.resolve(to)
    if (broker !== undefined) return this.usable(this.#owner.brokers.connect(broker))
    if (this.#attempts++ < attemptsMax)
      this.#await(this.#context.cluster(cluster).refresh(), cluster)
    else {
      const message = `no broker of the ${cluster} is known that could answer`
      this.#owner.fail(new CutoverError('upstream_connect', message))
    }
    return undefined
  }

  /** The same, for one that is there. */
  usable(upstream: Upstream): Upstream | undefined {
    const ready = upstream.state === 'ready'
    if (ready && !upstream.loginExpires) return upstream
    const { identity } = this.#owner.brokers
    const cluster = this.#context.cluster(upstream.cluster)
    this.#await(ready ? cluster.renewLogin(upstream, identity) : upstream.opened, upstream.cluster)
    return undefined
  }

  /**
   * Asks who leads a topic, which clients know by this name; false when that is known to tell nothing.
   * @param onSource whether partitions are meant that the source has, of a topic of which both are read
   */
  askLeader(topic: string, onSource = false): boolean {
    return this.ask(leadersOf(this.#context.table(), topic === '' ? [] : [topic], onSource))
  }

  /** Asks the cluster, as the client. Returns false when that was done, and told nothing. */
  ask(question: Question): boolean {
    if (!this.#context.home().discovered) {
      this.awaitDiscovery()
      return true
    }
    const name =
      question.cluster ??
      (question.kind === 'leaders' ? 'source' : this.clusterOf(question.of, question.keys[0] ?? ''))
    const cluster = this.#context.cluster(name)
    const key = JSON.stringify([name, question])
    if (this.#asked.has(key)) return false
    if (question.kind === 'leaders' && !cluster.mayAskLeaders(question.topics)) return false
    const through = this.connected(this.#owner.brokers.anyOf(name) ?? anyOf(name))
    if (through === undefined) return true
    // What is collected for this connection goes first: answers come in the order of what is written.
    this.#owner.run.flush()
    this.#asked.add(key)
    this.#await(
      question.kind === 'leaders'
        ? cluster.askLeaders(through, question.topics)
        : cluster.askCoordinators(through, question.of, question.keys),
      name,
    )
    return true
  }

  /** Whether a request that needs this answer means something to one cluster only after it is translated. */
  mustBeTranslated(question: Question): boolean {
    const { view } = this.#context.table()
    if (!view.spliced) return false
    if (question.kind === 'coordinator') return true
    const planned = [...view.topics.values()]
    return question.topics.some((topic) =>
      planned.some(({ name, targetName }) => topic === name || topic === targetName),
    )
  }

  /** Nobody leads what has moved, for now: no other broker may have the request. It is decided anew. */
  waitForLeader(what: string, cluster: ClusterName = 'target'): 'wait' {
    this.#waitsSinceMs ??= performance.now()
    const { answerTimeoutMs } = this.#context.limits
    if (performance.now() - this.#waitsSinceMs > answerTimeoutMs) {
      const message = `no broker of the ${cluster} could take a ${what} within ${answerTimeoutMs} ms`
      this.#owner.fail(new CutoverError('upstream_connect', message))
      return 'wait'
    }
    this.#asked.clear()
    void this.#context.cluster(cluster).refresh()
    this.#waitFor(sleep(leaderRetryMs), this.#owner.broke)
    return 'wait'
  }

  /** Where a group or a transaction lives now. */
  clusterOf(of: CoordinatorKind, key: string): ClusterName {
    const { view } = this.#context.table()
    if (of === 'transaction') return clusterOfTransactions(view)
    return placeOf(view, key) === 'target' ? 'target' : 'source'
  }

  /** The request at hand has gone: the next one begins with nothing. */
  sent(): void {
    this.#released()
    this.#attempts = 0
    if (this.#asked.size > 0) this.#asked.clear()
    this.#waitsSinceMs = undefined
  }

  #released(): void {
    if (this.#heldSinceMs === undefined) return
    const seconds = (performance.now() - this.#heldSinceMs) / 1_000
    this.#context.observer.requestHeld(apis.produce.key, seconds)
    this.#heldSinceMs = undefined
  }

  /** Takes no requests until `facts` are there; the one at hand is then decided anew. */
  #await(facts: Promise<unknown>, cluster: ClusterName): void {
    this.#waitFor(facts, (error) => {
      if (++this.#attempts >= attemptsMax) {
        this.#owner.fail(asCutoverError(error, 'upstream_connect'))
        return
      }
      // The broker may have gone, and its partitions moved: look again, then decide anew.
      this.#waitFor(this.#context.cluster(cluster).refresh(), this.#owner.broke)
    })
  }

  /** Only the last wait counts: deciding anew may have come to another one. */
  #waitFor(facts: Promise<unknown>, failed: (error: unknown) => void): void {
    const { downstream } = this.#owner
    const wait = ++this.#waits
    downstream.block()
    facts.then(
      () => {
        if (wait === this.#waits) downstream.unblock()
      },
      (error: unknown) => {
        if (wait === this.#waits) failed(error)
      },
    )
  }
}
