import type net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import type { SlotNumber } from '../ids.ts'
import type { SessionContext } from './context.ts'
import { Session } from './session.ts'
import type { Reading } from './topics-read.ts'
import {
  acceptedTlsTransport,
  acceptedTransport,
  addressOf,
  type Transport,
  type TransportOwner,
} from './transport.ts'

const sweepIntervalMs = 1_000
const producedPollMs = 2
const drainedPollMs = 20

/** The connections of applications: each is one session. */
export class Sessions {
  readonly #context: SessionContext
  readonly #connectionsMax: number
  readonly #all = new Set<Session>()
  #count = 0
  #lostProduces = 0
  #sweeper: NodeJS.Timeout | undefined
  #draining = false

  constructor(context: SessionContext, connectionsMax: number) {
    this.#context = context
    this.#connectionsMax = connectionsMax
  }

  get size(): number {
    return this.#all.size
  }

  /** How many have a request that waits for a splice to be decided. */
  get holding(): number {
    let count = 0
    for (const session of this.#all) if (session.holding) count++
    return count
  }

  /** How many have ended so far under something that was being produced. */
  get lostProduces(): number {
    return this.#lostProduces
  }

  /** Who has asked for records of which topics lately, while nothing has moved. */
  get reading(): readonly Reading[] {
    return [...this.#all].flatMap(({ reading }) => reading ?? [])
  }

  /** How many Fetches wait at brokers for longer than this. */
  fetchesLongerThan(ms: number): number {
    let count = 0
    for (const session of this.#all) count += session.fetchesLongerThan(ms)
    return count
  }

  /** Looks for those that stand still, from here on. */
  start(): void {
    this.#sweeper = setInterval(() => {
      const now = performance.now()
      for (const session of this.#all) session.sweep(now)
    }, sweepIntervalMs)
  }

  accept(slot: SlotNumber | 0, socket: net.Socket): void {
    if (this.#draining || this.#all.size >= this.#connectionsMax) {
      this.#refuse(socket)
      return
    }
    const open = (owner: TransportOwner): Transport =>
      socket instanceof tls.TLSSocket
        ? acceptedTlsTransport(socket, owner)
        : acceptedTransport(socket, owner)
    const session = new Session(++this.#count, slot, this.#context, open, (closed) => {
      this.#all.delete(closed)
      if (closed.producing()() === 'unresolved') this.#lostProduces++
    })
    this.#all.add(session)
  }

  /**
   * Resolves when everything that was being produced when this was called has been answered or has failed,
   * what wants no answer (acks=0) included.
   * @returns whether nothing of it will be sent again
   */
  async produced(): Promise<boolean> {
    const outcomes = [...this.#all].map((session) => session.producing())
    while (outcomes.some((outcome) => outcome() === 'pending')) await sleep(producedPollMs)
    await Promise.all([...this.#all].map((session) => session.flushUnanswered()))
    return outcomes.every((outcome) => outcome() === 'resolved')
  }

  /** Lets those clients connect anew who were offered versions that the target does not have. */
  endOutdated(): void {
    for (const session of this.#all) if (session.outdated) session.drain()
  }

  /** Closes the connections of those who are held: they come back, and are held again. */
  endHeld(): void {
    for (const session of this.#all) if (session.holding) session.downstream.destroy()
  }

  /** Accepts no more and lets what is in flight finish; what has not finished in time is cut off. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true
    for (const session of this.#all) session.drain()
    const deadline = setTimeout(() => {
      this.#context.log.warn(
        { value: this.#all.size, limit: timeoutMs },
        'connections were cut off: they did not finish in time',
      )
      for (const session of this.#all) session.downstream.destroy()
    }, timeoutMs)
    while (this.#all.size > 0) await sleep(drainedPollMs)
    clearTimeout(deadline)
    clearInterval(this.#sweeper)
  }

  #refuse(socket: net.Socket): void {
    const peer = addressOf(socket.remoteAddress, socket.remotePort)
    socket.destroy()
    if (this.#draining) return
    this.#context.observer.failed('connection_limit')
    this.#context.log.warn(
      { peer, limit: this.#connectionsMax },
      'an application was refused: limits.connections is reached',
    )
  }
}
