import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
} from '../protocol/index.ts'
import {
  isRedealt,
  redealt,
  subscribersOf,
  type RequestFrame,
  type Subscribers,
  type View,
} from '../router/index.ts'

/** What a session's client was told when it last joined a group as its leader, for the SyncGroup that follows. */
export class Leading {
  readonly #view: () => View
  #subscribers: Subscribers | undefined

  constructor(view: () => View) {
    this.#view = view
  }

  /** @param answer as the client gets it, with its length */
  joined({ version, frame, bodyOffset }: RequestFrame, answer: Buffer): void {
    const api = apis.joinGroup
    const asked = decodeRequest(api, version, frame, bodyOffset)
    this.#subscribers = undefined
    if (!isRedealt(this.#view(), asked)) return
    const header = decodeResponseHeader(api, version, answer, 4)
    const told = decodeResponse(api, version, answer, header.bodyOffset)
    this.#subscribers = subscribersOf(asked, told)
  }

  /** A SyncGroup, as it is to be; the same again when it is presented again. */
  assigning(request: RequestFrame): RequestFrame {
    const api = apis.syncGroup
    if (this.#subscribers === undefined || request.api.key !== api.key) return request
    const { version, correlationId, clientId, frame, bodyOffset } = request
    const asked = decodeRequest(api, version, frame, bodyOffset)
    const dealt = redealt(this.#view(), this.#subscribers, asked)
    if (dealt === asked) return request
    const made = encodeRequest(api, version, { correlationId, clientId }, dealt).subarray(4)
    return { ...request, frame: made, bodyOffset: decodeRequestHeader(made, 0).bodyOffset }
  }
}
