import {
  decodeRequest,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type RequestHeader,
} from '../protocol/index.ts'

/** Scripted faults: what happens to a request instead of, before or after its ordinary handling. */
export interface ControlledConnection {
  /** Counts the connections of the cluster, from 1. */
  readonly id: number
  /** `host:port` of the client. */
  readonly peer: string
  readonly header: RequestHeader
}

export type ControlOutcome<S extends Fields> =
  /** Nothing special: the next control, if any, then the broker. */
  | undefined
  /** This instead of the broker's answer; the broker does not see the request. */
  | { readonly kind: 'answer'; readonly body: Encodable<S> }
  /** The connection is closed; the broker does not see the request. */
  | { readonly kind: 'drop' }
  /** The broker does what is asked, and the connection is closed in place of its answer. */
  | { readonly kind: 'lose-answer' }
  /** The broker does not see the request, and the client hears nothing. */
  | { readonly kind: 'swallow' }
  /** The broker sees the request that much later, and with it all that follows on the connection. */
  | { readonly kind: 'delay'; readonly ms: number }

export type ControlHandler<Q extends Fields, S extends Fields> = (
  request: Decoded<Q>,
  nodeId: number,
  connection: ControlledConnection,
) => ControlOutcome<S> | Promise<ControlOutcome<S>>

export type ControlDecision =
  | { readonly kind: 'go-on' | 'drop' | 'lose-answer' | 'swallow' }
  | { readonly kind: 'answer'; readonly frame: Buffer }
  | { readonly kind: 'delay'; readonly ms: number }

interface Control {
  readonly kept: boolean
  decide(frame: Buffer, nodeId: number, connection: ControlledConnection): Promise<ControlDecision>
}

export class Controls {
  readonly #controls = new Map<number, Set<Control>>()

  /**
   * The first control that answers with an outcome decides. One that is not kept is gone after its
   * first outcome other than undefined.
   * @returns takes the control away
   */
  add<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    handle: ControlHandler<Q, S>,
    kept: boolean,
  ): () => void {
    const control: Control = {
      kept,
      async decide(frame, nodeId, connection) {
        const { apiVersion, bodyOffset, correlationId } = connection.header
        const request = decodeRequest(api, apiVersion, frame, bodyOffset)
        const outcome = await handle(request, nodeId, connection)
        if (outcome === undefined) return { kind: 'go-on' }
        if (outcome.kind !== 'answer') return outcome
        const answer = encodeResponse(api, apiVersion, correlationId, outcome.body)
        return { kind: 'answer', frame: answer }
      },
    }
    const controls = this.#controls.get(api.key) ?? new Set()
    this.#controls.set(api.key, controls.add(control))
    return () => controls.delete(control)
  }

  async decide(
    frame: Buffer,
    nodeId: number,
    connection: ControlledConnection,
  ): Promise<ControlDecision> {
    const controls = this.#controls.get(connection.header.apiKey)
    for (const control of [...(controls ?? [])]) {
      const decision = await control.decide(frame, nodeId, connection)
      if (decision.kind === 'go-on') continue
      if (!control.kept) controls?.delete(control)
      return decision
    }
    return { kind: 'go-on' }
  }

  has(apiKey: number): boolean {
    return (this.#controls.get(apiKey)?.size ?? 0) > 0
  }
}
