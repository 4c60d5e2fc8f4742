import type { Scheduler } from './scheduler.ts'

/** Who listens to one end of a connection. */
export interface LinkEnd {
  received(frame: Buffer): void
  closed(): void
}

/** What is on its way in one direction, oldest first. */
type Flight = { readonly frame: Buffer; cancel: () => void }[]

/** A connection: ordered in each direction, with delays of its own; it may end with frames on their way. */
export class Link {
  readonly #scheduler: Scheduler
  readonly #ends: readonly [LinkEnd, LinkEnd]
  readonly #flights: readonly [Flight, Flight] = [[], []]
  readonly #lastAt: [number, number] = [0, 0]
  readonly #latencyMs: number
  open = true

  /** @param client who connected; @param server who was connected to */
  constructor(scheduler: Scheduler, client: LinkEnd, server: LinkEnd) {
    this.#scheduler = scheduler
    this.#ends = [client, server]
    this.#latencyMs = scheduler.random.chance(0.1) ? 20 : 2
  }

  /** To the server. */
  send(frame: Buffer): void {
    this.#fly(1, frame)
  }

  /** To the client. */
  reply(frame: Buffer): void {
    this.#fly(0, frame)
  }

  /** What the server had not received when the connection ended. */
  get unsent(): readonly Buffer[] {
    return this.#flights[1].map(({ frame }) => frame)
  }

  /** Both ends learn of it, each in its time. */
  end(): void {
    if (!this.open) return
    this.open = false
    for (const flight of this.#flights) for (const { cancel } of flight) cancel()
    for (const end of this.#ends) this.#scheduler.after(this.#delayMs(), () => end.closed())
  }

  #fly(to: 0 | 1, frame: Buffer): void {
    if (!this.open) return
    const { now } = this.#scheduler
    const at = Math.max(this.#lastAt[to], now() + this.#delayMs())
    this.#lastAt[to] = at
    const flight = this.#flights[to]
    const cancel = this.#scheduler.after(at - now(), () => {
      flight.shift()
      this.#ends[to].received(frame)
    })
    flight.push({ frame, cancel })
  }

  #delayMs(): number {
    return this.#scheduler.random.next() * this.#latencyMs
  }
}
