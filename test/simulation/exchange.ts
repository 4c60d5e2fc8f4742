import { apiByKey, decodeRequestHeader } from '../../src/protocol/index.ts'
import type { RequestFrame } from '../../src/router/index.ts'

/** One answer that a client waits for, in its turn (src/proxy/exchange.ts). */
export interface Exchange {
  readonly apiKey: number
  readonly maxWaitMs: number
  answer: Buffer | undefined
  unresolved: boolean
}

/** What became of the request at hand: one that waits is presented again. */
export type Outcome = 'done' | 'wait'

/** @param frame without its length */
export function requestFrame(frame: Buffer): RequestFrame {
  const { apiKey, apiVersion: version, ...header } = decodeRequestHeader(frame, 0)
  const api = apiByKey(apiKey)
  if (api === undefined) throw new Error(`API ${apiKey} is not known`)
  return { api, version, ...header, frame }
}
