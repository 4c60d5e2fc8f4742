import {
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import type { Link, LinkEnd } from './link.ts'

/** The way to the sidecar, or to a cluster: undefined while it is down. */
export type Connect = (client: LinkEnd) => Way | undefined
export type Way = Pick<Link, 'send' | 'end'>

interface Awaited {
  readonly take: (answer: Buffer) => void
  readonly failed: () => void
}

export const lost = new Error('the connection was lost')

/** One connection of an application; answers come in the order of the questions. */
export class ClientConnection implements LinkEnd {
  readonly #link: Way | undefined
  readonly #awaited: Awaited[] = []
  readonly #whenClosed: () => void
  readonly #clientId: string
  #correlationId = 0
  open = true

  constructor(connect: Connect, clientId: string, whenClosed: () => void = () => {}) {
    this.#clientId = clientId
    this.#whenClosed = whenClosed
    this.#link = connect(this)
    if (this.#link === undefined) this.open = false
  }

  ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    if (!this.open) return Promise.reject(lost)
    return new Promise((resolve, reject) => {
      const take = (answer: Buffer) => {
        const { bodyOffset, correlationId } = decodeResponseHeader(api, version, answer, 4)
        if (correlationId !== id) reject(new Error(`answer ${correlationId} for request ${id}`))
        resolve(decodeResponse(api, version, answer, bodyOffset))
      }
      this.#awaited.push({ take, failed: () => reject(lost) })
      const id = this.tell(api, version, body)
    })
  }

  /** Waits for no answer (acks=0). */
  tell<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): number {
    const header = { correlationId: ++this.#correlationId, clientId: this.#clientId }
    this.#link?.send(encodeRequest(api, version, header, body))
    return header.correlationId
  }

  received(answer: Buffer): void {
    if (this.open) this.#awaited.shift()?.take(answer)
  }

  closed(): void {
    if (!this.open) return
    this.open = false
    for (const { failed } of this.#awaited) failed()
    this.#whenClosed()
  }

  /** The application lets go. */
  end(): void {
    this.#link?.end()
    this.closed()
  }
}
