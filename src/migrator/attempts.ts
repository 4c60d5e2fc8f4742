import { setTimeout as sleep } from 'node:timers/promises'
import { CutoverError } from '../errors.ts'
import { Fencing, type FencingOptions } from './fencing.ts'
import type { Plan } from './preflight/index.ts'

/** How often a fence goes up for one command, and until when, in ms. */
const attemptsMax = 8
const attemptMsMax = 60_000
/** How long producers may have been held by fences that came to nothing, all together, in ms. */
const heldMsMax = 10_000
/** How long everything flows to the source between two of them: twice as long each time. */
const retryMsMin = 500
const retryMsMax = 15_000

export interface AttemptsOptions extends FencingOptions {
  /** Looks at both clusters anew. Rejects where something stands in the way. */
  readonly look: () => Promise<Plan>
}

/**
 * The fences of one command. What cuts one short is ordinary - a leader is elected, a broker restarts - and
 * everything flows to the source then: which alone can put a refused batch, that its client sends again,
 * before what was held behind it. So the command is not over: a little later, it is tried again.
 *
 *     fence -> spliced
 *       \-- aborted -> wait -> look -> fence ...
 *                        \-- deadline, operator, something in the way -> over
 */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #ended = new AbortController()
  #fencing: Fencing
  /** Of the fence before. */
  #heldMs: number | null = null

  constructor(options: AttemptsOptions) {
    this.#options = options
    this.#fencing = new Fencing(options)
  }

  /** How long producers were held by the last fence, in ms; null while they were not. */
  get heldMs(): number | null {
    return this.#fencing.heldMs ?? this.#heldMs
  }

  /** Ends the fence that stands, if any, and begins none. */
  abort(reason: string): void {
    this.#ended.abort(new Error(reason))
    this.#fencing.abort(reason)
  }

  /** @throws where it ended between fences, or before the first; otherwise the record's phase tells the outcome */
  async run(plan: Plan): Promise<void> {
    const begunMs = performance.now()
    let heldMs = 0
    let isOpen = await this.#fencing.run(plan)
    for (let attempt = 2; isOpen && attempt <= attemptsMax; attempt++) {
      this.#heldMs = this.#fencing.heldMs
      heldMs += this.#heldMs ?? 0
      if (heldMs >= heldMsMax || performance.now() - begunMs >= attemptMsMax) return
      await this.#pause(Math.min(retryMsMax, retryMsMin * 2 ** (attempt - 2)))
      isOpen = await this.#tryAgain()
    }
  }

  /** A broker that is away while everything is looked at is no reason to end, either. */
  async #tryAgain(): Promise<boolean> {
    this.#fencing = new Fencing(this.#options)
    try {
      const plan = await this.#options.look()
      return await this.#fencing.run(plan)
    } catch (error) {
      if (!(error instanceof CutoverError)) throw error
      return true
    }
  }

  async #pause(ms: number): Promise<void> {
    const { record, log } = this.#options
    const reason = record.state.fence?.abortReason ?? ''
    record.waitingFor = [
      `the next fence, ${ms / 1_000} s after the last one, which ended: ${reason}`,
    ]
    log.warn({ reason, value: `${ms} ms` }, 'a fence was aborted; the next one goes up soon')
    const { signal } = this.#ended
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
