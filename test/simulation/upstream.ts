import type { NodeId } from '../../src/ids.ts'
import type { BrokerLink, SimCluster } from './cluster.ts'
import type { LinkEnd } from './link.ts'

interface Pending {
  readonly take: (answer: Buffer) => void
  readonly failed: ((error: Error) => void) | undefined
}

/** A session's connection to one broker, as src/proxy/upstream.ts. */
export class Upstream implements LinkEnd {
  readonly #link: BrokerLink
  readonly #pending: Pending[] = []
  readonly #whenClosed: (owed: boolean) => void
  readonly opened: Promise<void>
  ready = false
  /** Something was sent that wants no answer (acks=0). */
  unanswered = false
  #isOver = false

  constructor(cluster: SimCluster, node: NodeId, whenClosed: (owed: boolean) => void) {
    this.#link = cluster.connect(node, this)
    this.#whenClosed = whenClosed
    const { scheduler } = cluster
    this.opened = scheduler.sleep(scheduler.random.next() * 3).then(() => {
      this.ready = !this.#isOver
    })
  }

  request(frame: Buffer, take: (answer: Buffer) => void, failed?: (error: Error) => void): void {
    if (this.#isOver) return failed?.(new Error('the connection is closed'))
    this.#pending.push({ take, failed })
    this.write(frame)
  }

  /** The broker takes frames without their length. */
  write(frame: Buffer): void {
    this.#link.send(Buffer.from(frame.subarray(4)))
  }

  received(answer: Buffer): void {
    if (!this.#isOver) this.#pending.shift()?.take(answer)
  }

  closed(): void {
    if (this.#isOver) return
    const owed = this.#pending.length > 0 || this.unanswered
    this.#over()
    this.#whenClosed(owed)
  }

  end(): void {
    this.#over()
    this.#link.end()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.ready = false
    for (const { failed } of this.#pending) failed?.(new Error('the connection was closed'))
  }
}
