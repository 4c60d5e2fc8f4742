import { performance } from 'node:perf_hooks'
import type { Observer } from '../observer.ts'
import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { Queue } from './queue.ts'

/** What the answers tell the session that they belong to. */
export interface AnswersOwner {
  readonly downstream: Connection
  /** Another answer has its turn now, or none is left. */
  turnChanged(): void
}

/** The requests of one client that are not answered yet: answers leave in the order of the questions. */
export class Answers {
  readonly #queue = new Queue<Exchange>()
  readonly #owner: AnswersOwner
  readonly #observer: Observer

  constructor(owner: AnswersOwner, observer: Observer) {
    this.#owner = owner
    this.#observer = observer
  }

  get length(): number {
    return this.#queue.length
  }

  expect(answer: Exchange): void {
    this.#queue.push(answer)
  }

  /** What is owed of one API. */
  of(apiKey: number): readonly Exchange[] {
    return [...this.#queue].filter((each) => each.apiKey === apiKey && each.kind !== 'made')
  }

  includes(of: Exchange): boolean {
    for (const each of this.#queue) if (each === of) return true
    return false
  }

  isTurn(of: Exchange): boolean {
    return this.#queue.first === of
  }

  isNext(of: Exchange): boolean {
    return this.#queue.second === of
  }

  /** The answer was made or rewritten here; it leaves when those before it have. */
  made(of: Exchange, answer: Buffer): void {
    of.answer = answer
    if (this.#queue.first === of) this.#flush()
  }

  /** The answer whose turn it was has streamed to the client. */
  streamed(of: Exchange): void {
    this.#observer.requestAnswered(of.apiKey, of.cluster, secondsSince(of.sentAt))
    this.#queue.shift()
    this.#flush()
  }

  #flush(): void {
    const { downstream } = this.#owner
    let first = this.#queue.first
    while (first?.answer != null) {
      this.#observer.sent('client', first.answer.length)
      downstream.write(first.answer, downstream)
      const answerer = first.kind === 'made' ? 'sidecar' : first.cluster
      this.#observer.requestAnswered(first.apiKey, answerer, secondsSince(first.sentAt))
      this.#queue.shift()
      first = this.#queue.first
    }
    this.#owner.turnChanged()
  }
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000
